//! Shopify's Admin API: `GET /admin/api/{version}/orders/{id}.json` at the shop's own address
//! (shopify.dev/docs/api/admin-rest/latest/resources/order#get-orders-order-id).

use reqwest::header::HeaderName;

use super::api::{Api, NEW_STATUS, Question, about, inner, object, usable};
use super::{Confirmed, GatewayError};
use crate::money::Currency;
use crate::providers::fields::{Unit, money};
use crate::providers::shopify::order_status;
use crate::secret::SecretValue;

/// The version whose shapes are read here.
const VERSION: &str = "2025-01";
const FIELDS: &str = "id,financial_status,total_price,currency";

pub(super) struct Shopify;

impl Api for Shopify {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let token = key.text().ok_or(GatewayError::NoKey)?.to_owned();
        let path = format!("/admin/api/{VERSION}/orders/{id}.json?fields={FIELDS}");
        Question::get(path)
            .secret(HeaderName::from_static("x-shopify-access-token"), token)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let order = inner(object(body)?, "order")?;
        about(order, "id", id)?;
        let amount = money(
            order,
            "total_price",
            "currency",
            Unit::Major,
            Currency::iso_exponent,
        );
        let status = order.text_at("financial_status");
        Ok(Confirmed {
            status: status
                .and_then(|text| order_status(&text))
                .ok_or(NEW_STATUS)?,
            amount: usable(amount)?,
        })
    }
}
