//! Plaid as the load run has it: a key pair of its own to sign with, and a list with an event of each of some transfers.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const KEY_ID: &str = "load";
/// Events in the list; their ids count up from 1.
pub const LISTED: u64 = 60;
/// Events of one answer.
const PAGE: u64 = 25;

pub struct Plaid {
    pair: EcdsaKeyPair,
    private: String,
}

impl Plaid {
    pub fn new() -> Self {
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let private = EcdsaKeyPair::generate_pkcs8(scheme, &SystemRandom::new()).expect("a key");
        Self {
            pair: EcdsaKeyPair::from_pkcs8(scheme, private.as_ref()).expect("a key pair"),
            private: STANDARD.encode(private.as_ref()),
        }
    }

    /// What only Plaid has.
    pub fn signing(&self) -> Value {
        json!({"key_id": KEY_ID, "private_key": self.private})
    }

    /// What it gives out to verify with.
    pub fn key(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"alg": "ES256", "crv": "P-256", "kid": KEY_ID, "kty": "EC", "use": "sig", "expired_at": null,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])})
    }

    pub fn answer(&self, path: &str, body: &Value) -> Option<Value> {
        Some(match path {
            "/webhook_verification_key/get" => json!({"key": self.key()}),
            "/transfer/event/sync" => {
                let after = body["after_id"].as_u64().unwrap_or(0);
                let last = LISTED.min(after + PAGE);
                let events: Vec<Value> = (after + 1..=last).map(event).collect();
                json!({"transfer_events": events, "has_more": last < LISTED})
            }
            "/transfer/get" => {
                json!({"transfer": {"id": body["transfer_id"], "status": "posted", "amount": "19.99",
                    "iso_currency_code": "USD", "refunds": []}})
            }
            _ => return None,
        })
    }
}

fn event(id: u64) -> Value {
    json!({"account_id": "", "transfer_amount": "19.99", "transfer_id": format!("transfer-{id}"), "transfer_type": "debit",
        "event_id": id, "event_type": "posted", "failure_reason": null, "originator_client_id": null,
        "refund_id": null, "sweep_amount": null, "sweep_id": null, "timestamp": "2026-08-01T00:00:00Z"})
}
