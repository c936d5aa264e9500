//! Flutterwave v3's API: `GET /v3/transactions/{id}/verify` (developer.flutterwave.com/v3.0/docs/transaction-verification).

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct FlutterwaveV3;

impl Api for FlutterwaveV3 {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Question::get(format!("/v3/transactions/{id}/verify"))
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let transaction = inner(object(body)?, "data")?;
        about(transaction, "id", id)?;
        let amount = money(
            transaction,
            "amount",
            "currency",
            Unit::Major,
            Currency::iso_exponent,
        );
        let status = match transaction.text_at("status").as_deref() {
            Some("successful") => Status::Succeeded,
            Some("pending") => Status::Pending,
            Some("failed") => Status::Failed,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: usable(amount)?,
        })
    }
}
