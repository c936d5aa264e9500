//! HTTP towards providers: short, bounded, never redirected.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{StatusCode, Url, redirect};

use super::GatewayError;

/// Enough for any payment object; what is larger is not read to its end.
const LONGEST_ANSWER: usize = 512 * 1024;

/// Both well below the lease of a processing step.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(8);

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

    /// Gets a JSON answer with a bearer token.
    pub(super) async fn get(&self, url: Url, token: &str) -> Result<Vec<u8>, GatewayError> {
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| GatewayError::NoKey)?;
        bearer.set_sensitive(true);
        let answer = self
            .client
            .get(url)
            .header(AUTHORIZATION, bearer)
            .send()
            .await
            .map_err(|e| unreachable(&e))?;
        check(answer.status())?;
        read(answer).await
    }
}

fn check(status: StatusCode) -> Result<(), GatewayError> {
    let code = status.as_u16();
    match code {
        200 => Ok(()),
        401 | 403 => Err(GatewayError::Denied(code)),
        404 => Err(GatewayError::NoSuchPayment),
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
    GatewayError::Unreachable(if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "could not be reached"
    } else {
        "broke off in the middle of its answer"
    })
}
