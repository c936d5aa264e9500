//! Razorpay. Signed: the raw body, HMAC-SHA256 in hexadecimal, in `X-Razorpay-Signature`; the key is the webhook
//! secret's text. Documented at razorpay.com/docs/webhooks/validate-test.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac::BodySignature;
use crate::money::Currency;
use crate::request::Request;
use crate::settings::Settings;

const SCHEME: BodySignature<'static> = BodySignature::in_header("X-Razorpay-Signature");

pub(super) struct Razorpay;

impl HeaderSigned for Razorpay {
    fn key(&self) -> &'static str {
        "razorpay"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_type = fields::required(body, "event")?;
        // `x-razorpay-event-id` is not signed: a replay could change it.
        let event_id = fields::digest_id(&request.body);
        let payment = body.at("payload.payment.entity");
        let refund = body.at("payload.refund.entity");
        let payment_id = payment
            .and_then(|payment| payment.id_at("id"))
            .or_else(|| refund.and_then(|refund| refund.id_at("payment_id")))
            .or_else(|| body.id_at("payload.dispute.entity.payment_id"));
        let about = if event_type.starts_with("refund.") {
            refund.or(payment)
        } else {
            payment
        };
        Ok(vec![Report {
            occurred_ms: body
                .get("created_at")
                .and_then(Json::integer)
                .and_then(fields::ms_of_seconds),
            provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
            money: about.map_or(Ok(None), |entity| {
                fields::money(
                    entity,
                    "amount",
                    "currency",
                    Unit::Minor,
                    Currency::iso_exponent,
                )
            }),
            claimed: status(&event_type, payment),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "payment.captured",
            "payment.authorized",
            "payment.failed",
            "refund.processed",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let (amount, currency) = (seed.money.minor, seed.money.currency.as_str());
        let id = fields::sample_id(seed, "pay_");
        let refunded = event_type == "refund.processed";
        let mut payload = json!({"payment": {"entity": {
            "id": id, "entity": "payment", "amount": amount, "currency": currency,
            "status": event_type.strip_prefix("payment.").unwrap_or("refunded"),
            "order_id": format!("order_{}", seed.nonce), "method": "card",
            "amount_refunded": if refunded { amount } else { 0 },
            "captured": event_type == "payment.captured", "created_at": seed.now.as_second(),
        }}});
        if refunded {
            payload["refund"] = json!({"entity": {
                "id": format!("rfnd_{}", seed.nonce), "entity": "refund", "amount": amount, "currency": currency,
                "payment_id": id, "status": "processed", "created_at": seed.now.as_second(),
            }});
        }
        let contains: &[&str] = if refunded {
            &["refund", "payment"]
        } else {
            &["payment"]
        };
        let body = json!({
            "entity": "event", "account_id": "acc_test", "event": event_type, "contains": contains,
            "payload": payload, "created_at": seed.now.as_second(),
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

fn status(event_type: &str, payment: Option<Json<'_>>) -> Option<Status> {
    Some(match event_type {
        "payment.authorized" => Status::Authorised,
        "payment.captured" | "order.paid" | "payment.dispute.won" => Status::Succeeded,
        "payment.failed" => Status::Failed,
        "refund.processed" if payment.is_some_and(refunded_in_part) => Status::PartiallyRefunded,
        "refund.processed" => Status::Refunded,
        dispute if dispute.starts_with("payment.dispute.") => Status::Disputed,
        _ => return None,
    })
}

fn refunded_in_part(payment: Json<'_>) -> bool {
    let integer = |name| payment.get(name).and_then(Json::integer);
    matches!((integer("amount_refunded"), integer("amount")), (Some(refunded), Some(amount)) if refunded < amount)
}
