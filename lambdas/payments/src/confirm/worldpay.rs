//! Worldpay Access: `GET /payments/events?transactionRef=..&entity=..`
//! (developer.worldpay.com/products/access/card-payments/query-a-payment). The API key is `username`, `password` and
//! `entity`. The answer names the last event only; amounts are not in it.

use super::api::{Api, NEW_STATUS, Question, named, object, plain};
use super::{Confirmed, GatewayError};
use crate::providers::worldpay::status;
use crate::secret::SecretValue;

pub(super) struct Worldpay;

impl Api for Worldpay {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let entity = named(key, "entity")?;
        if !plain(entity) {
            return Err(GatewayError::NoKey);
        }
        let path = format!("/payments/events?transactionRef={id}&entity={entity}");
        Question::get(path)
            .basic(named(key, "username")?, named(key, "password")?)
            .map(Some)
    }

    fn answer(&self, _id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let last = object(body)?.text_at("lastEvent").unwrap_or_default();
        // Events begin with a small letter, answers partly with a capital.
        let mut letters = last.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        let event: String = first.into_iter().chain(letters).collect();
        Ok(Confirmed {
            status: status(&event).ok_or(NEW_STATUS)?,
            amount: None,
        })
    }
}
