//! Razorpay's API: `GET /v1/payments/{id}` (razorpay.com/docs/api/payments/fetch-with-id). The API key is `key_id` and
//! `key_secret`.

use super::api::{Api, NEW_STATUS, Question, about, named, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::Json;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct Razorpay;

impl Api for Razorpay {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        if !id.starts_with("pay_") {
            return Ok(None);
        }
        Question::get(format!("/v1/payments/{id}"))
            .basic(named(key, "key_id")?, named(key, "key_secret")?)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = object(body)?;
        about(payment, "id", id)?;
        let amount = money(
            payment,
            "amount",
            "currency",
            Unit::Minor,
            Currency::iso_exponent,
        );
        Ok(Confirmed {
            status: status(payment)?,
            amount: usable(amount)?,
        })
    }
}

fn status(payment: Json<'_>) -> Result<Status, GatewayError> {
    let partly = payment.text_at("refund_status").as_deref() == Some("partial");
    Ok(match payment.text_at("status").as_deref() {
        Some("created") => Status::Pending,
        Some("authorized") => Status::Authorised,
        Some("captured") if partly => Status::PartiallyRefunded,
        Some("captured") => Status::Succeeded,
        Some("refunded") => Status::Refunded,
        Some("failed") => Status::Failed,
        _ => return Err(NEW_STATUS),
    })
}
