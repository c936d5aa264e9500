//! Adyen standard webhooks. Signed: eight fields of each item, joined by colons and not escaped, HMAC-SHA256 in base64 in
//! the item's `additionalData.hmacSignature`; the key is hexadecimal. Reason, date and payment method are not covered.
//! Documented at docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures.

use aws_lc_rs::hmac;
use base64::Engine;
use jiff::Timestamp;
use serde_json::json;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::money::Currency;
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::{Algorithm, KeyEncoding, Settings};
use crate::signature::SignatureError;

const MAX_ITEMS: usize = 100;

/// The fields that are signed, in order.
const SIGNED: [&str; 8] = [
    "pspReference",
    "originalReference",
    "merchantAccountCode",
    "merchantReference",
    "amount.value",
    "amount.currency",
    "eventCode",
    "success",
];

/// The one signed field that a merchant chooses freely, and the only one that may hold a colon.
const FREE: &str = "merchantReference";

pub(super) struct Adyen;

impl Provider for Adyen {
    fn key(&self) -> &'static str {
        "adyen"
    }

    /// Adyen's standard webhooks have no header of their own.
    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        items(&request.body).is_ok()
    }

    /// Accepts the request only if every one of its items is signed.
    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let items = items(&request.body)?;
        let signatures: Vec<String> = items
            .iter()
            .map(|item| {
                item.text_at("additionalData.hmacSignature")
                    .ok_or(SignatureError::MissingSignature)
            })
            .collect::<Result<_, _>>()?;
        let keys = mac::keys(
            check.secrets,
            request.received_at,
            Algorithm::Sha256,
            KeyEncoding::Hex,
        )?;
        let good = items
            .iter()
            .zip(&signatures)
            .all(|(item, signature)| is_signed(*item, signature, &keys));
        if good {
            Ok(Verified::SIGNED)
        } else {
            Err(SignatureError::BadSignature)
        }
    }

    fn reports(&self, request: &Request, settings: &Settings) -> Reports {
        let counts = is_of_mode(&request.body, settings.live)?;
        let items = items(&request.body)?.into_iter();
        items.map(|item| read(item, counts)).collect()
    }

    /// Of each item what its signature covers, so that a change of the rest is no other event.
    fn event_parts(&self, request: &Request) -> Vec<String> {
        let items = items(&request.body).unwrap_or_default().into_iter();
        items
            .map(|item| signed_text(item).unwrap_or_default())
            .collect()
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "AUTHORISATION",
            "CAPTURE",
            "REFUND",
            "CANCELLATION",
            "CHARGEBACK",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let payment = fields::sample_id(seed, "PSP");
        let first = event_type == "AUTHORISATION";
        let mut item = json!({
            "additionalData": {},
            "amount": {"currency": seed.money.currency.as_str(), "value": seed.money.minor},
            "eventCode": event_type, "eventDate": seed.now.to_string(), "merchantAccountCode": "PayhookTest",
            "merchantReference": format!("order-{}", seed.nonce), "paymentMethod": "visa",
            "pspReference": if first { payment.clone() } else { format!("MOD{}", seed.nonce) },
            "reason": "", "success": "true",
        });
        if !first {
            item["originalReference"] = payment.into();
        }
        let body =
            json!({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]});
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }

    /// Puts the signature into every item of the body.
    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let unusable = CannotSign::Secret(self.key());
        let key =
            mac::key(&secret.value, Algorithm::Sha256, KeyEncoding::Hex).ok_or(unusable.clone())?;
        let items = items(&outgoing.body).map_err(|_| unusable.clone())?;
        let mut body: serde_json::Value =
            serde_json::from_slice(&outgoing.body).map_err(|_| unusable.clone())?;
        if let Some(live) = settings.live {
            body["live"] = live.to_string().into();
        }
        for (at, item) in items.into_iter().enumerate() {
            let text = signed_text(item).ok_or(unusable.clone())?;
            let signature = mac::BASE64.encode(mac::tag(&key, &[text.as_bytes()]));
            body["notificationItems"][at]["NotificationRequestItem"]["additionalData"]["hmacSignature"] =
                signature.into();
        }
        Ok(Outgoing {
            body: body.to_string().into_bytes(),
            ..outgoing
        })
    }
}

/// The items of the request, at least one.
fn items(body: &[u8]) -> Result<Vec<Json<'_>>, MalformedBody> {
    let items = Json::parse_object(body)?
        .get("notificationItems")
        .and_then(Json::items);
    let items = items
        .filter(|items| !items.is_empty())
        .ok_or(MalformedBody::Field("notificationItems"))?;
    if items.len() > MAX_ITEMS {
        return Err(MalformedBody::TooMany(MAX_ITEMS));
    }
    let inner = items
        .into_iter()
        .map(|item| item.get("NotificationRequestItem"));
    inner
        .map(|item| item.ok_or(MalformedBody::Field("NotificationRequestItem")))
        .collect()
}

