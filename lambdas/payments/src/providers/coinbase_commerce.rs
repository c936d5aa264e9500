//! Coinbase Commerce. Signed: the raw body, HMAC-SHA256 in hexadecimal, in `X-CC-Webhook-Signature`; the key is the
//! shared secret's text. Documented at docs.cdp.coinbase.com/commerce/docs/webhooks-security.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::mac::BodySignature;
use crate::money::{Currency, Money, MoneyError};
use crate::request::Request;
use crate::settings::Settings;

const SCHEME: BodySignature<'static> = BodySignature::in_header("X-CC-Webhook-Signature");

pub(super) struct CoinbaseCommerce;

impl HeaderSigned for CoinbaseCommerce {
    fn key(&self) -> &'static str {
        "coinbase_commerce"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        // The outer `id` counts deliveries.
        let event_id = fields::required(body, "event.id")?;
        let event_type = fields::required(body, "event.type")?;
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "event.created_at"),
            provider_payment_id: body
                .id_at("event.data.code")
                .or_else(|| body.id_at("event.data.id"))
                .unwrap_or_else(|| event_id.clone()),
            money: body.at("event.data").map_or(Ok(None), money),
            claimed: status(&event_type),
            event_id,
            event_type,
        }])
    }

    fn delivery_members(&self) -> &'static [&'static str] {
        &["id", "scheduled_for", "attempt_number"]
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "charge:confirmed",
            "charge:created",
            "charge:pending",
            "charge:failed",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let local =
            json!({"amount": seed.money.decimal(), "currency": seed.money.currency.as_str()});
        let now = seed.now.to_string();
        let body = json!({
            "id": seed.nonce, "scheduled_for": now, "attempt_number": 1,
            "event": {
                "id": format!("event-{}", seed.nonce), "resource": "event", "type": event_type,
                "api_version": "2018-03-22", "created_at": now,
                "data": {
                    "code": fields::sample_id(seed, "C"), "id": format!("charge-{}", seed.nonce), "resource": "charge",
                    "name": "payhook test", "created_at": now, "pricing_type": "fixed_price",
                    "pricing": {"local": local}, "payments": [], "timeline": [{"time": now, "status": "NEW"}],
                    "metadata": {},
                },
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

/// The price of a charge; `None` where it is in a coin with more decimals than a currency has.
pub(crate) fn money(charge: Json<'_>) -> Result<Option<Money>, MalformedBody> {
    let (amount, currency) = ("pricing.local.amount", "pricing.local.currency");
    let money = fields::money(
        charge,
        amount,
        currency,
        Unit::Major,
        Currency::iso_exponent,
    );
    match money {
        Err(MalformedBody::Money {
            why: MoneyError::TooPrecise,
            ..
        }) => Ok(None),
        other => other,
    }
}

fn status(event_type: &str) -> Option<Status> {
    Some(match event_type {
        // A delayed charge was paid after it had expired: it waits for a person.
        "charge:created" | "charge:pending" | "charge:delayed" => Status::Pending,
        "charge:confirmed" | "charge:resolved" => Status::Succeeded,
        "charge:failed" => Status::Failed,
        _ => return None,
    })
}
