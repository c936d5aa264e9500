//! Paystack's API: `GET /transaction/verify/{reference}` (paystack.com/docs/payments/verify-payments).

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::providers::fields::{Unit, money};
use crate::providers::paystack::EXPONENT;
use crate::secret::SecretValue;

pub(super) struct Paystack;

impl Api for Paystack {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Question::get(format!("/transaction/verify/{id}"))
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let transaction = inner(object(body)?, "data")?;
        about(transaction, "reference", id)?;
        let amount = money(transaction, "amount", "currency", Unit::Minor, |_| EXPONENT);
        let status = match transaction.text_at("status").as_deref() {
            Some("success") => Status::Succeeded,
            Some("pending" | "processing" | "queued" | "ongoing") => Status::Pending,
            Some("failed" | "abandoned") => Status::Failed,
            Some("reversed") => Status::Refunded,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: usable(amount)?,
        })
    }
}