fn is_signed(item: Json<'_>, signature: &str, keys: &[hmac::Key]) -> bool {
    // A signature that is not base64 matches nothing.
    let signature = mac::BASE64.decode(signature).unwrap_or_default();
    signed_text(item).is_some_and(|text| {
        mac::any_match(keys, &[text.as_bytes()], std::slice::from_ref(&signature))
    })
}

/// The text that is signed of an item; `None` where it would be the text of another item too.
///
/// The fields are joined by colons and not escaped: with a colon in two of them, text could be moved from field to field
/// under the same signature, and a captured item be sent again as another payment's.
fn signed_text(item: Json<'_>) -> Option<String> {
    let texts: Vec<String> = SIGNED
        .iter()
        .map(|path| item.at(path).and_then(literal).unwrap_or_default())
        .collect();
    let ambiguous = |(path, text): (&&str, &String)| *path != FREE && text.contains(':');
    (!SIGNED.iter().zip(&texts).any(ambiguous)).then(|| texts.join(":"))
}

/// A field as the signer wrote it: text, the digits of a number, `true` or `false`.
fn literal(value: Json<'_>) -> Option<String> {
    value
        .text_or_number()
        .or_else(|| value.boolean().map(|flag| flag.to_string()))
}

/// Whether the request is from the mode, live or test, whose events count here.
fn is_of_mode(body: &[u8], live: Option<bool>) -> Result<bool, MalformedBody> {
    let sent = Json::parse_object(body)?.get("live").and_then(literal);
    Ok(live.is_none_or(|live| sent.as_deref() == Some(if live { "true" } else { "false" })))
}

/// One item; what comes from the other mode is kept and says nothing about a payment.
fn read(item: Json<'_>, counts: bool) -> Result<Report, MalformedBody> {
    let reference = fields::required(item, "pspReference")?;
    let event_code = fields::required(item, "eventCode")?;
    let success = item
        .get("success")
        .and_then(literal)
        .ok_or(MalformedBody::Field("success"))?;
    let original = item.id_at("originalReference");
    // Adyen gives events no id; these signed fields make one.
    let mut event_id = format!("{reference}|{event_code}|{success}");
    if let Some(original) = &original {
        event_id = format!("{event_id}|{original}");
    }
    Ok(Report {
        event_id,
        occurred_ms: fields::ms_at(item, "eventDate"),
        provider_payment_id: original.unwrap_or(reference),
        money: fields::money(
            item,
            "amount.value",
            "amount.currency",
            Unit::Minor,
            exponent,
        ),
        claimed: status(&event_code, success == "true", item).filter(|_| counts),
        event_type: event_code,
    })
}

/// ISO 4217 with Adyen's exceptions (docs.adyen.com/development-resources/currency-codes).
pub(super) fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "CVE" | "IDR" => 0,
        "CLP" | "ISK" => 2,
        _ => currency.iso_exponent(),
    }
}

fn status(event_code: &str, success: bool, item: Json<'_>) -> Option<Status> {
    Some(match (event_code, success) {
        ("PENDING", true) => Status::Pending,
        ("AUTHORISATION", true) => Status::Authorised,
        ("AUTHORISATION", false)
        | ("CAPTURE", false)
        | ("CAPTURE_FAILED", true)
        | ("OFFER_CLOSED", true) => Status::Failed,
        ("CAPTURE", true) => Status::Succeeded,
        ("CANCELLATION" | "TECHNICAL_CANCEL" | "EXPIRE", true) => Status::Canceled,
        ("CANCEL_OR_REFUND", true) => match modification(item).as_deref() {
            Some("cancel") => Status::Canceled,
            _ => Status::Refunded,
        },
        ("REFUND", true) => Status::Refunded,
        ("REFUND_FAILED" | "REFUNDED_REVERSED" | "CHARGEBACK_REVERSED", true) => Status::Succeeded,
        ("CHARGEBACK" | "SECOND_CHARGEBACK" | "NOTIFICATION_OF_CHARGEBACK", true) => {
            Status::Disputed
        }
        _ => return None,
    })
}

/// What a request to cancel or refund became; the dot is part of the member's name.
fn modification(item: Json<'_>) -> Option<String> {
    item.get("additionalData")?
        .get("modification.action")?
        .text()
}
