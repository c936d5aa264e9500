//! Faults planted in a table that was just found sound, each of which the audit has to find.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use payments::store::{DynamoStore, EventItem, Search};

use super::scene::Scene;

pub async fn are_found(scene: &Scene) {
    let store = DynamoStore::new(
        scene.clients.dynamodb(),
        &scene.outputs["paymentsTableName"],
    );
    let found = store
        .scan(&Search::default(), u64::MAX)
        .await
        .expect("Scan");
    let events = found.events;
    let named: Vec<_> = events
        .iter()
        .filter(|event| event.outcome_id.is_some())
        .collect();
    let [lost, unmarked, twice, changed] =
        [0, 1, 2, 3].map(|number| named[number * named.len() / 4]);

    delete(scene, &lost.key.payment_id, lost.key.timestamp).await;
    delete(scene, &unmarked.marker_id(), 0).await;
    copy(scene, twice).await;
    set(scene, changed, "outcomeId", "another").await;

    let (exit, report) = scene.audit();
    assert_eq!(exit, Some(1));
    let found = |kind: &str, event: &EventItem| {
        let names = |fault: &&serde_json::Value| {
            let fault = &fault["fault"];
            let subject = fault["subject"].as_str().unwrap_or_default();
            let by_key = format!("{} at {}", event.key.payment_id, event.key.timestamp);
            fault["kind"] == kind && (subject.ends_with(&event.event_id) || subject == by_key)
        };
        report.faults.iter().any(|fault| names(&fault))
    };
    assert!(found("markerWithoutEvent", lost), "{report:#?}");
    assert!(found("markerMissing", unmarked), "{report:#?}");
    assert!(found("storedTwice", twice), "{report:#?}");
    assert!(found("wrongOutcome", changed), "{report:#?}");
    let others = report.faults.iter().filter(|fault| {
        let subject = fault["fault"]["subject"].as_str().unwrap_or_default();
        let planted = [lost, unmarked, twice, changed];
        let named = planted.iter().any(|event| {
            subject.contains(&event.event_id)
                || subject.contains(&event.key.payment_id)
                || subject.contains("outcome ")
        });
        !named
    });
    let others: BTreeSet<_> = others.map(ToString::to_string).collect();
    assert!(others.is_empty(), "nothing else is wrong: {others:#?}");
}

async fn delete(scene: &Scene, partition: &str, sort: i64) {
    let delete = scene.clients.dynamodb().delete_item();
    delete
        .table_name(&scene.outputs["paymentsTableName"])
        .key("paymentId", AttributeValue::S(partition.to_owned()))
        .key("timestamp", AttributeValue::N(sort.to_string()))
        .send()
        .await
        .expect("DeleteItem");
}

/// The same event once more, some milliseconds later.
async fn copy(scene: &Scene, event: &EventItem) {
    let (dynamodb, table) = (
        scene.clients.dynamodb(),
        &scene.outputs["paymentsTableName"],
    );
    let found = dynamodb
        .get_item()
        .table_name(table)
        .key("paymentId", AttributeValue::S(event.key.payment_id.clone()))
        .key(
            "timestamp",
            AttributeValue::N(event.key.timestamp.to_string()),
        );
    let mut item = found
        .send()
        .await
        .expect("GetItem")
        .item
        .expect("the event");
    let later = AttributeValue::N((event.key.timestamp + 500).to_string());
    item.insert("timestamp".to_owned(), later);
    let put = dynamodb.put_item().table_name(table).set_item(Some(item));
    put.send().await.expect("PutItem");
}

async fn set(scene: &Scene, event: &EventItem, attribute: &str, value: &str) {
    let update = scene.clients.dynamodb().update_item();
    update
        .table_name(&scene.outputs["paymentsTableName"])
        .key("paymentId", AttributeValue::S(event.key.payment_id.clone()))
        .key(
            "timestamp",
            AttributeValue::N(event.key.timestamp.to_string()),
        )
        .update_expression("SET #name = :value")
        .expression_attribute_names("#name", attribute)
        .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
        .send()
        .await
        .expect("UpdateItem");
}
