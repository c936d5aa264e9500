//! GoCardless's API: `GET /payments/{id}` (developer.gocardless.com/api-reference/#payments-get-a-single-payment).

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

/// The version whose shapes are read here.
const VERSION: &str = "2015-07-06";

pub(super) struct GoCardless;

impl Api for GoCardless {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        if !id.starts_with("PM") {
            return Ok(None);
        }
        Question::get(format!("/payments/{id}"))
            .header("gocardless-version", VERSION)
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = inner(object(body)?, "payments")?;
        about(payment, "id", id)?;
        let amount = money(
            payment,
            "amount",
            "currency",
            Unit::Minor,
            Currency::iso_exponent,
        );
        let status = match payment.text_at("status").as_deref() {
            Some("pending_customer_approval" | "pending_submission" | "submitted") => {
                Status::Pending
            }
            Some("confirmed") => Status::Succeeded,
            Some("paid_out") => Status::Settled,
            Some("failed" | "customer_approval_denied") => Status::Failed,
            Some("cancelled") => Status::Canceled,
            Some("charged_back") => Status::Disputed,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: usable(amount)?,
        })
    }
}
