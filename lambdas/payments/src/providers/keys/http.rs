//! Keys over HTTPS from PayPal and Plaid: short, bounded, never redirected.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde_json::json;
use tokio::sync::OnceCell;

use super::{FetchedKey, KeyRequest, KeySource, KeyUnavailable};
use crate::json::Json;
use crate::providers::{Check, paypal};
use crate::secret::SecretValue;

/// A chain of certificates is some 10 kB long.
const LONGEST_ANSWER: usize = 64 * 1024;
/// The webhook's sender waits for five seconds at least.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Where Plaid answers unless the settings name another environment.
const PLAID: &str = "https://production.plaid.com";

/// The providers themselves as the source of their keys.
#[derive(Default)]
pub struct HttpKeys {
    /// Made at the first use: most stacks verify everything with secrets alone.
    client: OnceCell<Client>,
}

impl HttpKeys {
    async fn client(&self) -> Result<&Client, KeyUnavailable> {
        self.client.get_or_try_init(async || Self::connect()).await
    }

    fn connect() -> Result<Client, KeyUnavailable> {
        Client::builder()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("payhook/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| KeyUnavailable {
                why: "the system has no root certificates",
            })
    }

    async fn paypal(&self, url: &str) -> Result<FetchedKey, KeyUnavailable> {
        let Some(answer) = answer(self.client().await?.get(url)).await? else {
            return Ok(FetchedKey::Unknown);
        };
        Ok(FetchedKey::Certificates {
            chain: format!("{answer}\n{}", paypal::INTERMEDIATES),
            roots: paypal::ROOTS.to_owned(),
        })
    }

    async fn plaid(&self, key_id: &str, check: &Check<'_>) -> Result<FetchedKey, KeyUnavailable> {
        let key = check.secrets.api_key.as_ref();
        let text = |name| key.and_then(|key: &SecretValue| key.named(name));
        let (Some(client_id), Some(secret)) = (text("client_id"), text("secret")) else {
            return Err(KeyUnavailable {
                why: "the secret has no `api_key` with `client_id` and `secret`",
            });
        };
        let base_url = check
            .settings
            .confirm
            .as_ref()
            .map_or(PLAID, |confirm| confirm.base_url.trim_end_matches('/'));
        let question = json!({"client_id": client_id, "secret": secret, "key_id": key_id});
        let request = self
            .client()
            .await?
            .post(format!("{base_url}/webhook_verification_key/get"));
        let request = request
            .header("Content-Type", "application/json")
            .body(question.to_string());
        let Some(answer) = answer(request).await? else {
            return Ok(FetchedKey::Unknown);
        };
        let key = Json::parse_object(answer.as_bytes())
            .ok()
            .and_then(|answer| answer.get("key"));
        key.map(|key| FetchedKey::WebKey(key.raw().to_owned()))
            .ok_or(KeyUnavailable {
                why: "the answer holds no key",
            })
    }
}

#[async_trait]
impl KeySource for HttpKeys {
    async fn fetch(
        &self,
        wanted: &KeyRequest,
        check: &Check<'_>,
    ) -> Result<FetchedKey, KeyUnavailable> {
        match wanted {
            KeyRequest::PaypalCertificate { url } => self.paypal(url).await,
            KeyRequest::PlaidKey { key_id } => self.plaid(key_id, check).await,
        }
    }
}

/// The text of a successful answer; `None` when the provider knows no such key.
async fn answer(request: RequestBuilder) -> Result<Option<String>, KeyUnavailable> {
    let unreachable = |_| KeyUnavailable {
        why: "the provider could not be reached in time",
    };
    let mut answer = request.send().await.map_err(unreachable)?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => return Ok(None),
        _ => {
            return Err(KeyUnavailable {
                why: "the provider refused to answer",
            });
        }
    }
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if text.len() + chunk.len() > LONGEST_ANSWER {
            return Err(KeyUnavailable {
                why: "the answer is too long",
            });
        }
        text.extend_from_slice(&chunk);
    }
    String::from_utf8(text)
        .map(Some)
        .map_err(|_| KeyUnavailable {
            why: "the answer is not text",
        })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::secret::Secrets;
    use crate::settings::{Confirm, Settings};

    /// Answers one request with the given text and hands over what was asked.
    async fn served(answer: String) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                let mut chunk = [0; 4096];
                let length = stream.read(&mut chunk).await.expect("a request");
                asked.extend_from_slice(&chunk[..length]);
            }
            // The client may hang up before a long answer ends.
            let _ = stream.write_all(answer.as_bytes()).await;
            String::from_utf8(asked).expect("text")
        });
        (address, served)
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    async fn plaid(answer: String) -> (Result<FetchedKey, KeyUnavailable>, String) {
        let (base_url, served) = served(answer).await;
        let json = r#"{"plaid":{"api_key":{"client_id":"id-1","secret":"secret-1"}}}"#;
        let secrets = Secrets::parse(json)
            .expect("secrets")
            .provider("plaid")
            .expect("plaid")
            .clone();
        let settings = Settings {
            confirm: Some(Confirm { base_url }),
            ..Settings::default()
        };
        let check = Check {
            secrets: &secrets,
            settings: &settings,
            fetched: None,
        };
        let wanted = KeyRequest::PlaidKey {
            key_id: "kid-1".into(),
        };
        let fetched = HttpKeys::default().fetch(&wanted, &check).await;
        (fetched, served.await.expect("the server"))
    }

    #[tokio::test]
    async fn plaid_is_asked_for_the_key_by_its_id() {
        let (fetched, asked) = plaid(ok(r#"{"key":{"kid":"kid-1"},"request_id":"r"}"#)).await;
        assert_eq!(fetched, Ok(FetchedKey::WebKey(r#"{"kid":"kid-1"}"#.into())));
        assert!(
            asked.starts_with("POST /webhook_verification_key/get "),
            "{asked}"
        );
        assert!(
            asked.ends_with(r#"{"client_id":"id-1","secret":"secret-1","key_id":"kid-1"}"#),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn what_is_not_a_key_is_unknown_or_asked_for_again() {
        let status = |line: &str| {
            format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        };
        assert_eq!(
            plaid(status("400 Bad Request")).await.0,
            Ok(FetchedKey::Unknown)
        );
        let moved = "302 Found\r\nLocation: http://127.0.0.1:9/";
        for refused in [
            status("500 Error"),
            status("429 Slow Down"),
            status(moved),
            ok("{}"),
            ok(&"x".repeat(100_000)),
        ] {
            assert!(
                plaid(refused.clone()).await.0.is_err(),
                "{}",
                &refused[..30]
            );
        }
    }

    #[tokio::test]
    async fn without_an_api_key_plaid_is_not_asked() {
        let (secrets, settings) = (Default::default(), Settings::default());
        let check = Check {
            secrets: &secrets,
            settings: &settings,
            fetched: None,
        };
        let wanted = KeyRequest::PlaidKey {
            key_id: "kid-1".into(),
        };
        let refused = HttpKeys::default()
            .fetch(&wanted, &check)
            .await
            .expect_err("refused");
        assert!(refused.to_string().contains("client_id"));
    }
}
