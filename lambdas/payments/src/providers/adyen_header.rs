//! Adyen platform and management webhooks. Signed: the raw body, HMAC-SHA256 in base64, in `HmacSignature` (with
//! `Protocol: HmacSHA256`); the key is hexadecimal. Documented at
//! docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures.

use jiff::Timestamp;
use serde_json::json;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, SampleSeed, Verified, adyen};
use crate::event::{PaymentEvent, Status};
use crate::json::{Json, MalformedBody};
use crate::mac::{self, BodySignature};
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::{Algorithm, Encoding, KeyEncoding, Settings};
use crate::signature::SignatureError;

const SCHEME: BodySignature<'static> = BodySignature {
    header: "HmacSignature",
    prefix: "",
    algorithm: Algorithm::Sha256,
    encoding: Encoding::Base64,
    key: KeyEncoding::Hex,
};

pub(super) struct AdyenHeader;

impl Provider for AdyenHeader {
    fn key(&self) -> &'static str {
        "adyen_header"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(SCHEME.header)
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        if request.headers.contains("Protocol") && mac::single(request, "Protocol")? != "HmacSHA256"
        {
            return Err(SignatureError::UnsupportedAlg);
        }
        SCHEME.verify(request, check.secrets)?;
        Ok(Verified::SIGNED)
    }

    fn events(
        &self,
        request: &Request,
        _settings: &Settings,
        verified: &Verified,
    ) -> Result<Vec<PaymentEvent>, MalformedBody> {
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
        Ok(vec![PaymentEvent {
            provider: self.key(),
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
            )?,
            claimed: status(&event_type, body),
            event_id,
            event_type,
            signed: verified.signed,
        }])
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
            "environment": "test", "timestamp": seed.now.to_string(), "type": event_type,
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
        let signed = fields::sign_body(outgoing, &SCHEME, secret, self.key())?;
        Ok(signed.with_header("Protocol", "HmacSHA256"))
    }
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
