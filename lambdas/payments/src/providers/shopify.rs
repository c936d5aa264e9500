//! Shopify. Signed: the raw body, HMAC-SHA256 in base64, in `X-Shopify-Hmac-Sha256` (newer: `shopify-hmac-sha256`); the key
//! is the app's client secret text. Documented at shopify.dev/docs/apps/build/webhooks/subscribe/https.

use serde_json::json;

use super::fields::{self, Unit};
use super::header_signed::{HeaderSigned, Scheme};
use super::{Outgoing, Reports, SampleSeed};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::mac::BodySignature;
use crate::money::{Currency, Money};
use crate::request::Request;
use crate::settings::{Encoding, Settings};

const SCHEME: BodySignature<'static> = BodySignature {
    encoding: Encoding::Base64,
    ..BodySignature::in_header("X-Shopify-Hmac-Sha256")
};

pub(super) struct Shopify;

impl HeaderSigned for Shopify {
    fn key(&self) -> &'static str {
        "shopify"
    }

    fn scheme<'s>(&self, _settings: &'s Settings) -> Scheme<'s> {
        Scheme::Body(SCHEME)
    }

    fn other_header(&self) -> Option<&'static str> {
        Some("shopify-hmac-sha256")
    }

    fn reports(&self, request: &Request) -> Reports {
        let body = Json::parse_object(&request.body)?;
        // The event id, the topic and the time of the headers are not signed; only the topic is used, as a name.
        let topic = ["X-Shopify-Topic", "shopify-topic"]
            .into_iter()
            .find_map(|name| request.headers.single(name))
            .filter(|topic| is_topic(topic));
        let event_id = fields::digest_id(&request.body);
        // Transactions and refunds name their order, which is the payment as a whole.
        let payment_id = body.id_at("order_id").or_else(|| body.id_at("id"));
        let time = ["processed_at", "updated_at", "created_at"];
        Ok(vec![Report {
            occurred_ms: time.into_iter().find_map(|path| fields::ms_at(body, path)),
            provider_payment_id: payment_id.unwrap_or_else(|| event_id.clone()),
            money: money(body),
            claimed: status(body),
            event_id,
            event_type: topic.unwrap_or("unknown").to_owned(),
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["order_transactions/create", "orders/paid", "refunds/create"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let (order, now) = (fields::sample_id(seed, "order-"), seed.now.to_string());
        let (amount, currency) = (seed.money.decimal(), seed.money.currency.as_str());
        let transaction = |kind: &str| {
            json!({"id": format!("txn-{}", seed.nonce), "order_id": order, "kind": kind, "status": "success",
                "amount": amount, "currency": currency, "gateway": "bogus", "processed_at": now, "test": true})
        };
        let body = match event_type {
            "order_transactions/create" => transaction("sale"),
            "orders/paid" => json!({"id": order, "financial_status": "paid", "total_price": amount,
                "currency": currency, "created_at": now, "updated_at": now, "test": true}),
            "refunds/create" => json!({"id": format!("refund-{}", seed.nonce), "order_id": order,
                "created_at": now, "processed_at": now, "transactions": [transaction("refund")]}),
            _ => return None,
        };
        Some(Outgoing::json(&body).with_header("X-Shopify-Topic", event_type))
    }
}

/// Whether a text looks like a topic, such as `orders/paid`; what a stranger may put there goes no further.
fn is_topic(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || matches!(b, b'_' | b'/');
    text.len() <= 64 && text.bytes().all(plain)
}

/// The transactions of a refund.
fn refund_transactions(body: Json<'_>) -> Option<Vec<Json<'_>>> {
    body.get("order_id")?;
    body.get("transactions")?.items()
}

fn money(body: Json<'_>) -> Result<Option<Money>, MalformedBody> {
    let read = |json, amount| {
        fields::money(
            json,
            amount,
            "currency",
            Unit::Major,
            Currency::iso_exponent,
        )
    };
    match refund_transactions(body).as_deref() {
        Some([only]) => read(*only, "amount"),
        // Several transactions are several currencies or gateways: their sum is nobody's amount.
        Some(_) => Ok(None),
        None if body.get("total_price").is_some() => read(body, "total_price"),
        None => read(body, "amount"),
    }
}

/// What the signed body says; the topic is not signed.
fn status(body: Json<'_>) -> Option<Status> {
    if let Some(order) = body.text_at("financial_status") {
        return order_status(&order);
    }
    let kind = body.text_at("kind")?;
    match (kind.as_str(), body.text_at("status")?.as_str()) {
        ("refund", "failure" | "error") => None,
        (_, "failure" | "error") => Some(Status::Failed),
        (_, "pending") => Some(Status::Pending),
        ("authorization", "success") => Some(Status::Authorised),
        ("sale" | "capture", "success") => Some(Status::Succeeded),
        ("void", "success") => Some(Status::Canceled),
        // Whether a refund is the last one shows in the order's `financial_status`.
        _ => None,
    }
}

/// The status of an order as a whole, its `financial_status`.
pub(crate) fn order_status(status: &str) -> Option<Status> {
    Some(match status {
        "pending" | "partially_paid" => Status::Pending,
        "authorized" => Status::Authorised,
        "paid" => Status::Succeeded,
        "partially_refunded" => Status::PartiallyRefunded,
        "refunded" => Status::Refunded,
        "voided" => Status::Canceled,
        "expired" => Status::Failed,
        _ => return None,
    })
}
