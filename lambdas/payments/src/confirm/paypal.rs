//! PayPal's API: `POST /v1/oauth2/token`, then `GET /v2/payments/captures/{id}`, and where there is none the authorization,
//! the order or the sale of that id (developer.paypal.com/docs/api/payments/v2/#captures_get). The API key is `client_id`
//! and `client_secret`.

use super::api::{Api, NEW_STATUS, Question, about, named, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::{Json, MalformedBody};
use crate::money::Money;
use crate::providers::fields::{Unit, money};
use crate::providers::paypal::exponent;
use crate::secret::SecretValue;

pub(super) struct Paypal;

impl Api for Paypal {
    fn question(&self, id: &str, _key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        // All kinds of payments have 17 capitals and digits; disputes and subscriptions look different.
        let payment = id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        Ok(payment.then(|| Question::get(format!("/v2/payments/captures/{id}"))))
    }

    fn elsewhere(&self, id: &str) -> Vec<Question> {
        [
            "/v2/payments/authorizations",
            "/v2/checkout/orders",
            "/v1/payments/sale",
        ]
        .map(|kind| Question::get(format!("{kind}/{id}")))
        .into()
    }

    fn grant(&self, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Question::post("/v1/oauth2/token")
            .form("grant_type=client_credentials")
            .basic(named(key, "client_id")?, named(key, "client_secret")?)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = object(body)?;
        about(payment, "id", id)?;
        let units = payment.get("purchase_units").and_then(Json::items);
        let (status, amount) = match units {
            Some(units) => (order_status(payment), order_amount(&units)),
            None => (status(payment), amount(payment)),
        };
        Ok(Confirmed {
            status: status.ok_or(NEW_STATUS)?,
            amount: usable(amount)?,
        })
    }
}

/// The status of a capture or an authorization, or of a sale in small letters.
fn status(payment: Json<'_>) -> Option<Status> {
    let word = payment
        .text_at("status")
        .or_else(|| payment.text_at("state"))?;
    Some(match word.to_ascii_uppercase().as_str() {
        "PENDING" => Status::Pending,
        "CREATED" => Status::Authorised,
        "COMPLETED" | "CAPTURED" | "PARTIALLY_CAPTURED" => Status::Succeeded,
        "DECLINED" | "DENIED" | "FAILED" => Status::Failed,
        "VOIDED" => Status::Canceled,
        "PARTIALLY_REFUNDED" => Status::PartiallyRefunded,
        "REFUNDED" => Status::Refunded,
        _ => return None,
    })
}

fn order_status(order: Json<'_>) -> Option<Status> {
    Some(match order.text_at("status")?.as_str() {
        "CREATED" | "SAVED" => Status::Pending,
        "PAYER_ACTION_REQUIRED" => Status::ActionRequired,
        "APPROVED" => Status::Authorised,
        "COMPLETED" => Status::Succeeded,
        "VOIDED" => Status::Canceled,
        _ => return None,
    })
}

/// The amount of an order of one unit; what several add up to is nobody's amount.
fn order_amount(units: &[Json<'_>]) -> Result<Option<Money>, MalformedBody> {
    match units {
        [only] => amount(*only),
        _ => Ok(None),
    }
}

/// v2 writes `value` and `currency_code`, v1 `total` and `currency`.
fn amount(payment: Json<'_>) -> Result<Option<Money>, MalformedBody> {
    let (value, code) = if payment.at("amount.total").is_some() {
        ("amount.total", "amount.currency")
    } else {
        ("amount.value", "amount.currency_code")
    };
    money(payment, value, code, Unit::Major, exponent)
}
