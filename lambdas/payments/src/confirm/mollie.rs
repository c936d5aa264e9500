//! Mollie's API: `GET /v2/payments/{id}` and `GET /v2/payment-links/{id}` (docs.mollie.com/reference/get-payment).

use super::api::{Api, NEW_STATUS, Question, about, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::Json;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct Mollie;

impl Api for Mollie {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let kind = match id.split_once('_') {
            Some(("tr", _)) => "payments",
            Some(("pl", _)) => "payment-links",
            _ => return Ok(None),
        };
        Question::get(format!("/v2/{kind}/{id}"))
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = object(body)?;
        about(payment, "id", id)?;
        Ok(Confirmed {
            status: status(payment)?,
            amount: usable(amount(payment, "amount.value", "amount.currency"))?,
        })
    }
}

fn amount(
    payment: Json<'_>,
    value: &'static str,
    currency: &'static str,
) -> Result<Option<crate::money::Money>, crate::json::MalformedBody> {
    money(
        payment,
        value,
        currency,
        Unit::Major,
        Currency::iso_exponent,
    )
}

/// Refunds and chargebacks change amounts and leave the status at `paid`.
fn status(payment: Json<'_>) -> Result<Status, GatewayError> {
    let minor = |value, currency| {
        let money = usable(amount(payment, value, currency))?;
        Ok::<i64, GatewayError>(money.map_or(0, |money| money.minor))
    };
    let paid = minor("amount.value", "amount.currency")?;
    let refunded = minor("amountRefunded.value", "amountRefunded.currency")?;
    let charged_back = minor("amountChargedBack.value", "amountChargedBack.currency")?;
    Ok(match payment.text_at("status").as_deref() {
        Some("open" | "pending") => Status::Pending,
        Some("authorized") => Status::Authorised,
        Some("paid") if charged_back > 0 => Status::Disputed,
        Some("paid") if refunded >= paid && refunded > 0 => Status::Refunded,
        Some("paid") if refunded > 0 => Status::PartiallyRefunded,
        Some("paid") => Status::Succeeded,
        Some("failed" | "expired") => Status::Failed,
        Some("canceled") => Status::Canceled,
        // A payment link has no status: it is paid, or still open.
        None if payment.text_at("paidAt").is_some() => Status::Succeeded,
        None if payment.text_at("resource").as_deref() == Some("payment-link") => Status::Pending,
        _ => return Err(NEW_STATUS),
    })
}
