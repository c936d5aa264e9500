//! Xendit. Signed: nothing; `x-callback-token` repeats the account's verification token, so only the sender is known and
//! the payment is fetched back. Documented at docs.xendit.co/docs/handling-webhooks.

use jiff::Timestamp;
use serde_json::json;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, SampleSeed, Verified};
use crate::event::{PaymentEvent, Status};
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::money::Currency;
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signature::SignatureError;

const HEADER: &str = "x-callback-token";

pub(super) struct Xendit;

impl Provider for Xendit {
    fn key(&self) -> &'static str {
        "xendit"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(HEADER)
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        mac::verify_token(request, HEADER, check.secrets)?;
        Ok(Verified::SENDER_ONLY)
    }

    fn events(
        &self,
        request: &Request,
        _settings: &Settings,
        _verified: &Verified,
    ) -> Result<Vec<PaymentEvent>, MalformedBody> {
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
        Ok(vec![PaymentEvent {
            provider: self.key(),
            // `webhook-id` is not covered by anything.
            event_id: format!("{event_type}:{payment_id}:{state}"),
            occurred_ms: time
                .into_iter()
                .find_map(|path| fields::ms_at(object, path).or(fields::ms_at(body, path))),
            provider_payment_id: payment_id,
            money: fields::money(object, amount, "currency", Unit::Major, exponent)?,
            claimed: status(&state),
            event_type,
            signed: false,
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

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let token = secret.value.text().ok_or(CannotSign::Secret(self.key()))?;
        Ok(outgoing.with_header(HEADER, token))
    }
}

/// ISO 4217, but rupiah are stated without decimals.
fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "IDR" => 0,
        _ => currency.iso_exponent(),
    }
}

fn status(state: &str) -> Option<Status> {
    Some(match state {
        "PENDING" => Status::Pending,
        "REQUIRES_ACTION" => Status::ActionRequired,
        "AUTHORIZED" => Status::Authorised,
        "PAID" | "SETTLED" | "SUCCEEDED" | "COMPLETED" => Status::Succeeded,
        "FAILED" | "EXPIRED" => Status::Failed,
        "CANCELED" | "VOIDED" => Status::Canceled,
        _ => return None,
    })
}
