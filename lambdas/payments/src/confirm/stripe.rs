//! Stripe's API: `GET /v1/payment_intents/{id}` and `GET /v1/charges/{id}` (docs.stripe.com/api/payment_intents/retrieve).

use super::api::{Api, NEW_STATUS, Question, about, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::Json;
use crate::providers::stripe::amount as amount_of;
use crate::secret::SecretValue;

pub(super) struct Stripe;

/// The kinds of objects that are payments.
#[derive(Clone, Copy)]
enum Kind {
    Intent,
    Charge,
}

impl Api for Stripe {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let path = match Kind::of(id) {
            Some(Kind::Intent) => format!("/v1/payment_intents/{id}?expand[]=latest_charge"),
            Some(Kind::Charge) => format!("/v1/charges/{id}"),
            None => return Ok(None),
        };
        Question::get(path).bearer(key).map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let object = object(body)?;
        about(object, "id", id)?;
        match Kind::of(id) {
            Some(Kind::Charge) => charge(object),
            _ => intent(object),
        }
    }
}

impl Kind {
    /// By the prefix of the id.
    fn of(id: &str) -> Option<Self> {
        match id.split_once('_')? {
            (_, "") => None,
            ("pi", _) => Some(Self::Intent),
            ("ch" | "py", _) => Some(Self::Charge),
            _ => None,
        }
    }
}

fn intent(intent: Json<'_>) -> Result<Confirmed, GatewayError> {
    let (status, amount) = match intent.text_at("status").as_deref() {
        // A payment that failed goes back to waiting for another payment method.
        Some("requires_payment_method") if intent.text_at("last_payment_error.type").is_some() => {
            (Status::Failed, "amount")
        }
        Some("requires_payment_method" | "requires_confirmation" | "processing") => {
            (Status::Pending, "amount")
        }
        Some("requires_action") => (Status::ActionRequired, "amount"),
        Some("requires_capture") => (Status::Authorised, "amount_capturable"),
        Some("canceled") => (Status::Canceled, "amount"),
        Some("succeeded") => (
            intent
                .get("latest_charge")
                .map_or(Status::Succeeded, after_capture),
            "amount_received",
        ),
        _ => {
            return Err(NEW_STATUS);
        }
    };
    Ok(Confirmed {
        status,
        amount: usable(amount_of(intent, amount))?,
    })
}

fn charge(charge: Json<'_>) -> Result<Confirmed, GatewayError> {
    let captured = charge.get("captured").and_then(Json::boolean) != Some(false);
    let (status, amount) = match charge.text_at("status").as_deref() {
        Some("failed") => (Status::Failed, "amount"),
        Some("pending") => (Status::Pending, "amount"),
        Some("succeeded") if captured => (after_capture(charge), "amount_captured"),
        Some("succeeded") => (Status::Authorised, "amount"),
        _ => {
            return Err(NEW_STATUS);
        }
    };
    Ok(Confirmed {
        status,
        amount: usable(amount_of(charge, amount))?,
    })
}

/// What happened to a captured charge since.
fn after_capture(charge: Json<'_>) -> Status {
    let flag = |name: &str| charge.get(name).and_then(Json::boolean) == Some(true);
    let refunded = charge
        .get("amount_refunded")
        .and_then(Json::integer)
        .unwrap_or(0);
    match (flag("disputed"), flag("refunded"), refunded > 0) {
        (true, _, _) => Status::Disputed,
        (_, true, _) => Status::Refunded,
        (_, _, true) => Status::PartiallyRefunded,
        _ => Status::Succeeded,
    }
}
