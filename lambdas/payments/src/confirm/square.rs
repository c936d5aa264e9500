//! Square's API: `GET /v2/payments/{id}` (developer.squareup.com/reference/square/payments-api/get-payment).

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::providers::square::payment_status;
use crate::secret::SecretValue;

/// The version whose shapes are read here.
const VERSION: &str = "2025-01-23";

pub(super) struct Square;

impl Api for Square {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Question::get(format!("/v2/payments/{id}"))
            .header("square-version", VERSION)
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = inner(object(body)?, "payment")?;
        about(payment, "id", id)?;
        let amount = money(
            payment,
            "amount_money.amount",
            "amount_money.currency",
            Unit::Minor,
            Currency::iso_exponent,
        );
        Ok(Confirmed {
            status: payment_status(payment).ok_or(NEW_STATUS)?,
            amount: usable(amount)?,
        })
    }
}
