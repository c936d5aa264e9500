//! Plays a provider's API at the address on this machine that infra.toml gives it, for as long as a test event is followed.
//!
//! The functions on an emulator run on this machine too, so they ask here what became of a payment that exists nowhere else.

use crate::cli::made_secret;
use anyhow::Context as _;
use payments::money::Money;
use payments::providers::keys::FetchedKey;
use payments::secret::{Secret, SecretText};
use payments::settings::Settings;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

mod klarna;
mod plaid;

/// Longest request that is read; the functions send far less.
const LONGEST: usize = 64 * 1024;

/// What one provider's API says.
trait Api: Send + Sync {
    /// Status line and body of the answer to a request for a path.
    fn answer(&self, path: &str, body: &[u8]) -> (&'static str, String);
}

/// An API that is played, until this is dropped.
pub struct StandIn {
    /// What the provider's webhooks are signed with, where only the provider has such a key.
    pub signing: Option<Secret>,
    /// What those are verified with.
    pub gives_out: Option<FetchedKey>,
    /// What the list of events names after the notice: its payment, and its event.
    pub listed: Option<(String, String)>,
    /// A key that the API could have given out.
    pub api_key: SecretText,
    server: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl StandIn {
    /// Starts where `confirm.base_url` is an unused port of this machine and the provider's API can be played.
    pub async fn start(
        provider: &str,
        settings: &Settings,
        money: &Money,
    ) -> anyhow::Result<Option<Self>> {
        let Some(port) = settings
            .confirm
            .as_ref()
            .and_then(|at| own_port(&at.base_url))
        else {
            return Ok(None);
        };
        let nonce = hex::encode(made_secret::random::<12>()?);
        let (api, signing, gives_out, listed): (Arc<dyn Api>, _, _, _) = match provider {
            "klarna" => (Arc::new(klarna::Klarna::new(money)), None, None, None),
            "plaid" => {
                let plaid = plaid::Plaid::new(&nonce, money)?;
                let (signing, key) = (Some(plaid.secret()), Some(plaid.key()));
                let listed = Some(plaid.listed());
                (Arc::new(plaid), signing, key, listed)
            }
            _ => return Ok(None),
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Whoever listens there already plays it.
        let Ok(listener) = TcpListener::bind(address).await else {
            return Ok(None);
        };
        let key = match provider {
            "klarna" => json!({"username": nonce, "password": nonce}),
            _ => json!({"client_id": nonce, "secret": nonce}),
        };
        Ok(Some(Self {
            signing,
            gives_out,
            listed,
            api_key: SecretText::new(&key.to_string()),
            server: tokio::spawn(serve(listener, api)),
        }))
    }
}

/// The port of an http address of this machine.
fn own_port(base_url: &str) -> Option<u16> {
    let url = reqwest::Url::parse(base_url).ok()?;
    let is_own = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    (url.scheme() == "http" && is_own && url.path() == "/")
        .then(|| url.port())
        .flatten()
}

async fn serve(listener: TcpListener, api: Arc<dyn Api>) {
    while let Ok((stream, _)) = listener.accept().await {
        let api = Arc::clone(&api);
        tokio::spawn(async move {
            // Whoever hangs up asks again.
            let _ = exchange(stream, api.as_ref()).await;
        });
    }
}

async fn exchange(stream: TcpStream, api: &dyn Api) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = (&mut stream).take(LONGEST as u64);
    let mut line = String::new();
    head.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).context("no path")?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        head.read_line(&mut header).await?;
        match header.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    anyhow::ensure!(length <= LONGEST, "too long");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let path = path.split('?').next().unwrap_or_default();
    let (status, text) = api.answer(path, &body);
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

#[cfg(test)]
mod tests {
    use super::own_port;

    #[test]
    fn an_api_is_played_only_at_a_port_of_this_machine() {
        assert_eq!(own_port("http://127.0.0.1:4570"), Some(4570));
        assert_eq!(own_port("http://localhost:4570/"), Some(4570));
        for other in [
            "https://api.klarna.com",
            "http://127.0.0.1",
            "https://127.0.0.1:4570",
            "http://127.0.0.1:4570/klarna",
            "http://10.0.0.1:4570",
            "nonsense",
        ] {
            assert_eq!(own_port(other), None, "{other}");
        }
    }
}
