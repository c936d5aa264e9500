//! What the providers' key servers answer: PayPal's certificates, Plaid's web keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payments::json::Json;
use payments::providers::keys::FetchedKey;
use payments::vectors::Recorded;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::genuine;

/// Verifies PayPal's recorded request with another chain of certificates, as PEM or as the leaf alone.
///
/// Only the leaf that PayPal's authority signed is accepted.
pub fn certificates(input: &[u8]) {
    let recorded = genuine::with_fetched_key("paypal");
    let Some(FetchedKey::Certificates { chain, roots }) = &recorded.fetched else {
        return;
    };
    let pem = match input.starts_with(b"-----") {
        true => String::from_utf8_lossy(input).into_owned(),
        false => format!("{}{chain}", as_pem(input)),
    };
    let offered = FetchedKey::Certificates {
        chain: pem.clone(),
        roots: roots.clone(),
    };
    if accepts(recorded, offered) {
        assert_eq!(leaf(&pem), leaf(chain), "another certificate was accepted");
    }
}

/// Verifies Plaid's recorded request with another web key; only the same point is the same key.
pub fn web_keys(input: &[u8]) {
    let recorded = genuine::with_fetched_key("plaid");
    let Some(FetchedKey::WebKey(genuine)) = &recorded.fetched else {
        return;
    };
    let text = String::from_utf8_lossy(input).into_owned();
    if accepts(recorded, FetchedKey::WebKey(text.clone())) {
        let point = |text: &str| {
            let key = Json::parse_object(text.as_bytes()).ok()?;
            Some((key.text_at("x")?, key.text_at("y")?))
        };
        assert_eq!(point(&text), point(genuine), "another key was accepted");
    }
}

fn accepts(recorded: &Recorded, fetched: FetchedKey) -> bool {
    let offered = Recorded {
        provider: recorded.provider,
        request: recorded.request.clone(),
        secrets: recorded.secrets.clone(),
        settings: recorded.settings.clone(),
        fetched: Some(fetched),
    };
    offered.verify().is_ok()
}

fn as_pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(der)
    )
}

/// The bytes of the first certificate of a chain.
fn leaf(pem: &str) -> Option<Vec<u8>> {
    let first = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?;
    Some(first.ok()?.to_vec())
}
