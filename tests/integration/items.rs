//! What the table holds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;

use super::deployed::Deployed;
use super::senders::Webhook;

#[derive(Debug)]
pub struct Item(HashMap<String, AttributeValue>);

impl Item {
    /// A text or number attribute.
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text,
            _ => "",
        }
    }

    /// A text in the map `failure`.
    pub fn failure(&self, name: &str) -> &str {
        let failure = self
            .0
            .get("failure")
            .and_then(|failure| failure.as_m().ok());
        let value = failure
            .and_then(|failure| failure.get(name))
            .and_then(|text| text.as_s().ok());
        value.map_or("", String::as_str)
    }
}

/// The events of a payment, oldest first.
pub async fn events(stack: &Deployed, payment_id: &str) -> Vec<Item> {
    let items = items(stack, payment_id).await;
    items
        .into_iter()
        .filter(|item| item.text("recordType") == "event")
        .collect()
}

/// The present state of a payment.
pub async fn head(stack: &Deployed, payment_id: &str) -> Item {
    let items = items(stack, payment_id).await;
    let head = items
        .into_iter()
        .find(|item| item.text("recordType") == "payment");
    head.unwrap_or_else(|| panic!("{payment_id} has no head"))
}

/// The event of a webhook once its processing has ended.
pub async fn settled(stack: &Deployed, webhook: &Webhook) -> Item {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let events = events(stack, &webhook.payment_id()).await;
        let event = events
            .into_iter()
            .find(|event| event.text("eventId") == webhook.event_id);
        match event {
            Some(event) if event.text("processing") != "received" => return event,
            other => assert!(Instant::now() < give_up, "not processed: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn items(stack: &Deployed, payment_id: &str) -> Vec<Item> {
    let dynamodb = stack.clients().await.dynamodb();
    let query = dynamodb
        .query()
        .table_name(stack.output("paymentsTableName"))
        .key_condition_expression("paymentId = :id")
        .expression_attribute_values(":id", AttributeValue::S(payment_id.to_owned()))
        .consistent_read(true);
    let items = query.send().await.expect("Query").items;
    items.into_iter().flatten().map(Item).collect()
}
