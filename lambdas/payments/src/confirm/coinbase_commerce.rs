//! Coinbase Commerce's API: `GET /charges/{code}` (docs.cdp.coinbase.com/commerce/reference/getcharge).

use reqwest::header::HeaderName;

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::Json;
use crate::providers::coinbase_commerce::money;
use crate::secret::SecretValue;

/// The version whose shapes are read here.
const VERSION: &str = "2018-03-22";

pub(super) struct CoinbaseCommerce;

impl Api for CoinbaseCommerce {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let key = key.text().ok_or(GatewayError::NoKey)?.to_owned();
        Question::get(format!("/charges/{id}"))
            .header("x-cc-version", VERSION)
            .secret(HeaderName::from_static("x-cc-api-key"), key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let charge = inner(object(body)?, "data")?;
        about(charge, "code", id).or_else(|_| about(charge, "id", id))?;
        Ok(Confirmed {
            status: status(charge).ok_or(NEW_STATUS)?,
            amount: usable(money(charge))?,
        })
    }
}

/// The last entry of the charge's timeline.
fn status(charge: Json<'_>) -> Option<Status> {
    let timeline = charge.get("timeline")?.items()?;
    Some(match timeline.last()?.text_at("status")?.as_str() {
        "NEW" | "PENDING" | "SIGNED" | "UNRESOLVED" => Status::Pending,
        "COMPLETED" | "RESOLVED" => Status::Succeeded,
        "EXPIRED" => Status::Failed,
        "CANCELED" => Status::Canceled,
        "REFUND PENDING" | "REFUNDED" => Status::Refunded,
        _ => return None,
    })
}
