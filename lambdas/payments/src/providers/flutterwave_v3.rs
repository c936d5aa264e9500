//! Flutterwave v3. Signed: nothing; `verif-hash` repeats the secret hash, so only the sender is known and the payment is
//! fetched back. Documented at developer.flutterwave.com/v3.0/docs/webhooks.

use jiff::Timestamp;
use serde_json::json;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, SampleSeed, Verified, flutterwave};
use crate::event::PaymentEvent;
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::money::Currency;
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signature::SignatureError;

const HEADER: &str = "verif-hash";

pub(super) struct FlutterwaveV3;

impl Provider for FlutterwaveV3 {
    fn key(&self) -> &'static str {
        "flutterwave_v3"
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
        let event_type = fields::required(body, "event")?;
        let payment_id = fields::required(body, "data.id")?;
        let state = body.text_at("data.status").unwrap_or_default();
        Ok(vec![PaymentEvent {
            provider: self.key(),
            event_id: format!("{event_type}:{payment_id}:{state}"),
            occurred_ms: fields::ms_at(body, "data.created_at"),
            provider_payment_id: payment_id,
            money: fields::money(
                body,
                "data.amount",
                "data.currency",
                Unit::Major,
                Currency::iso_exponent,
            )?,
            claimed: flutterwave::status(&event_type, body),
            event_type,
            signed: false,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["charge.completed"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "event": event_type,
            "data": {
                "id": fields::sample_id(seed, "28"), "tx_ref": format!("tx-{}", seed.nonce),
                "amount": seed.money.decimal(), "currency": seed.money.currency.as_str(), "status": "successful",
                "created_at": seed.now.to_string(),
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json_with_numbers(&body, &["amount"]))
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
