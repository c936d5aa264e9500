//! Signed requests of every provider that can be signed for here.
#![allow(dead_code, reason = "each test file uses its part")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use payments::event::{PaymentEvent, Status};
use payments::json::MalformedBody;
use payments::money::{Currency, Money};
use payments::providers::{self, Check, Outgoing, Provider, SampleSeed, Verified};
use payments::request::{Headers, Request};
use payments::secret::{ProviderSecrets, Secret, SecretText, SecretValue, Secrets};
use payments::settings::Settings;
use payments::signature::SignatureError;

pub fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).expect("a time")
}

pub fn provider(key: &str) -> &'static dyn Provider {
    providers::by_key(key).expect("a known provider")
}

pub fn eur(minor: i64) -> Money {
    Money {
        minor,
        currency: Currency::parse("EUR").expect("a currency"),
        exponent: 2,
    }
}

/// A secret in the form the provider issues.
pub fn secret(key: &str) -> Secret {
    secret_of(key, 7)
}

/// Another secret in the form the provider issues.
pub fn other_secret(key: &str) -> Secret {
    secret_of(key, 8)
}

fn secret_of(key: &str, seed: u8) -> Secret {
    let named = |texts: &[(&str, String)]| {
        let texts = texts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
        Secret::always(SecretValue::Named(texts.collect()))
    };
    match key {
        "standard_webhooks" => Secret::text(&format!("whsec_{}", STANDARD.encode([seed; 32]))),
        "adyen" | "adyen_header" => Secret::text(&hex::encode([seed; 32])),
        "braintree" => named(&[
            ("public_key", format!("public{seed}")),
            ("private_key", format!("private{seed}")),
        ]),
        "worldpay" => named(&[("1", hex::encode([seed; 32]))]),
        _ => Secret::text(&format!("test-secret-{seed}")),
    }
}

pub fn secrets_of(signing: Vec<Secret>) -> ProviderSecrets {
    ProviderSecrets {
        signing,
        api_key: None,
    }
}

/// Secrets from the JSON that Secrets Manager holds.
pub fn secrets_from(key: &str, signing: &str) -> ProviderSecrets {
    let json = format!("{{\"{key}\":{{\"signing\":{signing}}}}}");
    Secrets::parse(&json)
        .expect("secrets")
        .provider(key)
        .expect("the provider")
        .clone()
}

pub fn settings(_key: &str) -> Settings {
    Settings {
        url: Some("https://hooks.example.com/webhooks/test".into()),
        ..Settings::default()
    }
}

pub fn seed(nonce: &str) -> SampleSeed<'_> {
    SampleSeed {
        nonce,
        payment_id: None,
        money: eur(1050),
        now: now(),
    }
}

/// The provider's usual test event, signed with its test secret; `None` if only the provider can sign.
pub fn signed_sample(provider: &dyn Provider, event_type: &str) -> Option<Outgoing> {
    let outgoing = provider.sample(event_type, &seed("1N5eXxAbC"))?;
    provider
        .sign(
            outgoing,
            &secret(provider.key()),
            &settings(provider.key()),
            now(),
        )
        .ok()
}

pub fn received(outgoing: &Outgoing) -> Request {
    let query = outgoing.query.as_deref().unwrap_or_default();
    Request {
        method: "POST".into(),
        headers: outgoing
            .headers
            .iter()
            .map(|(name, value)| (name, value.as_str()))
            .collect::<Headers>(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        body: outgoing.body.clone(),
        received_at: now(),
        ..Request::default()
    }
}

pub fn verify_with(
    provider: &dyn Provider,
    request: &Request,
    secrets: &ProviderSecrets,
) -> Result<Verified, SignatureError> {
    let settings = settings(provider.key());
    provider.verify(
        request,
        &Check {
            secrets,
            settings: &settings,
            fetched: None,
        },
    )
}

pub fn verify(provider: &dyn Provider, request: &Request) -> Result<Verified, SignatureError> {
    verify_with(provider, request, &secrets_of(vec![secret(provider.key())]))
}

/// What the provider's events say in a body that is taken as signed.
pub fn events_in(
    key: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Vec<PaymentEvent>, MalformedBody> {
    let request = Request {
        method: "POST".into(),
        headers: headers.iter().copied().collect::<Headers>(),
        body: body.as_bytes().to_vec(),
        received_at: now(),
        ..Request::default()
    };
    provider(key).events(&request, &settings(key), &Verified::SIGNED)
}

/// `payment | status | money | time in ms`, the parts that are absent as a dash.
pub fn told(event: &PaymentEvent) -> String {
    let claimed = event.claimed.map_or("-", Status::as_str);
    let money = event.money.as_ref().map_or("-".into(), ToString::to_string);
    let time = event.occurred_ms.map_or("-".into(), |ms| ms.to_string());
    format!(
        "{} | {claimed} | {money} | {time}",
        event.provider_payment_id
    )
}

pub fn all_told(key: &str, body: &str) -> Vec<String> {
    let events =
        events_in(key, &[], body).unwrap_or_else(|refused| panic!("{key}: {refused}: {body}"));
    events.iter().map(told).collect()
}

pub fn check(key: &str, cases: &[(String, &str)]) {
    for (body, expected) in cases {
        assert_eq!(all_told(key, body), [*expected], "{key}: {body}");
    }
}

pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    aws_lc_rs::hmac::sign(&key, &parts.concat())
        .as_ref()
        .to_vec()
}

pub fn outcome(
    key: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    secrets: &ProviderSecrets,
    settings: &Settings,
) -> &'static str {
    let request = Request {
        method: "POST".into(),
        headers: headers.iter().copied().collect::<Headers>(),
        body: body.to_vec(),
        received_at: now(),
        ..Request::default()
    };
    match provider(key).verify(
        &request,
        &Check {
            secrets,
            settings,
            fetched: None,
        },
    ) {
        Ok(Verified { signed: true }) => "valid",
        Ok(_) => "unsigned",
        Err(error) => error.kind(),
    }
}

/// A body signed as its provider does.
pub fn signed(key: &str, body: &str) -> Outgoing {
    let outgoing = Outgoing {
        body: body.as_bytes().to_vec(),
        ..Outgoing::default()
    };
    let signed = provider(key).sign(outgoing, &secret(key), &settings(key), now());
    signed.expect("signed")
}
