//! Xendit. Signed: nothing; `x-callback-token` repeats the account's verification token, so only the sender is known and
//! the payment is fetched back. Documented at docs.xendit.co/docs/handling-webhooks.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::money::Currency;
use crate::request::Request;
use crate::settings::Settings;

const HEADER: &str = "x-callback-token";

pub(super) struct Xendit;

impl HeaderSigned for Xendit {
    fn key(&self) -> &'static str {
        "xendit"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Token(HEADER)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        // Newer products wrap the object in `data` and name the event; invoices send the object itself.
        let object = body.get("data").unwrap_or(body);
        let payment_id = ["payment_request_id", "id"]
            .into_iter()
            .find_map(|name| object.id_at(name))
            .ok_or(MalformedBody::Field("id"))?;
        let state = object.text_at("status").unwrap_or_default();
        let amount = if object.get("amount").is_some() {
            "amount"
        } else {
            "request_amount"
        };
        let event_type = body.text_at("event").unwrap_or_else(|| "invoice".into());
        let time = ["paid_at", "updated", "created"];
        Ok(vec![Report {
            // `webhook-id` is not covered by anything.
            event_id: format!("{event_type}:{payment_id}:{state}"),
            occurred_ms: time
                .into_iter()
                .find_map(|path| fields::ms_at(object, path).or(fields::ms_at(body, path))),
            provider_payment_id: payment_id,
            money: fields::money(object, amount, "currency", Unit::Major, exponent),
            claimed: status(&state),
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["invoice"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "id": fields::sample_id(seed, "inv-"), "external_id": format!("invoice_{}", seed.nonce), "status": "PAID",
            "amount": seed.money.decimal(), "paid_amount": seed.money.decimal(),
            "currency": seed.money.currency.as_str(), "created": seed.now.to_string(), "paid_at": seed.now.to_string(),
        });
        let known = self.sample_types().contains(&event_type);
        known.then(|| Outgoing::json_with_numbers(&body, &["amount", "paid_amount"]))
    }
}

/// ISO 4217, but rupiah are stated without decimals.
pub(crate) fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "IDR" => 0,
        _ => currency.iso_exponent(),
    }
}

/// The status of a payment, in the words of invoices and of payment requests.
pub(crate) fn status(state: &str) -> Option<Status> {
    Some(match state {
        "PENDING" | "ACCEPTING_PAYMENTS" => Status::Pending,
        "REQUIRES_ACTION" => Status::ActionRequired,
        "AUTHORIZED" | "AWAITING_CAPTURE" => Status::Authorised,
        "PAID" | "SETTLED" | "SUCCEEDED" | "COMPLETED" => Status::Succeeded,
        "FAILED" | "EXPIRED" => Status::Failed,
        "CANCELED" | "VOIDED" => Status::Canceled,
        _ => return None,
    })
}
