//! Stripe. Signed: `{t}.{raw body}`, HMAC-SHA256 in hexadecimal, in `Stripe-Signature: t=..,v1=..[,v1=..]`; the key is
//! the whole `whsec_..` text as it stands. Documented at docs.stripe.com/webhooks#verify-manually.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde_json::{Value, json};

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

const HEADER: &str = "Stripe-Signature";
const TOLERANCE: u32 = 300;

pub(super) struct Stripe;

impl Provider for Stripe {
    fn key(&self) -> &'static str {
        "stripe"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(HEADER)
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        if !request.headers.contains(HEADER) {
            return Err(SignatureError::missing(HEADER));
        }
        let header = Header::parse(request.headers.all(HEADER))?;
        let keys = mac::keys(
            check.secrets,
            request.received_at,
            Algorithm::Sha256,
            KeyEncoding::Text,
        )?;
        let front = [header.timestamp_text.as_bytes(), b"."].concat();
        if !mac::any_match(&keys, &[&front, &request.body], &header.signatures) {
            return Err(SignatureError::BadSignature);
        }
        let tolerance = check.settings.tolerance_seconds.unwrap_or(TOLERANCE);
        Window::both(tolerance.into()).check(header.timestamp, request.now())?;
        Ok(Verified::SIGNED)
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let event = Json::parse_object(&request.body)?;
        let event_id = fields::required(event, "id")?;
        let event_type = event.text_at("type").unwrap_or_else(|| "unknown".into());
        let object = event.at("data.object");
        Ok(vec![Report {
            occurred_ms: event.get("created").and_then(created),
            provider_payment_id: object
                .and_then(payment_id)
                .unwrap_or_else(|| event_id.clone()),
            money: object.map_or(Ok(None), |object| money(&event_type, object)),
            claimed: object.and_then(|object| status(&event_type, object)),
            event_id,
            event_type,
        }])
    }

    fn delivery_members(&self) -> &'static [&'static str] {
        &["pending_webhooks"]
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "payment_intent.succeeded",
            "payment_intent.created",
            "payment_intent.processing",
            "payment_intent.requires_action",
            "payment_intent.amount_capturable_updated",
            "payment_intent.payment_failed",
            "payment_intent.canceled",
            "charge.refunded",
            "charge.dispute.created",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&sample_event(event_type, seed)))
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
        let signature = sign_at(&key, seconds, &outgoing.body);
        Ok(outgoing.with_header(HEADER, format!("t={seconds},v1={signature}")))
    }
}

fn sign_at(key: &hmac::Key, seconds: i64, body: &[u8]) -> String {
    hex::encode(mac::tag(key, &[format!("{seconds}.").as_bytes(), body]))
}

/// The parts of `Stripe-Signature` that matter.
struct Header {
    timestamp: i64,
    /// As sent, since these characters were signed.
    timestamp_text: String,
    /// Every `v1`; one that is not hexadecimal is kept as bytes that match nothing.
    signatures: Vec<Vec<u8>>,
}

impl Header {
    fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Result<Header, SignatureError> {
        let mut timestamps = BTreeSet::new();
        let mut signatures = Vec::new();
        // A repeated header means the same as one list (RFC 9110, section 5.3).
        for item in values.flat_map(|value| value.split(',')) {
            match item.trim().split_once('=') {
                Some(("t", text)) => {
                    timestamps.insert(text);
                }
                Some(("v1", text)) => signatures.push(hex::decode(text).unwrap_or_default()),
                _ => {}
            }
        }
        let text = match (timestamps.pop_first(), timestamps.is_empty()) {
            (Some(text), true) => text,
            (None, _) => return Err(SignatureError::malformed(HEADER, "it has no timestamp `t`")),
            (Some(_), false) => {
                return Err(SignatureError::malformed(
                    HEADER,
                    "it has two different timestamps",
                ));
            }
        };
        let timestamp = mac::unix_seconds(text).ok_or_else(|| {
            SignatureError::malformed(HEADER, "its timestamp is not a number of seconds")
        })?;
        if signatures.is_empty() {
            return Err(SignatureError::UnsupportedScheme);
        }
        Ok(Header {
            timestamp,
            timestamp_text: text.to_owned(),
            signatures,
        })
    }
}

/// Seconds since 1970, or RFC 3339 in the thin events of API v2.
fn created(value: Json<'_>) -> Option<i64> {
    match value.integer() {
        Some(seconds) => fields::ms_of_seconds(seconds),
        None => fields::ms_of_rfc3339(&value.text()?),
    }
}

/// The payment that an object belongs to: charges, refunds and disputes name theirs.
fn payment_id(object: Json<'_>) -> Option<String> {
    // Expandable fields hold the id, or the object when the API version expands it.
    let linked = |name: &str| {
        object
            .text_at(name)
            .or_else(|| object.get(name)?.text_at("id"))
    };
    linked("payment_intent")
        .or_else(|| linked("charge"))
        .or_else(|| object.text_at("id"))
}

fn money(event_type: &str, object: Json<'_>) -> Result<Option<Money>, MalformedBody> {
    let amount = match event_type {
        "payment_intent.succeeded" if object.get("amount_received").is_some() => "amount_received",
        "payment_intent.amount_capturable_updated" if object.get("amount_capturable").is_some() => {
            "amount_capturable"
        }
        "charge.captured" if object.get("amount_captured").is_some() => "amount_captured",
        "charge.refunded" => "amount_refunded",
        checkout if checkout.starts_with("checkout.session.") => "amount_total",
        _ => "amount",
    };
    self::amount(object, amount)
}

