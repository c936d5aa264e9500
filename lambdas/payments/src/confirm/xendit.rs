//! Xendit's API: `GET /v2/invoices/{id}`, and `GET /payment_requests/{id}` for ids `pr-..`
//! (docs.xendit.co/apidocs, invoices and payment requests). The secret key is the user of Basic authentication.

use super::api::{Api, NEW_STATUS, Question, about, object, usable};
use super::{Confirmed, GatewayError};
use crate::providers::fields::{Unit, money};
use crate::providers::xendit::{exponent, status};
use crate::secret::SecretValue;

pub(super) struct Xendit;

impl Api for Xendit {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let kind = if id.starts_with("pr-") {
            "/payment_requests"
        } else {
            "/v2/invoices"
        };
        let user = key.text().ok_or(GatewayError::NoKey)?;
        Question::get(format!("{kind}/{id}"))
            .basic(user, "")
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = object(body)?;
        about(payment, "id", id)?;
        let state = payment.text_at("status").and_then(|text| status(&text));
        Ok(Confirmed {
            status: state.ok_or(NEW_STATUS)?,
            amount: usable(money(payment, "amount", "currency", Unit::Major, exponent))?,
        })
    }
}
