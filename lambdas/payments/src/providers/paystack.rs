//! Paystack. Signed: the raw body, HMAC-SHA512 in hexadecimal, in `x-paystack-signature`; the key is the API secret key's
//! text. Documented at paystack.com/docs/payments/webhooks.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac::BodySignature;
use crate::request::Request;
use crate::settings::{Algorithm, Settings};

const SCHEME: BodySignature<'static> = BodySignature {
    algorithm: Algorithm::Sha512,
    ..BodySignature::in_header("x-paystack-signature")
};

/// Paystack multiplies every currency by 100, also those without decimals (paystack.com/docs/api/#supported-currency).
pub(crate) const EXPONENT: u8 = 2;

pub(super) struct Paystack;

impl HeaderSigned for Paystack {
    fn key(&self) -> &'static str {
        "paystack"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_type = fields::required(body, "event")?;
        let event_id = match body.id_at("data.id") {
            // A dispute is reminded of more than once under its one id.
            Some(id) if event_type != "charge.dispute.remind" => format!("{event_type}:{id}"),
            _ => fields::digest_id(&request.body),
        };
        // Refunds and disputes name the transaction they belong to.
        let payment_id = [
            "data.transaction_reference",
            "data.transaction.reference",
            "data.reference",
            "data.id",
        ]
        .into_iter()
        .find_map(|path| body.id_at(path));
        let time = [
            "data.paid_at",
            "data.updated_at",
            "data.created_at",
            "data.createdAt",
        ];
        Ok(vec![Report {
            occurred_ms: time.into_iter().find_map(|path| fields::ms_at(body, path)),
            provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
            money: fields::money(body, "data.amount", "data.currency", Unit::Minor, |_| {
                EXPONENT
            }),
            claimed: status(&event_type),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["charge.success", "charge.failed", "refund.processed"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let (reference, now) = (fields::sample_id(seed, "ref_"), seed.now.to_string());
        let mut data = json!({
            "id": fields::sample_number(seed), "domain": "test", "amount": seed.money.minor,
            "currency": seed.money.currency.as_str(), "created_at": now,
        });
        if event_type == "refund.processed" {
            data["status"] = "processed".into();
            data["transaction_reference"] = reference.into();
        } else {
            data["status"] = event_type.strip_prefix("charge.").into();
            data["reference"] = reference.into();
            data["channel"] = "card".into();
            data["paid_at"] = now.into();
        }
        let body = json!({"event": event_type, "data": data});
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

fn status(event_type: &str) -> Option<Status> {
    Some(match event_type {
        "charge.success" => Status::Succeeded,
        "charge.failed" => Status::Failed,
        "charge.dispute.create" | "charge.dispute.remind" => Status::Disputed,
        "refund.processed" => Status::Refunded,
        "refund.failed" => Status::Succeeded,
        _ => return None,
    })
}