/// An amount of one of Stripe's objects, in the units of Stripe's API.
pub(crate) fn amount(
    object: Json<'_>,
    field: &'static str,
) -> Result<Option<Money>, MalformedBody> {
    fields::money(object, field, "currency", Unit::Minor, exponent)
}

/// Decimal digits in Stripe's API: ISK and UGX count hundredths although nobody pays them, MGA counts none
/// (docs.stripe.com/currencies#zero-decimal).
fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn status(event_type: &str, object: Json<'_>) -> Option<Status> {
    Some(match event_type {
        "payment_intent.created"
        | "payment_intent.processing"
        | "payment_intent.partially_funded" => Status::Pending,
        "payment_intent.requires_action" => Status::ActionRequired,
        "payment_intent.amount_capturable_updated" => Status::Authorised,
        "payment_intent.succeeded" | "charge.captured" => Status::Succeeded,
        "payment_intent.payment_failed" | "charge.failed" => Status::Failed,
        "payment_intent.canceled" | "charge.expired" => Status::Canceled,
        "charge.pending" => Status::Pending,
        "charge.succeeded" if object.get("captured").and_then(Json::boolean) == Some(false) => {
            Status::Authorised
        }
        "charge.succeeded" => Status::Succeeded,
        "charge.refunded" if refunded_in_part(object) => Status::PartiallyRefunded,
        "charge.refunded" => Status::Refunded,
        // The money of a refund that failed is back on the merchant's side.
        "refund.failed" => Status::Succeeded,
        dispute if dispute.starts_with("charge.dispute.") => {
            match object.text_at("status").as_deref() {
                Some("won" | "warning_closed" | "prevented") => Status::Succeeded,
                _ => Status::Disputed,
            }
        }
        "checkout.session.completed"
            if object.text_at("payment_status").as_deref() == Some("unpaid") =>
        {
            Status::Pending
        }
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
            Status::Succeeded
        }
        "checkout.session.async_payment_failed" => Status::Failed,
        "checkout.session.expired" => Status::Canceled,
        _ => return None,
    })
}

fn refunded_in_part(charge: Json<'_>) -> bool {
    let integer = |name| charge.get(name).and_then(Json::integer);
    match (integer("amount_refunded"), integer("amount")) {
        (Some(refunded), Some(amount)) => refunded < amount,
        _ => charge.get("refunded").and_then(Json::boolean) == Some(false),
    }
}

fn sample_event(event_type: &str, seed: &SampleSeed<'_>) -> Value {
    let created = seed.now.as_second();
    let object = match event_type {
        "charge.refunded" => sample_charge(seed),
        "charge.dispute.created" => sample_dispute(seed),
        _ => sample_payment_intent(event_type, seed),
    };
    json!({
        "id": format!("evt_{}", seed.nonce),
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": created,
        "data": {"object": object},
        "livemode": false,
        "pending_webhooks": 1,
        "request": {"id": format!("req_{}", seed.nonce), "idempotency_key": format!("payhook-{}", seed.nonce)},
        "type": event_type,
    })
}

fn sample_payment_id(seed: &SampleSeed<'_>) -> String {
    seed.payment_id
        .map_or_else(|| format!("pi_{}", seed.nonce), str::to_owned)
}

fn sample_payment_intent(event_type: &str, seed: &SampleSeed<'_>) -> Value {
    let amount = seed.money.minor;
    let (status, received, capturable) = match event_type {
        "payment_intent.succeeded" => ("succeeded", amount, 0),
        "payment_intent.amount_capturable_updated" => ("requires_capture", 0, amount),
        "payment_intent.processing" => ("processing", 0, 0),
        "payment_intent.requires_action" => ("requires_action", 0, 0),
        "payment_intent.canceled" => ("canceled", 0, 0),
        _ => ("requires_payment_method", 0, 0),
    };
    let declined = (event_type == "payment_intent.payment_failed").then(|| {
        json!({"type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
            "message": "Your card was declined."})
    });
    json!({
        "id": sample_payment_id(seed),
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": capturable,
        "amount_details": {"tip": {}},
        "amount_received": received,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": true},
        "canceled_at": (status == "canceled").then(|| seed.now.as_second()),
        "cancellation_reason": (status == "canceled").then_some("requested_by_customer"),
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": seed.now.as_second(),
        "currency": seed.money.currency.as_str().to_ascii_lowercase(),
        "customer": null,
        "description": "payhook test payment",
        "last_payment_error": declined,
        "latest_charge": (received > 0).then(|| format!("ch_{}", seed.nonce)),
        "livemode": false,
        "metadata": {},
        "next_action": null,
        "payment_method_types": ["card"],
        "status": status,
    })
}

fn sample_charge(seed: &SampleSeed<'_>) -> Value {
    json!({
        "id": format!("ch_{}", seed.nonce),
        "object": "charge",
        "amount": seed.money.minor,
        "amount_captured": seed.money.minor,
        "amount_refunded": seed.money.minor,
        "captured": true,
        "created": seed.now.as_second(),
        "currency": seed.money.currency.as_str().to_ascii_lowercase(),
        "disputed": false,
        "livemode": false,
        "metadata": {},
        "paid": true,
        "payment_intent": sample_payment_id(seed),
        "refunded": true,
        "status": "succeeded",
    })
}

fn sample_dispute(seed: &SampleSeed<'_>) -> Value {
    json!({
        "id": format!("du_{}", seed.nonce),
        "object": "dispute",
        "amount": seed.money.minor,
        "charge": format!("ch_{}", seed.nonce),
        "created": seed.now.as_second(),
        "currency": seed.money.currency.as_str().to_ascii_lowercase(),
        "is_charge_refundable": true,
        "livemode": false,
        "metadata": {},
        "payment_intent": sample_payment_id(seed),
        "reason": "fraudulent",
        "status": "needs_response",
    })
}
