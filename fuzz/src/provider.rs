//! One request offered to one provider.

use payments::providers::keys::FetchedKey;
use payments::providers::{Check, Provider, Verified};
use payments::request::Request;
use payments::secret::{ProviderSecrets, Secrets};

use crate::genuine;
use crate::support;
use crate::text::Parts;

/// Secrets in every form that a provider issues; no request of the corpus is signed with one of them.
const SECRETS: &str = r#"{"x": {"signing": [
    "whsec_bm90LWluLXRoZS1jb3JwdXMtYW5kLW5vdC1ndWVzc2FibGU=",
    "6e6f742d696e2d7468652d636f727075732d616e642d6e6f742d677565737361",
    {"public_key": "public7", "private_key": "not-in-the-corpus-and-not-guessable"},
    {"1": "6e6f742d696e2d7468652d636f727075732d616e642d6e6f742d677565737361"}]}}"#;

/// More than any provider sends in one request.
const MOST_EVENTS: usize = 250;

/// Offers a request in text form to the provider of this key.
pub fn probe(key: &str, input: &[u8]) {
    let provider = support::provider(key);
    let request = Parts::read(input).request(support::now());
    accepted_by_nobody(provider, &request);
    genuine::offer(key, &request);
    read(provider, &request);
}

/// Where the secrets are others than the sender's, nothing is accepted.
fn accepted_by_nobody(provider: &dyn Provider, request: &Request) {
    let settings = support::settings(provider.key());
    let secrets = secrets();
    let text = String::from_utf8_lossy(&request.body).into_owned();
    // What a key server answers is not believed before it is read, and read by parsers too.
    let fetched = [
        None,
        Some(FetchedKey::Unknown),
        Some(FetchedKey::WebKey(text.clone())),
        Some(FetchedKey::Certificates {
            chain: text.clone(),
            roots: text,
        }),
    ];
    for fetched in &fetched {
        let check = Check {
            secrets: &secrets,
            settings: &settings,
            fetched: fetched.as_ref(),
        };
        assert!(provider.verify(request, &check).is_err(), "accepted");
    }
    let _ = provider.answer_challenge(request, &secrets);
}

/// Whatever is read of the request is usable.
fn read(provider: &dyn Provider, request: &Request) {
    let settings = support::settings(provider.key());
    let _ = provider.recognises(request, &settings);
    let _ = provider.key_request(request);
    let events = provider.events(request, &settings, &Verified::SENDER_ONLY);
    let events = events.unwrap_or_default();
    assert!(events.len() <= MOST_EVENTS);
    for event in events {
        assert!(!event.event_id.is_empty() && !event.provider_payment_id.is_empty());
        assert!(event.money.is_none_or(|money| money.exponent <= 4));
        assert!(!event.signed);
    }
}

fn secrets() -> ProviderSecrets {
    let secrets = Secrets::parse(SECRETS).expect("secrets");
    secrets.provider("x").expect("secrets").clone()
}
