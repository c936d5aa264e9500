//! Plaid's API: the key that its webhooks are signed with, and a list with the events of one transfer.

use super::Api;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use payments::money::Money;
use payments::providers::keys::FetchedKey;
use payments::secret::{Secret, SecretText, SecretValue};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What becomes of the transfer.
const STEPS: [&str; 3] = ["pending", "posted", "settled"];

pub struct Plaid {
    private: SecretText,
    web_key: Value,
    transfer: String,
    amount: String,
    /// The id of the first event; ids grow with time, so that they lie behind whatever was read before.
    first: u64,
    at: Timestamp,
}

impl Plaid {
    pub fn new(nonce: &str, money: &Money) -> anyhow::Result<Self> {
        let none = |_| anyhow::anyhow!("the system gives no random numbers");
        let private =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(none)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref())?;
        let point = pair.public_key().as_ref();
        let at = Timestamp::now();
        Ok(Self {
            private: SecretText::new(&STANDARD.encode(private.as_ref())),
            web_key: json!({
                "alg": "ES256", "crv": "P-256", "kid": nonce, "kty": "EC", "use": "sig", "expired_at": null,
                "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
            }),
            transfer: format!("transfer-{nonce}"),
            amount: money.decimal(),
            first: u64::try_from(at.as_millisecond())?,
            at,
        })
    }

    /// What Plaid signs with.
    pub fn secret(&self) -> Secret {
        let id = self.web_key["kid"].as_str().unwrap_or_default();
        Secret::always(SecretValue::Named(BTreeMap::from([
            ("key_id".to_owned(), SecretText::new(id)),
            ("private_key".to_owned(), self.private.clone()),
        ])))
    }

    /// What Plaid gives out for that.
    pub fn key(&self) -> FetchedKey {
        FetchedKey::WebKey(self.web_key.to_string())
    }

    /// The payment that the list is about, and the last event of it.
    pub fn listed(&self) -> (String, String) {
        let last = self.first + STEPS.len() as u64 - 1;
        (format!("plaid:{}", self.transfer), last.to_string())
    }

    fn events(&self, after: u64) -> Vec<Value> {
        let ids = self.first..;
        let events = ids.zip(STEPS).filter(|(id, _)| *id > after);
        let event = |(id, event_type): (u64, &str)| {
            json!({
                "account_id": "", "transfer_amount": self.amount, "transfer_id": self.transfer, "transfer_type": "debit",
                "event_id": id, "event_type": event_type, "failure_reason": null, "originator_client_id": null,
                "refund_id": null, "sweep_amount": null, "sweep_id": null, "timestamp": self.at.to_string(),
            })
        };
        events.map(event).collect()
    }
}

impl Api for Plaid {
    fn answer(&self, path: &str, body: &[u8]) -> (&'static str, String) {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let answer = match path {
            "/webhook_verification_key/get" if asked["key_id"] == self.web_key["kid"] => {
                json!({"key": self.web_key, "request_id": "payhook"})
            }
            "/transfer/event/sync" => {
                let events = self.events(asked["after_id"].as_u64().unwrap_or(0));
                json!({"transfer_events": events, "has_more": false, "request_id": "payhook"})
            }
            "/transfer/get" if asked["transfer_id"] == self.transfer.as_str() => {
                let status = STEPS.last();
                json!({"transfer": {"id": self.transfer, "status": status, "amount": self.amount,
                    "iso_currency_code": "USD", "refunds": []}, "request_id": "payhook"})
            }
            _ => return ("404 Not Found", String::new()),
        };
        ("200 OK", answer.to_string())
    }
}
