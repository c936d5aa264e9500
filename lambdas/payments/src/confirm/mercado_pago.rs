//! Mercado Pago's API: `GET /v1/payments/{id}` (mercadopago.com/developers/en/reference/payments/_payments_id/get).

use super::api::{Api, NEW_STATUS, Question, about, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::Json;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct MercadoPago;

impl Api for MercadoPago {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        Question::get(format!("/v1/payments/{id}"))
            .bearer(key)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let payment = object(body)?;
        about(payment, "id", id)?;
        let amount = money(
            payment,
            "transaction_amount",
            "currency_id",
            Unit::Major,
            exponent,
        );
        Ok(Confirmed {
            status: status(payment)?,
            amount: usable(amount)?,
        })
    }
}

/// ISO 4217, but Colombian pesos are stated without decimals too.
fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "COP" => 0,
        _ => currency.iso_exponent(),
    }
}

fn status(payment: Json<'_>) -> Result<Status, GatewayError> {
    let detail = payment.text_at("status_detail");
    Ok(match payment.text_at("status").as_deref() {
        Some("approved") if detail.as_deref() == Some("partially_refunded") => {
            Status::PartiallyRefunded
        }
        Some("approved") => Status::Succeeded,
        Some("authorized") => Status::Authorised,
        Some("pending" | "in_process") => Status::Pending,
        Some("rejected") => Status::Failed,
        Some("cancelled") => Status::Canceled,
        Some("refunded") => Status::Refunded,
        Some("in_mediation" | "charged_back") => Status::Disputed,
        _ => return Err(NEW_STATUS),
    })
}
