//! Authorize.Net. Signed: the raw body, HMAC-SHA512 in hexadecimal after `sha512=`, in `X-ANET-Signature`; the key is the
//! Signature Key's text, not decoded (set `key_encoding = "hex"` for an account that differs). Documented at
//! developer.authorize.net/api/reference/features/webhooks.html.

use serde_json::json;

use super::fields;
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::Json;
use crate::mac::BodySignature;
use crate::request::Request;
use crate::settings::{Algorithm, Settings};

pub(super) struct AuthorizeNet;

impl HeaderSigned for AuthorizeNet {
    fn key(&self) -> &'static str {
        "authorize_net"
    }

    fn scheme<'s>(&self, settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(BodySignature {
            prefix: "sha512=",
            algorithm: Algorithm::Sha512,
            key: settings.hmac.key_encoding.unwrap_or_default(),
            ..BodySignature::in_header("X-ANET-Signature")
        })
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = fields::required(body, "notificationId")?;
        let event_type = fields::required(body, "eventType")?;
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "eventDate"),
            provider_payment_id: body.id_at("payload.id").unwrap_or_else(|| event_id.clone()),
            // The event states an amount without its currency; the API knows both.
            money: Ok(None),
            claimed: status(
                &event_type,
                body.at("payload.responseCode").and_then(Json::integer),
            ),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "net.authorize.payment.authcapture.created",
            "net.authorize.payment.authorization.created",
            "net.authorize.payment.capture.created",
            "net.authorize.payment.refund.created",
            "net.authorize.payment.void.created",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "notificationId": format!("notification-{}", seed.nonce), "eventType": event_type,
            "eventDate": seed.now.to_string(), "webhookId": "payhook",
            "payload": {
                "responseCode": 1, "authCode": "8VTPDC", "avsResponse": "Y", "authAmount": seed.money.decimal(),
                "entityName": "transaction", "id": fields::sample_id(seed, "6"),
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json_with_numbers(&body, &["authAmount"]))
    }
}

fn status(event_type: &str, response_code: Option<i64>) -> Option<Status> {
    let payment = event_type.strip_prefix("net.authorize.payment.")?;
    if !payment.starts_with("fraud.") {
        match response_code {
            Some(2 | 3) => return Some(Status::Failed),
            Some(4) => return Some(Status::Pending),
            _ => {}
        }
    }
    Some(match payment {
        "authorization.created" => Status::Authorised,
        "authcapture.created" | "capture.created" | "priorAuthCapture.created" => Status::Succeeded,
        "refund.created" => Status::Refunded,
        "void.created" => Status::Canceled,
        "fraud.held" => Status::Pending,
        "fraud.declined" => Status::Failed,
        _ => return None,
    })
}
