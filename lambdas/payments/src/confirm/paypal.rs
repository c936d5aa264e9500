//! PayPal's API: `POST /v1/oauth2/token`, then `GET /v2/payments/captures/{id}`
//! (developer.paypal.com/docs/api/payments/v2/#captures_get). The API key is `client_id` and `client_secret`.

use super::api::{Api, NEW_STATUS, Question, about, named, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::providers::fields::{Unit, money};
use crate::providers::paypal::exponent;
use crate::secret::SecretValue;

pub(super) struct Paypal;

impl Api for Paypal {
    fn question(&self, id: &str, _key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        // Captures have 17 capitals and digits; orders, disputes and subscriptions look different or answer 404.
        let capture = id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        Ok(capture.then(|| Question::get(format!("/v2/payments/captures/{id}"))))
    }

    fn grant(&self, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Question::post("/v1/oauth2/token")
            .form("grant_type=client_credentials")
            .basic(named(key, "client_id")?, named(key, "client_secret")?)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let capture = object(body)?;
        about(capture, "id", id)?;
        let status = match capture.text_at("status").as_deref() {
            Some("PENDING") => Status::Pending,
            Some("COMPLETED") => Status::Succeeded,
            Some("DECLINED" | "FAILED") => Status::Failed,
            Some("PARTIALLY_REFUNDED") => Status::PartiallyRefunded,
            Some("REFUNDED") => Status::Refunded,
            _ => return Err(NEW_STATUS),
        };
        let amount = money(
            capture,
            "amount.value",
            "amount.currency_code",
            Unit::Major,
            exponent,
        );
        Ok(Confirmed {
            status,
            amount: usable(amount)?,
        })
    }
}
