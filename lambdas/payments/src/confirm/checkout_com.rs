//! Checkout.com's API: `GET /payments/{id}` (api-reference.checkout.com, payments, get payment details).

use super::api::{Api, NEW_STATUS, Question, about, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::providers::checkout_com::exponent;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct CheckoutCom;

impl Api for CheckoutCom {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        if !id.starts_with("pay_") {
            return Ok(None);
        }
        Question::get(format!("/payments/{id}"))
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = object(body)?;
        about(payment, "id", id)?;
        let status = match payment.text_at("status").as_deref() {
            Some("Pending" | "Retry Scheduled") => Status::Pending,
            Some("Authorized" | "Card Verified") => Status::Authorised,
            Some("Captured" | "Partially Captured" | "Paid") => Status::Succeeded,
            Some("Declined" | "Expired") => Status::Failed,
            Some("Canceled" | "Voided") => Status::Canceled,
            Some("Partially Refunded") => Status::PartiallyRefunded,
            Some("Refunded") => Status::Refunded,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: usable(money(payment, "amount", "currency", Unit::Minor, exponent))?,
        })
    }
}
