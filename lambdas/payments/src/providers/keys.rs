//! Keys that only the provider can hand out: where they come from, and how they are kept.

mod cache;
mod http;

use async_trait::async_trait;

pub use cache::CachedKeys;
pub use http::HttpKeys;

use super::{Check, Provider, Verified};
use crate::request::Request;
use crate::signature::SignatureError;

/// A key that a request names and that must be fetched before its signature can be checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRequest {
    /// The certificate chain at an address that passed the exact allow-list.
    PaypalCertificate { url: String },
    /// The public key of this id.
    PlaidKey { key_id: String },
}

/// A fetched key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedKey {
    /// PEM texts: the leaf first, then what helps to reach a root; and the roots to trust.
    Certificates { chain: String, roots: String },
    /// A JSON web key as the provider answered.
    WebKey(String),
    /// The provider says that it has no such key.
    Unknown,
}

/// The provider could not be asked; the sender should try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the provider's verification key could not be fetched: {why}; the webhook will be sent again"
)]
pub struct KeyUnavailable {
    pub why: &'static str,
}

/// Where keys are fetched.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Fetches one key, within seconds and without following redirects.
    async fn fetch(
        &self,
        wanted: &KeyRequest,
        check: &Check<'_>,
    ) -> Result<FetchedKey, KeyUnavailable>;
}

/// Why a request could not be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The request is not the provider's: refuse it.
    #[error(transparent)]
    Refused(#[from] SignatureError),
    /// Nothing is known about the request: answer so that the provider sends it again.
    #[error(transparent)]
    KeyUnavailable(#[from] KeyUnavailable),
}

/// Verifies a request, fetching the provider's key first where its scheme needs one.
pub async fn verify(
    provider: &dyn Provider,
    request: &Request,
    check: Check<'_>,
    source: &dyn KeySource,
) -> Result<Verified, VerifyError> {
    let Some(wanted) = provider.key_request(request)? else {
        return Ok(provider.verify(request, &check)?);
    };
    let fetched = source.fetch(&wanted, &check).await?;
    Ok(provider.verify(
        request,
        &Check {
            fetched: Some(&fetched),
            ..check
        },
    )?)
}
