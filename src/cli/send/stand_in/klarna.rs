//! Klarna's order management, which knows every order as captured.

use super::Api;
use payments::money::Money;
use serde_json::json;

const ORDERS: &str = "/ordermanagement/v1/orders/";

pub struct Klarna {
    money: Money,
}

impl Klarna {
    pub fn new(money: &Money) -> Self {
        Self {
            money: money.clone(),
        }
    }
}

impl Api for Klarna {
    fn answer(&self, path: &str, _body: &[u8]) -> (&'static str, String) {
        let Some(order) = path.strip_prefix(ORDERS) else {
            return ("404 Not Found", String::new());
        };
        if order.ends_with("/acknowledge") {
            return ("204 No Content", String::new());
        }
        let (minor, currency) = (self.money.minor, self.money.currency.as_str());
        let order = json!({
            "order_id": order, "status": "CAPTURED", "fraud_status": "ACCEPTED", "order_amount": minor,
            "purchase_currency": currency, "captured_amount": minor, "refunded_amount": 0,
        });
        ("200 OK", order.to_string())
    }
}
