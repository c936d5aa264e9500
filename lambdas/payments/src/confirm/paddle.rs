//! Paddle Billing's API: `GET /transactions/{id}` (developer.paddle.com/api-reference/transactions/get-transaction).

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct Paddle;

impl Api for Paddle {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        if !id.starts_with("txn_") {
            return Ok(None);
        }
        Question::get(format!("/transactions/{id}"))
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let transaction = inner(object(body)?, "data")?;
        about(transaction, "id", id)?;
        let amount = money(
            transaction,
            "details.totals.grand_total",
            "currency_code",
            Unit::Minor,
            Currency::iso_exponent,
        );
        let status = match transaction.text_at("status").as_deref() {
            Some("draft" | "ready" | "billed" | "paid") => Status::Pending,
            Some("completed") => Status::Succeeded,
            Some("past_due") => Status::Failed,
            Some("canceled") => Status::Canceled,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: usable(amount)?,
        })
    }
}
