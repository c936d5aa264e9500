//! Square. Signed: the notification URL exactly as registered, then the raw body; HMAC-SHA256 in base64 in
//! `x-square-hmacsha256-signature`; the key is the signature key's text. Documented at
//! developer.squareup.com/docs/webhooks/step3validate.

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
    ..BodySignature::in_header("x-square-hmacsha256-signature")
};

pub(super) struct Square;

impl HeaderSigned for Square {
    fn key(&self) -> &'static str {
        "square"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::UrlAndBody(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = body
            .id_at("event_id")
            .unwrap_or_else(|| fields::digest_id(&request.body));
        let event_type = body.text_at("type").unwrap_or_else(|| "unknown".into());
        let object = |name| body.at("data.object")?.get(name);
        let (payment, refund, dispute) = (object("payment"), object("refund"), object("dispute"));
        let payment_id = payment
            .and_then(|payment| payment.id_at("id"))
            .or_else(|| refund?.id_at("payment_id"))
            .or_else(|| dispute?.id_at("disputed_payment.payment_id"))
            .or_else(|| body.id_at("data.id"));
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "created_at"),
            provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
            money: payment.or(refund).or(dispute).map_or(Ok(None), |about| {
                fields::money(
                    about,
                    "amount_money.amount",
                    "amount_money.currency",
                    Unit::Minor,
                    Currency::iso_exponent,
                )
            }),
            claimed: payment
                .and_then(payment_status)
                .or_else(|| dispute.and_then(dispute_status)),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["payment.updated", "payment.created"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let (id, now) = (fields::sample_id(seed, "sq"), seed.now.to_string());
        let money = json!({"amount": seed.money.minor, "currency": seed.money.currency.as_str()});
        let state = if event_type == "payment.created" {
            "APPROVED"
        } else {
            "COMPLETED"
        };
        let body = json!({
            "merchant_id": "PAYHOOKTEST", "type": event_type, "event_id": format!("event-{}", seed.nonce),
            "created_at": now,
            "data": {"type": "payment", "id": id, "object": {"payment": {
                "id": id, "amount_money": money, "total_money": money, "status": state, "created_at": now,
                "updated_at": now, "source_type": "CARD", "location_id": "LPAYHOOK", "version": 1,
            }}},
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

/// The state of a payment, including what has been refunded of it, which is told by `payment.updated` too.
pub(crate) fn payment_status(payment: Json<'_>) -> Option<Status> {
    let amount = |path| payment.at(path).and_then(Json::integer);
    match (
        amount("refunded_money.amount"),
        amount("amount_money.amount"),
    ) {
        (Some(refunded), Some(total)) if refunded > 0 && refunded < total => {
            return Some(Status::PartiallyRefunded);
        }
        (Some(refunded), Some(_)) if refunded > 0 => return Some(Status::Refunded),
        _ => {}
    }
    Some(match payment.text_at("status")?.as_str() {
        "PENDING" => Status::Pending,
        "APPROVED" => Status::Authorised,
        "COMPLETED" => Status::Succeeded,
        "CANCELED" => Status::Canceled,
        "FAILED" => Status::Failed,
        _ => return None,
    })
}

fn dispute_status(dispute: Json<'_>) -> Option<Status> {
    Some(match dispute.text_at("state")?.as_str() {
        "WON" | "INQUIRY_CLOSED" => Status::Succeeded,
        _ => Status::Disputed,
    })
}
