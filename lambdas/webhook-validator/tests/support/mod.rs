//! A validator on a table in memory, and webhooks signed as providers sign them.
#![allow(dead_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use payments::clock;
use payments::logging::Log;
use payments::providers::keys::{FetchedKey, KeyRequest, KeySource, KeyUnavailable};
use payments::providers::{self, Check, Outgoing};
use payments::secret::{Secret, Secrets};
use payments::secret_cache::{SecretCache, SecretSource, SecretUnavailable};
use payments::settings::Settings;
use payments::store::{Body, EventItem, MemoryBodies, MemoryStore, Store};
use serde_json::{Value, json};
use webhook_validator::{Answer, Invocation, Validator, ValidatorSettings};

pub const SECRET: &str = "whsec_cGF5aG9vay10ZXN0LXNlY3JldC1zZWNyZXQ=";
pub const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";

pub fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// A secret whose text a test may change, and which counts how often it is read.
pub struct Vault {
    pub json: Mutex<Option<String>>,
    pub reads: AtomicU32,
}

#[async_trait]
impl SecretSource for Vault {
    async fn read(&self) -> Result<Secrets, SecretUnavailable> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match &*self.json.lock().unwrap() {
            Some(json) => Secrets::parse(json).map_err(|error| SecretUnavailable::Content {
                id: "s".into(),
                error,
            }),
            None => Err(SecretUnavailable::NoText { id: "s".into() }),
        }
    }
}

/// A provider that hands out no keys, because nothing here may ask it.
pub struct NoKeys;

#[async_trait]
impl KeySource for NoKeys {
    async fn fetch(
        &self,
        _wanted: &KeyRequest,
        _check: &Check<'_>,
    ) -> Result<FetchedKey, KeyUnavailable> {
        Err(KeyUnavailable { why: "it is down" })
    }
}

pub struct Bench {
    pub validator: Validator,
    pub table: Arc<MemoryStore>,
    pub bodies: Arc<MemoryBodies>,
    pub vault: Arc<Vault>,
    pub lines: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub fn new() -> Self {
        let table = Arc::new(MemoryStore::default());
        Self {
            table: table.clone(),
            ..Self::on(table)
        }
    }

    pub fn on(store: Arc<dyn Store>) -> Self {
        let keys = json!({"signing": [SECRET]});
        let secret =
            json!({"stripe": keys, "standard_webhooks": keys, "generic_hmac": keys}).to_string();
        let vault = Arc::new(Vault {
            json: Mutex::new(Some(secret)),
            reads: AtomicU32::new(0),
        });
        let bodies = Arc::new(MemoryBodies::default());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let clock = clock::fixed(now());
        let settings = ValidatorSettings {
            table: "payments-dev".into(),
            bucket: "payment-bodies-dev".into(),
            bucket_owner: "123456789012".into(),
            secret_id: "s".into(),
            environment: "dev".into(),
            providers: serde_json::from_value(
                json!({"stripe": {}, "standard_webhooks": {}, "generic_hmac": {}}),
            )
            .unwrap(),
            retention: None,
            max_body_bytes: 4_718_592,
        };
        let validator = Validator {
            settings,
            store,
            bodies: bodies.clone(),
            secrets: Arc::new(SecretCache::new(vault.clone(), clock.clone())),
            keys: Arc::new(NoKeys),
            log: Log::new(lines.clone(), clock.clone(), "dev"),
            clock,
        };
        Self {
            validator,
            table: Arc::new(MemoryStore::default()),
            bodies,
            vault,
            lines,
        }
    }

    pub async fn post(&self, event: Value) -> Answer {
        self.validator
            .answer(
                event,
                Invocation {
                    request_id: "r-1",
                    trace_header: Some(TRACE),
                },
            )
            .await
    }

    /// How often each metric was counted.
    pub fn counted(&self, metric: &str) -> u64 {
        let lines = self.lines.lock().unwrap();
        let parsed = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        parsed
            .filter_map(|line| line.get(metric).and_then(Value::as_u64))
            .sum()
    }

    pub fn log_text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

/// Signs a body as a provider of the bench would.
pub fn signed_with(secret: &str, provider: &str, body: &[u8]) -> Outgoing {
    signed_at(secret, provider, body, now())
}

/// As [`signed_with`], at another time.
pub fn signed_at(secret: &str, provider: &str, body: &[u8], at: Timestamp) -> Outgoing {
    let outgoing = Outgoing {
        headers: Vec::new(),
        query: None,
        body: body.to_vec(),
    };
    providers::by_key(provider)
        .unwrap()
        .sign(outgoing, &Secret::text(secret), &Settings::default(), at)
        .unwrap()
}

/// The proxy event of a POST to `/webhooks/{provider}`.
pub fn proxy(provider: &str, outgoing: &Outgoing) -> Value {
    let headers: serde_json::Map<String, Value> = outgoing
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    json!({
        "httpMethod": "POST", "path": format!("/webhooks/{provider}"), "pathParameters": {"provider": provider},
        "headers": headers, "requestContext": {"requestId": "api-1"},
        "body": BASE64_STANDARD.encode(&outgoing.body), "isBase64Encoded": true,
    })
}

pub fn post(provider: &str, body: &[u8]) -> Value {
    proxy(provider, &signed_with(SECRET, provider, body))
}

pub fn stripe_body(event_id: &str, payment: &str, created: i64) -> Vec<u8> {
    json!({
        "id": event_id, "object": "event", "type": "payment_intent.succeeded", "created": created,
        "data": {"object": {"id": payment, "object": "payment_intent", "amount": 1999, "amount_received": 1999, "currency": "eur"}},
    })
    .to_string()
    .into_bytes()
}

pub fn status(answer: &Answer) -> (u16, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    (
        answer.status_code,
        body["status"].as_str().unwrap().to_owned(),
    )
}

pub fn expect(answer: &Answer, code: u16, word: &str) {
    assert_eq!(status(answer), (code, word.to_owned()));
}

/// The raw body of an item that holds it itself.
pub fn kept(item: &EventItem) -> Vec<u8> {
    let Some(Body::Inline { gzip, bytes }) = &item.body else {
        panic!("the body is not in the item");
    };
    payments::store::open(gzip, *bytes, &item.body_digest).unwrap()
}
