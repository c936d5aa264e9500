//! HTTP towards providers: short, bounded, never redirected.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url, redirect};

use super::GatewayError;
use super::api::Question;

/// Enough for any payment object; what is larger is not read to its end.
const LONGEST_ANSWER: usize = 512 * 1024;

/// Both well below the lease of a processing step.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(8);

/// Nothing was sent.
pub(super) const NOT_REACHED: &str = "could not be reached";

/// The one HTTP client of a function.
#[derive(Clone)]
pub struct HttpClient {
    client: reqwest::Client,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTPS client could be made, most likely because the system has no root certificates")]
pub struct NoHttpClient;

impl HttpClient {
    pub fn new() -> Result<Self, NoHttpClient> {
        Self::with_timeout(TIMEOUT)
    }

    /// A client that gives up on a whole exchange after `timeout`.
    pub fn with_timeout(timeout: Duration) -> Result<Self, NoHttpClient> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("payhook/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| NoHttpClient)?;
        Ok(Self { client })
    }

    /// Asks once and gives the body of a successful answer.
    pub(super) async fn send(
        &self,
        base_url: &str,
        question: &Question,
    ) -> Result<Vec<u8>, GatewayError> {
        let url = Url::parse(&format!("{base_url}{}", question.path))
            .map_err(|_| GatewayError::Address)?;
        let mut request = self
            .client
            .request(question.method.clone(), url)
            .body(question.body.clone());
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(|error| unreachable(&error))?;
        check(&question.method, answer.status())?;
        read(answer).await
    }
}

fn check(method: &Method, status: StatusCode) -> Result<(), GatewayError> {
    let code = status.as_u16();
    match code {
        200 => Ok(()),
        201..=204 if method != Method::GET => Ok(()),
        401 | 403 => Err(GatewayError::Denied(code)),
        404 | 410 => Err(GatewayError::NoSuchPayment),
        408 | 409 | 425 | 429 | 500.. => Err(GatewayError::Busy(code)),
        _ => Err(GatewayError::Refused(code)),
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, GatewayError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(GatewayError::Unreadable("it is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: &reqwest::Error) -> GatewayError {
    if error.is_timeout() {
        GatewayError::Unreachable("did not answer in time")
    } else if error.is_connect() {
        GatewayError::Unreachable(NOT_REACHED)
    } else {
        GatewayError::Unreachable("broke off in the middle of its answer")
    }
}
