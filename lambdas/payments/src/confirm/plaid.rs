//! Plaid's API: `POST /transfer/get` (plaid.com/docs/api/products/transfer/reading-transfers). The API key is `client_id` and
//! `secret`.

use serde_json::json;

use super::api::{Api, NEW_STATUS, Question, about, inner, named, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct Plaid;

impl Api for Plaid {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let body = json!({
            "client_id": named(key, "client_id")?, "secret": named(key, "secret")?, "transfer_id": id,
        });
        Ok(Some(Question::post("/transfer/get").json(&body)))
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let transfer = inner(object(body)?, "transfer")?;
        about(transfer, "id", id)?;
        let amount = money(
            transfer,
            "amount",
            "iso_currency_code",
            Unit::Major,
            Currency::iso_exponent,
        );
        let status = match transfer.text_at("status").as_deref() {
            Some("pending") => Status::Pending,
            Some("posted") => Status::Succeeded,
            Some("settled" | "funds_available") => Status::Settled,
            Some("failed") => Status::Failed,
            Some("cancelled") => Status::Canceled,
            Some("returned") => Status::Disputed,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: usable(amount)?,
        })
    }
}
