//! Adyen platform and management webhooks. Signed: the raw body, HMAC-SHA256 in base64, in `HmacSignature` (with
//! `Protocol: HmacSHA256`); the key is hexadecimal. Documented at
//! docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed, adyen};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac::{self, BodySignature};
use crate::request::Request;
use crate::settings::{Encoding, KeyEncoding, Settings};
use crate::signature::SignatureError;

const SCHEME: BodySignature<'static> = BodySignature {
    encoding: Encoding::Base64,
    key: KeyEncoding::Hex,
    ..BodySignature::in_header("HmacSignature")
};

/// The header that names the hash, and the only one it may name.
const PROTOCOL: &str = "Protocol";
const HMAC_SHA256: &str = "HmacSHA256";

pub(super) struct AdyenHeader;

impl HeaderSigned for AdyenHeader {
    fn key(&self) -> &'static str {
        "adyen_header"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn precondition(&self, request: &Request) -> Result<(), SignatureError> {
        match request.headers.contains(PROTOCOL) {
            true if mac::single(request, PROTOCOL)? != HMAC_SHA256 => {
                Err(SignatureError::UnsupportedAlg)
            }
            _ => Ok(()),
        }
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_type = fields::required(body, "type")?;
        // These webhooks carry no event id: the same body is the same event.
        let event_id = fields::digest_id(&request.body);
        let subject = [
            "data.id",
            "data.accountHolder.id",
            "data.balanceAccount.id",
            "data.sweep.id",
        ];
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "timestamp"),
            provider_payment_id: subject
                .into_iter()
                .find_map(|path| body.id_at(path))
                .unwrap_or_else(|| event_id.clone()),
            money: fields::money(
                body,
                "data.amount.value",
                "data.amount.currency",
                Unit::Minor,
                adyen::exponent,
            ),
            claimed: status(&event_type, body),
            event_id,
            event_type,
        }])
    }

    fn counts(&self, request: &Request, settings: &Settings) -> bool {
        let sent = Json::parse_object(&request.body).ok();
        let sent = sent.and_then(|body| body.text_at("environment"));
        let wanted = settings.live.map(environment);
        wanted.is_none_or(|wanted| sent.as_deref() == Some(wanted))
    }

    fn of_mode(&self, outgoing: Outgoing, settings: &Settings) -> Outgoing {
        let (test, wanted) = (environment(false), environment(settings.live == Some(true)));
        match serde_json::from_slice::<serde_json::Value>(&outgoing.body) {
            Ok(mut body) if wanted != test => {
                body["environment"] = wanted.into();
                Outgoing {
                    body: body.to_string().into_bytes(),
                    ..outgoing
                }
            }
            _ => outgoing,
        }
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "balancePlatform.transfer.created",
            "balancePlatform.transfer.updated",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let state = if event_type.ends_with("created") {
            "received"
        } else {
            "booked"
        };
        let body = json!({
            "data": {
                "balancePlatform": "PayhookTest", "id": fields::sample_id(seed, "TR"), "status": state,
                "amount": {"currency": seed.money.currency.as_str(), "value": seed.money.minor},
                "category": "bank", "direction": "incoming", "reference": format!("order-{}", seed.nonce),
            },
            "environment": environment(false), "timestamp": seed.now.to_string(), "type": event_type,
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body).with_header(PROTOCOL, HMAC_SHA256))
    }
}

/// What the body says of its mode.
fn environment(live: bool) -> &'static str {
    if live { "live" } else { "test" }
}

/// The status of a transfer; other objects have statuses that mean something else.
fn status(event_type: &str, body: Json<'_>) -> Option<Status> {
    if !event_type.starts_with("balancePlatform.transfer.") {
        return None;
    }
    Some(match body.text_at("data.status")?.as_str() {
        "received" | "pending" => Status::Pending,
        "authorised" => Status::Authorised,
        "captured" | "booked" => Status::Succeeded,
        "failed" | "refused" | "error" | "returned" => Status::Failed,
        "cancelled" | "expired" => Status::Canceled,
        "refunded" => Status::Refunded,
        "chargeback" => Status::Disputed,
        _ => return None,
    })
}
