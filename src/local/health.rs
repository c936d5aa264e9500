//! Who answers on a port: our emulator, something else, or nobody.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

const PATIENCE: Duration = Duration::from_secs(3);
/// Times that a given endpoint is asked, and the time between two of them.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What a running emulator says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// Version of ministack.
    pub version: String,
    /// Present when payhook's launcher started it.
    pub payhook: Option<Launched>,
}

/// What the launcher adds to the emulator's own health answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Launched {
    pub pid: u32,
    /// Directory the emulator keeps its state in.
    pub dir: PathBuf,
    /// Digest of the launcher and its gap fills.
    pub launcher: String,
}

/// The answer of one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Emulator(Health),
    SomethingElse,
    Nobody,
}

/// Asks the port of this machine who answers there; bounded by a few seconds.
pub(super) async fn ask(port: u16) -> Answer {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let connected = tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await;
    match connected.map(|stream| stream.map(drop)) {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Answer::Nobody,
        Err(_) => return Answer::SomethingElse,
    }
    match health(port).await {
        Some(health) => Answer::Emulator(health),
        None => Answer::SomethingElse,
    }
}

async fn health(port: u16) -> Option<Health> {
    let answer = client()?
        .get(format!("http://127.0.0.1:{port}/_ministack/health"))
        .send()
        .await
        .ok()?;
    let body = answer.bytes().await.ok()?;
    serde_json::from_slice(&body).ok()
}

/// Whether anything speaks HTTP at `endpoint`; the reason when not.
pub(super) async fn answers(endpoint: &str) -> Result<(), String> {
    let client = client().ok_or("no HTTP client")?;
    let mut tries = 1;
    loop {
        match client.get(endpoint).send().await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_builder() => return Err("not a URL".into()),
            // One that listens may still be slow or break a connection now and then.
            Err(error) if !error.is_connect() && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if error.is_timeout() => return Err("no answer in time".into()),
            Err(_) => return Err("connection refused or broken".into()),
        }
    }
}

/// A client that ignores proxy settings: they are for the world outside this machine.
fn client() -> Option<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn port_that_says(reply: String) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("bind");
        let port = listener.local_addr().expect("address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        port
    }

    fn http(status: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    #[tokio::test]
    async fn a_closed_port_is_nobody() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("address").port();
        drop(listener);
        assert_eq!(ask(port).await, Answer::Nobody);
    }

    #[tokio::test]
    async fn a_web_server_without_our_health_answer_is_something_else() {
        let port = port_that_says(http("404 Not Found", "{}")).await;
        assert_eq!(ask(port).await, Answer::SomethingElse);
    }

    #[tokio::test]
    async fn a_port_that_does_not_speak_http_is_something_else() {
        let port = port_that_says("SSH-2.0-OpenSSH_9.2\r\n".into()).await;
        assert_eq!(ask(port).await, Answer::SomethingElse);
    }

    #[tokio::test]
    async fn an_emulator_someone_else_started_is_still_an_emulator() {
        let body = r#"{"services":{},"version":"1.5.33","edition":"light"}"#;
        let port = port_that_says(http("200 OK", body)).await;
        let health = Health {
            version: "1.5.33".into(),
            payhook: None,
        };
        assert_eq!(ask(port).await, Answer::Emulator(health));
    }
}
