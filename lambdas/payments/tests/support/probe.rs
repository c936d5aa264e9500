//! One request offered to one provider: nothing panics, nothing is accepted, nothing unreasonable is read.
//!
//! Shared by the fuzz targets and by the tests that run their corpus. A request is written as text: the query, a line for
//! each header, an empty line, the body.

use jiff::Timestamp;
use payments::api_gateway::ProxyEvent;
use payments::providers::keys::FetchedKey;
use payments::providers::{self, Check, Verified};
use payments::request::{Headers, Request};
use payments::secret::{ProviderSecrets, Secrets};
use payments::settings::Settings;

/// Secrets in every form that a provider issues; no request of the corpus is signed with one of them.
const SECRETS: &str = r#"{"x": {"signing": [
    "whsec_bm90LWluLXRoZS1jb3JwdXMtYW5kLW5vdC1ndWVzc2FibGU=",
    "6e6f742d696e2d7468652d636f727075732d616e642d6e6f742d677565737361",
    {"public_key": "public7", "private_key": "not-in-the-corpus-and-not-guessable"},
    {"1": "6e6f742d696e2d7468652d636f727075732d616e642d6e6f742d677565737361"}]}}"#;

/// More than any provider sends in one request.
const MOST_EVENTS: usize = 250;

/// Reads the text form; every text is a request.
pub fn request(input: &[u8]) -> Request {
    let (head, body) = match input.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&input[..end], &input[end + 2..]),
        None => (input, &[][..]),
    };
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let query = lines.next().unwrap_or_default();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Request {
        method: "POST".into(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: headers.collect::<Headers>(),
        body: body.to_vec(),
        received_at: Timestamp::from_second(1_767_225_600).unwrap_or_default(),
        ..Request::default()
    }
}

/// Offers a request in text form to the provider of this key.
pub fn probe(key: &str, input: &[u8]) {
    let provider = providers::by_key(key).expect("a provider");
    let request = request(input);
    let settings = Settings {
        url: Some("https://hooks.example.com/webhooks/test".into()),
        ..Settings::default()
    };
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
        assert!(provider.verify(&request, &check).is_err(), "accepted");
    }
    let _ = provider.recognises(&request, &settings);
    let _ = provider.key_request(&request);
    let _ = provider.answer_challenge(&request, &secrets);
    let events = provider.events(&request, &settings, &Verified::SENDER_ONLY);
    let events = events.unwrap_or_default();
    assert!(events.len() <= MOST_EVENTS);
    for event in events {
        assert!(!event.event_id.is_empty() && !event.provider_payment_id.is_empty());
        assert!(event.money.is_none_or(|money| money.exponent <= 4));
        assert!(!event.signed);
    }
    if let Ok(event) = ProxyEvent::parse(&request.body) {
        let _ = event.into_request(request.received_at);
    }
}

fn secrets() -> ProviderSecrets {
    let secrets = Secrets::parse(SECRETS).expect("secrets");
    secrets.provider("x").expect("secrets").clone()
}
