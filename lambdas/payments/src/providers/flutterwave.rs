//! Flutterwave v4. Signed: the raw body, HMAC-SHA256 in base64, in `flutterwave-signature`; the key is the secret hash's
//! text. Documented at developer.flutterwave.com/docs/webhooks.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac::BodySignature;
use crate::money::Currency;
use crate::request::Request;
use crate::settings::{Encoding, Settings};

const SCHEME: BodySignature<'static> = BodySignature {
    encoding: Encoding::Base64,
    ..BodySignature::in_header("flutterwave-signature")
};

pub(super) struct Flutterwave;

impl HeaderSigned for Flutterwave {
    fn key(&self) -> &'static str {
        "flutterwave"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = body
            .id_at("webhook_id")
            .unwrap_or_else(|| fields::digest_id(&request.body));
        let event_type = fields::required(body, "type")?;
        Ok(vec![Report {
            occurred_ms: body.get("timestamp").and_then(Json::integer),
            provider_payment_id: body.id_at("data.id").unwrap_or_else(|| event_id.clone()),
            money: fields::money(
                body,
                "data.amount",
                "data.currency",
                Unit::Major,
                Currency::iso_exponent,
            ),
            claimed: status(&event_type, body),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["charge.completed"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "webhook_id": format!("wbk_{}", seed.nonce), "timestamp": seed.now.as_millisecond(), "type": event_type,
            "data": {
                "id": fields::sample_id(seed, "chg_"), "amount": seed.money.decimal(),
                "currency": seed.money.currency.as_str(), "reference": format!("ref{}", seed.nonce),
                "status": "succeeded", "created_datetime": seed.now.to_string(), "meta": {},
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json_with_numbers(&body, &["amount"]))
    }
}

/// The status of a charge, in v4's words and in v3's; other objects have statuses that mean something else.
pub(super) fn status(event_type: &str, body: Json<'_>) -> Option<Status> {
    if !event_type.starts_with("charge.") {
        return None;
    }
    match body.text_at("data.status")?.as_str() {
        "succeeded" | "successful" => Some(Status::Succeeded),
        "pending" => Some(Status::Pending),
        "failed" => Some(Status::Failed),
        "voided" => Some(Status::Canceled),
        _ => None,
    }
}
