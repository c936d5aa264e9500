//! Mollie. Next-generation webhooks: signed is the raw body, HMAC-SHA256 in hexadecimal (with or without `sha256=`) in
//! `X-Mollie-Signature`; the key is the secret's text. Classic webhooks are a form `id=tr_..` without any signature.
//! Documented at docs.mollie.com/reference/webhooks-new and docs.mollie.com/reference/webhooks.

use jiff::Timestamp;
use serde_json::json;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac::{self, BodySignature};
use crate::money::Currency;
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signature::SignatureError;

const SCHEME: BodySignature<'static> = BodySignature {
    prefix: "sha256=",
    ..BodySignature::in_header("X-Mollie-Signature")
};

pub(super) struct Mollie;

impl Provider for Mollie {
    fn key(&self) -> &'static str {
        "mollie"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(SCHEME.header) || classic_id(request).is_some()
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        if !request.headers.contains(SCHEME.header) {
            return Err(match classic_id(request) {
                Some(_) => SignatureError::FetchBackRequired,
                None => SignatureError::missing(SCHEME.header),
            });
        }
        // During a rotation Mollie sends several values, in one header or in several.
        let values = request
            .headers
            .all(SCHEME.header)
            .flat_map(|value| value.split(','))
            .map(str::trim);
        let signatures: Vec<Vec<u8>> = values
            .filter_map(|value| {
                hex::decode(value.strip_prefix(SCHEME.prefix).unwrap_or(value)).ok()
            })
            .collect();
        let keys = mac::keys(
            check.secrets,
            request.received_at,
            SCHEME.algorithm,
            SCHEME.key,
        )?;
        let good = mac::any_match(&keys, &[&request.body], &signatures);
        if good {
            Ok(Verified::SIGNED)
        } else {
            Err(SignatureError::BadSignature)
        }
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        if let Some(id) = classic_id(request) {
            return Ok(vec![fields::look_again(id, request)]);
        }
        let body = Json::parse_object(&request.body)?;
        let own_id = fields::required(body, "id")?;
        let event_type = body
            .text_at("type")
            .or_else(|| body.text_at("event_type"))
            .unwrap_or_else(|| "unknown".into());
        // An event with an entity has an id of its own; without one, `id` is the entity's.
        let (event_id, payment_id) = match body.id_at("entityId") {
            // Captures, refunds and chargebacks name their payment.
            Some(entity) => (
                own_id,
                body.id_at("_embedded.entity.paymentId").unwrap_or(entity),
            ),
            None => (fields::digest_id(&request.body), own_id),
        };
        let (amount, currency) = (
            "_embedded.entity.amount.value",
            "_embedded.entity.amount.currency",
        );
        Ok(vec![Report {
            event_id,
            occurred_ms: fields::ms_at(body, "createdAt"),
            provider_payment_id: payment_id,
            money: fields::money(body, amount, currency, Unit::Major, Currency::iso_exponent),
            claimed: status(&event_type),
            event_type,
        }])
    }

    fn only_api_knows(&self, event_type: &str) -> bool {
        event_type == fields::NOTICE
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["payment-link.paid"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let amount =
            json!({"value": seed.money.decimal(), "currency": seed.money.currency.as_str()});
        let id = fields::sample_id(seed, "pl_");
        let body = json!({
            "resource": "event", "id": format!("event_{}", seed.nonce), "type": event_type, "entityId": id,
            "createdAt": seed.now.to_string(),
            "_embedded": {"entity": {"resource": "payment-link", "id": id, "mode": "test", "amount": amount}},
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let signature = SCHEME.sign(b"", &outgoing.body, &secret.value);
        let signature = signature.map_err(|_| CannotSign::Secret(self.key()))?;
        Ok(outgoing.with_header(SCHEME.header, signature))
    }
}

/// The id in the form of a classic webhook.
fn classic_id(request: &Request) -> Option<String> {
    let (name, id) = form_urlencoded::parse(&request.body).next()?;
    let plain = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    (name == "id" && plain).then(|| id.into_owned())
}

fn status(event_type: &str) -> Option<Status> {
    // What becomes of another object, such as a refund that failed, is no status of the payment.
    Some(match event_type.rsplit_once('.')? {
        ("capture", "succeeded") | ("chargeback", "reversed") => Status::Succeeded,
        ("chargeback", "received") => Status::Disputed,
        ("payment" | "payment-link", last) => match last {
            "paid" => Status::Succeeded,
            "authorized" => Status::Authorised,
            "pending" => Status::Pending,
            "failed" | "expired" => Status::Failed,
            "canceled" => Status::Canceled,
            _ => return None,
        },
        _ => return None,
    })
}
