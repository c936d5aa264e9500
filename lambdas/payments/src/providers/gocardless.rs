//! GoCardless. Signed: the raw body, HMAC-SHA256 in hexadecimal, in `Webhook-Signature`; the key is the endpoint secret's
//! text. One request carries up to 250 events. Documented at developer.gocardless.com/api-reference/#webhooks-overview.

use serde_json::json;

use super::fields;
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::mac::BodySignature;
use crate::request::Request;
use crate::settings::Settings;

const SCHEME: BodySignature<'static> = BodySignature::in_header("Webhook-Signature");

const MAX_EVENTS: usize = 250;

pub(super) struct GoCardless;

impl HeaderSigned for GoCardless {
    fn key(&self) -> &'static str {
        "gocardless"
    }

    /// Standard Webhooks use the same header name beside two others.
    fn is_of_another(&self, request: &Request) -> bool {
        request.headers.contains("webhook-timestamp")
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn reports(&self, request: &Request) -> Reports {
        events(&request.body)?.into_iter().map(read).collect()
    }

    fn event_parts(&self, request: &Request) -> Vec<String> {
        let events = events(&request.body).unwrap_or_default().into_iter();
        events.map(|event| event.raw().to_owned()).collect()
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "payments.confirmed",
            "payments.submitted",
            "payments.paid_out",
            "payments.failed",
            "payments.charged_back",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let (resource_type, action) = event_type.split_once('.')?;
        let body = json!({
            "events": [{
                "id": format!("EV{}", seed.nonce), "created_at": seed.now.to_string(), "resource_type": resource_type,
                "action": action, "links": {"payment": fields::sample_id(seed, "PM")},
                "details": {"origin": "gocardless", "cause": format!("payment_{action}"), "description": "payhook test"},
                "metadata": {},
            }],
            "meta": {"webhook_id": format!("WB{}", seed.nonce)},
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

fn events(body: &[u8]) -> Result<Vec<Json<'_>>, MalformedBody> {
    let events = Json::parse_object(body)?
        .get("events")
        .and_then(Json::items)
        .ok_or(MalformedBody::Field("events"))?;
    if events.len() > MAX_EVENTS {
        return Err(MalformedBody::TooMany(MAX_EVENTS));
    }
    Ok(events)
}

/// One event of the request; amounts are not in events, only in the API.
fn read(event: Json<'_>) -> Result<Report, MalformedBody> {
    let event_id = fields::required(event, "id")?;
    let resource_type = fields::required(event, "resource_type")?;
    let action = fields::required(event, "action")?;
    let own_link = format!("links.{}", resource_type.trim_end_matches('s'));
    let payment_id = event
        .id_at("links.payment")
        .or_else(|| event.id_at(&own_link));
    Ok(Report {
        occurred_ms: fields::ms_at(event, "created_at"),
        provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
        money: Ok(None),
        claimed: if resource_type == "payments" {
            status(&action)
        } else {
            None
        },
        event_id,
        event_type: format!("{resource_type}.{action}"),
    })
}

fn status(action: &str) -> Option<Status> {
    Some(match action {
        "created" | "submitted" | "customer_approval_granted" | "resubmission_requested" => {
            Status::Pending
        }
        "confirmed" | "chargeback_cancelled" => Status::Succeeded,
        "paid_out" => Status::Settled,
        "failed" | "late_failure_settled" | "customer_approval_denied" => Status::Failed,
        "cancelled" => Status::Canceled,
        "charged_back" | "chargeback_settled" => Status::Disputed,
        _ => return None,
    })
}
