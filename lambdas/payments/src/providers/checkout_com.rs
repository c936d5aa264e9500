//! Checkout.com. Signed: the raw body, HMAC-SHA256 in hexadecimal, in `Cko-Signature`; the key is the signature key's
//! text. Documented at checkout.com/docs/developer-resources/webhooks/receive-webhooks.

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

const SCHEME: BodySignature<'static> = BodySignature::in_header("Cko-Signature");

pub(super) struct CheckoutCom;

impl HeaderSigned for CheckoutCom {
    fn key(&self) -> &'static str {
        "checkout_com"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = fields::required(body, "id")?;
        let event_type = fields::required(body, "type")?;
        // A dispute has its own id and names the payment.
        let payment_id = body
            .id_at("data.payment_id")
            .or_else(|| body.id_at("data.id"));
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "created_on"),
            provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
            money: fields::money(body, "data.amount", "data.currency", Unit::Minor, exponent),
            claimed: status(&event_type, body),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "payment_captured",
            "payment_approved",
            "payment_declined",
            "payment_refunded",
            "payment_voided",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "id": format!("evt_{}", seed.nonce), "type": event_type, "version": "1.0.0",
            "created_on": seed.now.to_string(),
            "data": {
                "id": fields::sample_id(seed, "pay_"), "action_id": format!("act_{}", seed.nonce),
                "amount": seed.money.minor, "currency": seed.money.currency.as_str(),
                "processed_on": seed.now.to_string(), "reference": format!("ORD-{}", seed.nonce),
                "response_code": "10000", "response_summary": "Approved", "metadata": {},
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

/// ISO 4217, but both Chilean units are stated in hundredths (checkout.com/docs/payments/accept-payments/format-the-amount-value).
pub(crate) fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "CLF" | "CLP" => 2,
        _ => currency.iso_exponent(),
    }
}

fn status(event_type: &str, body: Json<'_>) -> Option<Status> {
    Some(match event_type {
        "payment_pending" => Status::Pending,
        "payment_approved" => Status::Authorised,
        "payment_captured" | "dispute_won" | "dispute_canceled" => Status::Succeeded,
        "payment_declined" | "payment_expired" => Status::Failed,
        "payment_canceled" | "payment_voided" => Status::Canceled,
        "payment_refunded" if refunded_in_part(body) => Status::PartiallyRefunded,
        "payment_refunded" => Status::Refunded,
        dispute if dispute.starts_with("dispute_") => Status::Disputed,
        _ => return None,
    })
}

/// By what the event says of the payment's balances after the refund.
fn refunded_in_part(body: Json<'_>) -> bool {
    let total = |path| body.at(path).and_then(Json::integer);
    let (refunded, captured) = (
        total("data.balances.total_refunded"),
        total("data.balances.total_captured"),
    );
    matches!((refunded, captured), (Some(refunded), Some(captured)) if refunded < captured)
}
