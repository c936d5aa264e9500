//! Paddle Billing. Signed: `{ts}:{raw body}`, HMAC-SHA256 in hexadecimal, in `Paddle-Signature: ts=..;h1=..[;h1=..]`; the key
//! is the whole secret text. Documented at developer.paddle.com/webhooks/signature-verification.

use jiff::Timestamp;
use serde_json::json;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::money::{Currency, Money};
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::{Algorithm, KeyEncoding, Settings};
use crate::signature::{SignatureError, Window};

const HEADER: &str = "Paddle-Signature";
/// The default of Paddle's SDKs; every attempt is signed anew.
const TOLERANCE: u32 = 5;
/// How far this clock may be behind Paddle's, since the 5 s count against the sender only.
const CLOCK_SKEW: i64 = 300;

pub(super) struct Paddle;

impl Provider for Paddle {
    fn key(&self) -> &'static str {
        "paddle"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(HEADER)
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let header = Header::parse(mac::single(request, HEADER)?)?;
        let keys = mac::keys(
            check.secrets,
            request.received_at,
            Algorithm::Sha256,
            KeyEncoding::Text,
        )?;
        let front = format!("{}:", header.timestamp_text);
        if !mac::any_match(
            &keys,
            &[front.as_bytes(), &request.body],
            &header.signatures,
        ) {
            return Err(SignatureError::BadSignature);
        }
        let past = i64::from(check.settings.tolerance_seconds.unwrap_or(TOLERANCE));
        Window {
            past,
            future: past.max(CLOCK_SKEW),
        }
        .check(header.timestamp, request.now())?;
        Ok(Verified::SIGNED)
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let body = Json::parse_object(&request.body)?;
        // `notification_id` is new for every delivery.
        let event_id = fields::required(body, "event_id")?;
        let event_type = fields::required(body, "event_type")?;
        let payment_id = body
            .id_at("data.transaction_id")
            .or_else(|| body.id_at("data.id"));
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "occurred_at"),
            provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
            money: money(&event_type, body),
            claimed: status(&event_type, body),
            event_id,
            event_type,
        }])
    }

    fn delivery_members(&self) -> &'static [&'static str] {
        &["notification_id"]
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "transaction.completed",
            "transaction.created",
            "transaction.payment_failed",
            "transaction.canceled",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let now = seed.now.to_string();
        let total = seed.money.minor.to_string();
        let body = json!({
            "event_id": format!("evt_{}", seed.nonce), "event_type": event_type, "occurred_at": now,
            "notification_id": format!("ntf_{}", seed.nonce),
            "data": {
                "id": fields::sample_id(seed, "txn_"), "status": event_type.strip_prefix("transaction."),
                "currency_code": seed.money.currency.as_str(), "created_at": now, "updated_at": now,
                "details": {"totals": {"total": total, "grand_total": total, "currency_code": seed.money.currency.as_str()}},
                "items": [], "payments": [], "origin": "api", "collection_mode": "automatic",
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let key = mac::key(&secret.value, Algorithm::Sha256, KeyEncoding::Text)
            .ok_or(CannotSign::Secret(self.key()))?;
        let seconds = now.as_second();
        let signature = hex::encode(mac::tag(
            &key,
            &[format!("{seconds}:").as_bytes(), &outgoing.body],
        ));
        Ok(outgoing.with_header(HEADER, format!("ts={seconds};h1={signature}")))
    }
}

/// The parts of `Paddle-Signature` that matter.
struct Header<'r> {
    timestamp: i64,
    timestamp_text: &'r str,
    /// Every `h1`; one that is not hexadecimal is kept as bytes that match nothing.
    signatures: Vec<Vec<u8>>,
}

impl<'r> Header<'r> {
    fn parse(text: &'r str) -> Result<Header<'r>, SignatureError> {
        let (mut timestamps, mut signatures) = (Vec::new(), Vec::new());
        for item in text.split(';') {
            match item.trim().split_once('=') {
                Some(("ts", text)) => timestamps.push(text),
                Some(("h1", text)) => signatures.push(hex::decode(text).unwrap_or_default()),
                _ => {}
            }
        }
        let [timestamp_text] = timestamps[..] else {
            return Err(SignatureError::malformed(
                HEADER,
                "it has not exactly one timestamp `ts`",
            ));
        };
        let timestamp = mac::unix_seconds(timestamp_text).ok_or_else(|| {
            SignatureError::malformed(HEADER, "its timestamp is not a number of seconds")
        })?;
        if signatures.is_empty() {
            return Err(SignatureError::malformed(
                HEADER,
                "it has no signature `h1`",
            ));
        }
        Ok(Header {
            timestamp,
            timestamp_text,
            signatures,
        })
    }
}

fn money(event_type: &str, body: Json<'_>) -> Result<Option<Money>, MalformedBody> {
    let amount = if event_type.starts_with("adjustment.") {
        "data.totals.total"
    } else {
        "data.details.totals.grand_total"
    };
    fields::money(
        body,
        amount,
        "data.currency_code",
        Unit::Minor,
        Currency::iso_exponent,
    )
}

fn status(event_type: &str, body: Json<'_>) -> Option<Status> {
    Some(match event_type {
        // Paid is not yet completed: Paddle still has to process the transaction.
        "transaction.created" | "transaction.ready" | "transaction.billed" | "transaction.paid" => {
            Status::Pending
        }
        "transaction.completed" => Status::Succeeded,
        "transaction.payment_failed" | "transaction.past_due" => Status::Failed,
        "transaction.canceled" => Status::Canceled,
        "adjustment.created" | "adjustment.updated" => return adjustment_status(body),
        _ => return None,
    })
}

fn adjustment_status(body: Json<'_>) -> Option<Status> {
    if body.text_at("data.status").as_deref() != Some("approved") {
        return None;
    }
    let full = body.text_at("data.type").as_deref() == Some("full");
    Some(match body.text_at("data.action")?.as_str() {
        "refund" if full => Status::Refunded,
        "refund" => Status::PartiallyRefunded,
        "chargeback" | "chargeback_warning" => Status::Disputed,
        "chargeback_reverse" => Status::Succeeded,
        _ => return None,
    })
}
