//! Every provider through the function itself: what is accepted, refused, answered and put off.

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use payments::clock;
use payments::providers::keys::{FetchedKey, KeyRequest, KeySource, KeyUnavailable};
use payments::providers::{self, Check, Outgoing};
use payments::secret_cache::SecretCache;
use payments::settings::ProviderSettings;
use serde_json::{Value, json};
use support::*;

const VECTORS: &str = include_str!("../../../tests/vectors/provider-vectors.json");

/// The providers' key servers as a vector recorded them.
struct Recorded(Value);

#[async_trait]
impl KeySource for Recorded {
    async fn fetch(
        &self,
        wanted: &KeyRequest,
        _check: &Check<'_>,
    ) -> Result<FetchedKey, KeyUnavailable> {
        let list = |name: &str| {
            let texts = self.0[name].as_array().into_iter().flatten();
            texts
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join("\n")
        };
        Ok(match wanted {
            KeyRequest::PaypalCertificate { url } => match self.0["certs"][url].as_str() {
                Some(leaf) => FetchedKey::Certificates {
                    chain: format!("{leaf}\n{}", list("intermediates")),
                    roots: list("roots"),
                },
                None => FetchedKey::Unknown,
            },
            KeyRequest::PlaidKey { key_id } => match &self.0["jwks"][key_id] {
                Value::Null => FetchedKey::Unknown,
                key => FetchedKey::WebKey(key.to_string()),
            },
        })
    }
}

/// A function with this provider on, this secret and this clock.
fn bench(provider: &str, settings: &Value, secret: &Value, at: Timestamp) -> Bench {
    let mut bench = Bench::new();
    let on: ProviderSettings = serde_json::from_value(json!({provider: settings})).unwrap();
    *bench.vault.json.lock().unwrap() = Some(json!({provider: secret}).to_string());
    let clock = clock::fixed(at);
    bench.validator.secrets = Arc::new(SecretCache::new(bench.vault.clone(), clock.clone()));
    bench.validator.clock = clock;
    bench.validator.settings.providers = on;
    bench
}

fn body(vector: &Value) -> Vec<u8> {
    if let Some(text) = vector["body"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = vector["body_base64"].as_str() {
        return BASE64_STANDARD.decode(text).unwrap();
    }
    let repeat = &vector["body_repeat"];
    let count = repeat["count"].as_u64().unwrap_or(0) as usize;
    repeat["text"]
        .as_str()
        .unwrap_or_default()
        .repeat(count)
        .into_bytes()
}

/// The vector as API Gateway hands it to the function.
fn event(vector: &Value, key: &str, method: &str) -> Value {
    let several: serde_json::Map<String, Value> = vector["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| match value {
            Value::Array(_) => (name.clone(), value.clone()),
            one => (name.clone(), json!([one])),
        })
        .collect();
    let url = vector["url"].as_str().unwrap_or_default();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query: serde_json::Map<String, Value> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    json!({
        "httpMethod": method, "path": format!("/webhooks/{key}"), "pathParameters": {"provider": key},
        "multiValueHeaders": several, "queryStringParameters": query,
        "body": BASE64_STANDARD.encode(body(vector)), "isBase64Encoded": true,
    })
}

fn signing(secret: &Value) -> Value {
    match secret {
        Value::Null => json!({"signing": []}),
        Value::Array(_) => json!({"signing": secret}),
        one => json!({"signing": [one]}),
    }
}

