//! Flutterwave v3. Signed: nothing; `verif-hash` repeats the secret hash, so only the sender is known and the payment is
//! fetched back. Documented at developer.flutterwave.com/v3.0/docs/webhooks.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed, flutterwave};
use crate::event::Report;
use crate::json::Json;
use crate::money::Currency;
use crate::request::Request;
use crate::settings::Settings;

const HEADER: &str = "verif-hash";

pub(super) struct FlutterwaveV3;

impl HeaderSigned for FlutterwaveV3 {
    fn key(&self) -> &'static str {
        "flutterwave_v3"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Token(HEADER)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_type = fields::required(body, "event")?;
        let payment_id = fields::required(body, "data.id")?;
        let state = body.text_at("data.status").unwrap_or_default();
        Ok(vec![Report {
            event_id: format!("{event_type}:{payment_id}:{state}"),
            occurred_ms: fields::ms_at(body, "data.created_at"),
            provider_payment_id: payment_id,
            money: fields::money(
                body,
                "data.amount",
                "data.currency",
                Unit::Major,
                Currency::iso_exponent,
            ),
            claimed: flutterwave::status(&event_type, body),
            event_type,
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
}
