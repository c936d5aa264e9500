//! Worldpay Access. Signed: the raw body, HMAC-SHA256 in hexadecimal, as `{key id}/SHA256/{signature}` in a comma-separated
//! `Event-Signature`; the secret holds a hexadecimal key for each key id. Documented at
//! developer.worldpay.com/products/events/webhooks.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac;
use crate::money::Currency;
use crate::request::Request;
use crate::secret::{ProviderSecrets, Secret, SecretText, SecretValue};
use crate::settings::{Algorithm, Settings};
use crate::signature::SignatureError;

const HEADER: &str = "Event-Signature";

pub(super) struct Worldpay;

impl Provider for Worldpay {
    fn key(&self) -> &'static str {
        "worldpay"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(HEADER)
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let sent = signatures(request)?;
        let held = keys(check.secrets, request.received_at)?;
        let (mut known, mut unusable) = (false, false);
        // One hash for each key that is held, however often the sender names it.
        for (key_id, texts) in &held {
            let of_key = sent.iter().filter(|(id, _)| id == key_id);
            let signatures: Vec<_> = of_key.map(|(_, signature)| signature.clone()).collect();
            let keys: Vec<_> = texts.iter().filter_map(|text| key(text)).collect();
            known |= !signatures.is_empty();
            unusable |= !signatures.is_empty() && keys.is_empty();
            if !signatures.is_empty() && mac::any_match(&keys, &[&request.body], &signatures) {
                return Ok(Verified::SIGNED);
            }
        }
        Err(match (unusable, known) {
            (true, _) => mac::UNUSABLE,
            (false, true) => SignatureError::BadSignature,
            (false, false) => SignatureError::UnknownKey,
        })
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = fields::required(body, "eventId")?;
        let event_type = fields::required(body, "eventDetails.type")?;
        let (amount, currency) = (
            "eventDetails.amount.value",
            "eventDetails.amount.currencyCode",
        );
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "eventTimestamp"),
            provider_payment_id: body
                .id_at("eventDetails.transactionReference")
                .or_else(|| body.id_at("eventDetails.downstreamReference"))
                .unwrap_or_else(|| event_id.clone()),
            money: fields::money(body, amount, currency, Unit::Minor, Currency::iso_exponent),
            claimed: status(&event_type),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "authorized",
            "sentForSettlement",
            "settled",
            "refused",
            "cancelled",
            "refunded",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "eventId": format!("event-{}", seed.nonce), "eventTimestamp": seed.now.to_string(),
            "eventDetails": {
                "classification": "payment", "downstreamReference": format!("ds-{}", seed.nonce),
                "transactionReference": fields::sample_id(seed, "order-"), "type": event_type,
                "date": seed.now.strftime("%Y-%m-%d").to_string(),
                "amount": {"value": seed.money.minor, "currencyCode": seed.money.currency.as_str()},
                "_links": {"payment": {"href": "https://access.worldpay.com/payments/events/payhook"}},
            },
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
        let unusable = || CannotSign::Secret(self.key());
        let SecretValue::Named(texts) = &secret.value else {
            return Err(unusable());
        };
        let (key_id, text) = texts.iter().next().ok_or_else(unusable)?;
        let key = key(text).ok_or_else(unusable)?;
        let signature = hex::encode(mac::tag(&key, &[&outgoing.body]));
        Ok(outgoing.with_header(HEADER, format!("{key_id}/SHA256/{signature}")))
    }
}

/// The signatures by key id, those of other hashes left out.
fn signatures(request: &Request) -> Result<Vec<(&str, Vec<u8>)>, SignatureError> {
    if !request.headers.contains(HEADER) {
        return Err(SignatureError::missing(HEADER));
    }
    let (mut sent, mut well_formed) = (Vec::new(), false);
    for item in request
        .headers
        .all(HEADER)
        .flat_map(|value| value.split(','))
    {
        let mut parts = item.trim().splitn(3, '/');
        let (Some(key_id), Some(hash), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        well_formed = true;
        if hash.eq_ignore_ascii_case("SHA256") {
            sent.push((key_id, hex::decode(signature).unwrap_or_default()));
        }
    }
    match (sent.is_empty(), well_formed) {
        (false, _) => Ok(sent),
        (true, true) => Err(SignatureError::UnsupportedAlg),
        (true, false) => Err(SignatureError::malformed(
            HEADER,
            "it holds no `key id/SHA256/signature`",
        )),
    }
}

/// The accepted keys by key id; during a rotation an id may stand for several.
fn keys(
    secrets: &ProviderSecrets,
    at: Timestamp,
) -> Result<BTreeMap<&str, Vec<&SecretText>>, SignatureError> {
    let mut held: BTreeMap<&str, Vec<&SecretText>> = BTreeMap::new();
    for secret in secrets.valid_at(at) {
        if let SecretValue::Named(texts) = secret {
            for (key_id, text) in texts {
                held.entry(key_id).or_default().push(text);
            }
        }
    }
    if held.is_empty() {
        Err(mac::UNUSABLE)
    } else {
        Ok(held)
    }
}

fn key(text: &SecretText) -> Option<hmac::Key> {
    let bytes = Zeroizing::new(hex::decode(text.expose()).ok()?);
    mac::key_of_bytes(&bytes, Algorithm::Sha256)
}

/// The status that an event of this type gives the payment.
pub(crate) fn status(event_type: &str) -> Option<Status> {
    Some(match event_type {
        "sentForAuthorization" | "sentForSettlement" => Status::Pending,
        "authorized" => Status::Authorised,
        // Cards know no later word of a refund than that it was sent.
        "sentForRefund" | "refunded" => Status::Refunded,
        "sentForPartialRefund" => Status::PartiallyRefunded,
        "settled" | "refundFailed" => Status::Succeeded,
        "refused" | "error" | "expired" | "settlementFailed" => Status::Failed,
        "cancelled" | "sentForCancellation" => Status::Canceled,
        "disputed" | "chargedBack" | "informationRequested" => Status::Disputed,
        _ => return None,
    })
}