#[tokio::test]
async fn the_function_says_of_every_recorded_request_what_the_vector_says() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 174);
    for vector in vectors {
        let id = vector["id"].as_str().unwrap();
        let provider = vector["provider"].as_str().unwrap();
        let key = provider.strip_suffix("_challenge").unwrap_or(provider);
        let method = if key == provider { "POST" } else { "GET" };
        let mut settings = vector["config"].as_object().cloned().unwrap_or_default();
        if let Some(seconds) = vector["tolerance"].as_i64() {
            settings.insert("tolerance_seconds".into(), seconds.into());
        }
        settings.insert("url".into(), vector["url"].clone());
        let now = vector["now"]
            .as_i64()
            .map(|now| Timestamp::from_second(now).unwrap());
        let secret = signing(&vector["secret"]);
        let mut bench = bench(
            key,
            &settings.into(),
            &secret,
            now.unwrap_or_else(Timestamp::now),
        );
        bench.validator.keys = Arc::new(Recorded(vector.clone()));

        let answer = bench.post(event(&vector, key, method)).await;
        let refused = bench.counted("SignatureRejected") + bench.counted("SecretUnavailable");
        let malformed = bench.counted("WebhookMalformed");
        if vector["expect"] == "valid" {
            // Some recorded bodies are signed as they should be and are no event of that provider.
            assert_eq!(refused, 0, "{id}: {}", bench.log_text());
            assert!(
                [200, 400].contains(&answer.status_code),
                "{id}: {}",
                answer.body
            );
        } else {
            assert_eq!(refused + malformed, 1, "{id}: {}", bench.log_text());
            assert!(
                [400, 401, 500].contains(&answer.status_code),
                "{id}: {}",
                answer.body
            );
            assert_eq!(bench.table.all_events(), [], "{id}");
        }
        if let Some(expected) = vector["expect_response"].as_str() {
            assert_eq!(answer.body, expected, "{id}");
        }
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_fetched_is_500_so_that_the_provider_tries_again() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    for provider in ["paypal", "plaid"] {
        let valid = |vector: &&Value| vector["provider"] == provider && vector["expect"] == "valid";
        let vector = vectors.iter().find(valid).unwrap();
        let now = Timestamp::from_second(vector["now"].as_i64().unwrap()).unwrap();
        let bench = bench(provider, &json!({}), &signing(&vector["secret"]), now);
        let answer = bench.post(event(vector, provider, "POST")).await;
        expect(&answer, 500, "try_again");
        assert_eq!(bench.counted("SecretUnavailable"), 1);
        assert_eq!(bench.table.all_events(), []);
    }
}

#[tokio::test]
async fn only_a_provider_that_tests_endpoints_by_get_is_answered_and_others_are_405() {
    let pair = json!({"signing": [{"public_key": "pub", "private_key": "priv"}]});
    let bench = bench("braintree", &json!({}), &pair, now());
    let get = |query: Value| {
        json!({"httpMethod": "GET", "path": "/webhooks/braintree", "queryStringParameters": query,
            "pathParameters": {"provider": "braintree"}})
    };
    let answer = bench
        .post(get(
            json!({"bt_challenge": "20f9f8ed05f77439fe955c977e4c8a53"}),
        ))
        .await;
    assert_eq!(answer.status_code, 200);
    assert!(answer.body.starts_with("pub|"), "{}", answer.body);
    expect(
        &bench.post(get(json!({"bt_challenge": "<script>"}))).await,
        400,
        "malformed",
    );
    let reads = bench.vault.reads.load(std::sync::atomic::Ordering::SeqCst);
    for query in [json!({}), json!({"x": "1"}), Value::Null] {
        expect(&bench.post(get(query)).await, 405, "method_not_allowed");
    }
    let after = bench.vault.reads.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(reads, after, "a stranger's GET costs no read of the secret");
}

#[tokio::test]
async fn a_push_that_nobody_signed_is_kept_only_where_the_api_confirms_it() {
    let confirm = json!({"confirm": {"base_url": "https://api.example.com"}});
    let klarna = json!({"httpMethod": "POST", "path": "/webhooks/klarna", "pathParameters": {"provider": "klarna"},
        "queryStringParameters": {"klarna_order_id": "order-1"}, "body": null});
    let mollie = proxy(
        "mollie",
        &Outgoing {
            body: b"id=tr_1".to_vec(),
            ..Outgoing::default()
        },
    );
    for (provider, event, payment) in [
        ("klarna", klarna, "klarna:order-1"),
        ("mollie", mollie, "mollie:tr_1"),
    ] {
        let secret = json!({"api_key": "key"});
        let without = bench(provider, &json!({}), &secret, now());
        expect(&without.post(event.clone()).await, 401, "bad_signature");
        assert_eq!(without.table.all_events(), []);
        let with = bench(provider, &confirm, &secret, now());
        expect(&with.post(event).await, 200, "stored");
        let items = with.table.all_events();
        assert_eq!(
            (items[0].key.payment_id.as_str(), items[0].signed),
            (payment, false)
        );
        let by_key = providers::by_key(provider).unwrap();
        assert!(by_key.only_api_knows(&items[0].event_type));
    }
}
