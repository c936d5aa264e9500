//! Klarna's order management: `GET /ordermanagement/v1/orders/{id}`, then `POST ../acknowledge`, without which the push is
//! repeated (docs.klarna.com/klarna-payments/order-management). The API key is `username` and `password`.

use reqwest::header::HeaderName;

use super::api::{Api, NEW_STATUS, Question, about, named, object, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::json::Json;
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::secret::SecretValue;

pub(super) struct Klarna;

impl Api for Klarna {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let question = Question::get(format!("/ordermanagement/v1/orders/{id}"));
        authorised(question, key).map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let order = object(body)?;
        about(order, "order_id", id)?;
        let amount = money(
            order,
            "order_amount",
            "purchase_currency",
            Unit::Minor,
            Currency::iso_exponent,
        );
        Ok(Confirmed {
            status: status(order)?,
            amount: usable(amount)?,
        })
    }

    fn acknowledgement(
        &self,
        id: &str,
        key: &SecretValue,
        idempotency_key: &str,
    ) -> Result<Option<Question>, GatewayError> {
        let path = format!("/ordermanagement/v1/orders/{id}/acknowledge");
        let name = HeaderName::from_static("klarna-idempotency-key");
        let question = Question::post(path).secret(name, idempotency_key.to_owned())?;
        authorised(question, key).map(Some)
    }
}

fn authorised(question: Question, key: &SecretValue) -> Result<Question, GatewayError> {
    question.basic(named(key, "username")?, named(key, "password")?)
}

fn status(order: Json<'_>) -> Result<Status, GatewayError> {
    let amount = |name| order.get(name).and_then(Json::integer).unwrap_or(0);
    let (captured, refunded) = (amount("captured_amount"), amount("refunded_amount"));
    let status = order.text_at("status");
    Ok(
        match (status.as_deref(), order.text_at("fraud_status").as_deref()) {
            (Some("CANCELLED"), _) => Status::Canceled,
            (Some("EXPIRED"), _) | (Some("AUTHORIZED"), Some("REJECTED")) => Status::Failed,
            (Some("AUTHORIZED"), Some("PENDING")) => Status::Pending,
            (Some("AUTHORIZED"), _) => Status::Authorised,
            (Some("CAPTURED" | "PART_CAPTURED" | "CLOSED"), _) => match refunded {
                0 => Status::Succeeded,
                some if some < captured => Status::PartiallyRefunded,
                _ => Status::Refunded,
            },
            _ => return Err(NEW_STATUS),
        },
    )
}
