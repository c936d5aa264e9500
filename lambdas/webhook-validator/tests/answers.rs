//! What providers are told, and what is in the table afterwards.

mod support;

use payments::event::Status;
use payments::store::{Processing, Store, sha256_hex};
use serde_json::json;
use support::*;

const CREATED: i64 = 1_767_225_599;

#[tokio::test]
async fn a_signed_webhook_is_stored_with_everything_that_processing_needs() {
    let bench = Bench::new();
    let body = stripe_body("evt_1", "pi_1", CREATED);
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");

    let items = bench.table.all_events();
    assert_eq!(items.len(), 1);
    let item = &items[0];
    assert_eq!(
        (item.key.payment_id.as_str(), item.key.timestamp),
        ("stripe:pi_1", CREATED * 1000)
    );
    assert_eq!(
        (item.event_id.as_str(), item.event_type.as_str()),
        ("evt_1", "payment_intent.succeeded")
    );
    assert_eq!(
        (item.event_status, item.signed, item.processing),
        (Some(Status::Succeeded), true, Processing::Received)
    );
    assert_eq!(item.money.as_ref().unwrap().to_string(), "19.99 EUR");
    assert_eq!(
        item.trace_id.as_deref(),
        Some("1-5759e988-bd862e3fe1be46a994272793")
    );
    assert_eq!(kept(item), body);
    assert_eq!((item.received_at, item.expires_at), (now(), None));
    assert_eq!(bench.counted("WebhookStored"), 1);
}

#[tokio::test]
async fn the_bare_path_recognises_the_provider_by_its_headers() {
    for provider in ["stripe", "standard_webhooks"] {
        let bench = Bench::new();
        let mut event = post(provider, &stripe_body("evt_1", "pi_1", CREATED));
        event["path"] = "/webhooks".into();
        event["pathParameters"] = json!(null);
        expect(&bench.post(event).await, 200, "stored");
        assert_eq!(bench.table.all_events()[0].provider, provider);
    }
}

#[tokio::test]
async fn a_redelivery_is_a_duplicate_and_the_same_id_with_another_body_a_conflict() {
    let bench = Bench::new();
    let (first, other) = (
        stripe_body("evt_1", "pi_1", CREATED),
        stripe_body("evt_1", "pi_1", CREATED),
    );
    let other = [&other[..], b" "].concat();
    expect(&bench.post(post("stripe", &first)).await, 200, "stored");
    expect(&bench.post(post("stripe", &first)).await, 200, "duplicate");
    expect(&bench.post(post("stripe", &other)).await, 200, "conflict");
    let items = bench.table.all_events();
    assert_eq!(items.len(), 1);
    assert_eq!(kept(&items[0]), first, "the first one is kept");
    assert_eq!(
        (
            bench.counted("WebhookDuplicate"),
            bench.counted("EventConflict")
        ),
        (1, 1)
    );
    let conflicts = async || {
        let conflicts = bench.table.conflicts("stripe:pi_1").await.unwrap();
        conflicts
            .into_iter()
            .map(|one| (one.of, one.digest))
            .collect::<Vec<_>>()
    };
    let recorded = (items[0].key.clone(), sha256_hex(&other));
    assert_eq!(conflicts().await, std::slice::from_ref(&recorded));
    expect(&bench.post(post("stripe", &other)).await, 200, "conflict");
    assert_eq!(conflicts().await, [recorded], "one for each content");
}

#[tokio::test]
async fn two_events_of_one_payment_in_one_millisecond_are_two_items() {
    let bench = Bench::new();
    for event in ["evt_1", "evt_2", "evt_1", "evt_2"] {
        bench
            .post(post("stripe", &stripe_body(event, "pi_1", CREATED)))
            .await;
    }
    let keys: Vec<_> = bench
        .table
        .all_events()
        .iter()
        .map(|item| item.key.timestamp - CREATED * 1000)
        .collect();
    assert_eq!(keys, [0, 1]);
    assert!(
        bench
            .table
            .events("stripe:pi_1")
            .await
            .unwrap()
            .iter()
            .all(|item| item.occurred_ms == Some(CREATED * 1000))
    );
}

#[tokio::test]
async fn an_event_of_an_unknown_type_is_stored_without_a_status() {
    let bench = Bench::new();
    let body = br#"{"id":"evt_1","type":"something.new","created":1767225599,"data":{"object":{"id":"pi_1"}}}"#;
    expect(&bench.post(post("stripe", body)).await, 200, "stored");
    assert_eq!(bench.table.all_events()[0].event_status, None);
}

#[tokio::test]
async fn retention_sets_the_time_at_which_an_item_may_go() {
    let mut bench = Bench::new();
    bench.validator.settings.retention = Some(jiff::SignedDuration::from_hours(24));
    bench
        .post(post("stripe", &stripe_body("evt_1", "pi_1", CREATED)))
        .await;
    assert_eq!(
        bench.table.all_events()[0].expires_at,
        Some("2026-01-02T00:00:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn fifty_deliveries_at_once_are_one_item_and_one_stored() {
    let bench = std::sync::Arc::new(Bench::new());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let bench = bench.clone();
        tasks.spawn(async move {
            status(
                &bench
                    .post(post("stripe", &stripe_body("evt_1", "pi_1", CREATED)))
                    .await,
            )
            .1
        });
    }
    let words = tasks.join_all().await;
    assert_eq!(words.iter().filter(|word| *word == "stored").count(), 1);
    assert_eq!(words.iter().filter(|word| *word == "duplicate").count(), 49);
    assert_eq!(bench.table.all_events().len(), 1);
}

#[tokio::test]
async fn a_redelivery_whose_counter_of_deliveries_changed_is_a_duplicate_also_days_later() {
    let mut bench = Bench::new();
    let body = |pending: u32, amount: u32| {
        json!({"id": "evt_1", "type": "payment_intent.succeeded", "created": CREATED, "pending_webhooks": pending,
            "data": {"object": {"id": "pi_1", "amount": amount, "currency": "eur"}}})
        .to_string()
        .into_bytes()
    };
    expect(
        &bench.post(post("stripe", &body(2, 1))).await,
        200,
        "stored",
    );
    expect(
        &bench.post(post("stripe", &body(1, 1))).await,
        200,
        "duplicate",
    );
    let later = now() + jiff::SignedDuration::from_hours(72);
    bench.validator.clock = payments::clock::fixed(later);
    let again = signed_at(SECRET, "stripe", &body(0, 1), later);
    expect(&bench.post(proxy("stripe", &again)).await, 200, "duplicate");
    let other = signed_at(SECRET, "stripe", &body(0, 2), later);
    expect(&bench.post(proxy("stripe", &other)).await, 200, "conflict");
    assert_eq!(bench.table.all_events().len(), 1);
    assert_eq!(bench.counted("EventConflict"), 1);
}

#[tokio::test]
async fn an_event_id_that_comes_again_for_another_payment_or_time_is_a_conflict_and_no_second_item()
{
    let bench = Bench::new();
    expect(
        &bench
            .post(post("stripe", &stripe_body("evt_1", "pi_1", CREATED)))
            .await,
        200,
        "stored",
    );
    for (payment, created) in [("pi_2", CREATED), ("pi_1", CREATED - 60)] {
        let body = stripe_body("evt_1", payment, created);
        expect(&bench.post(post("stripe", &body)).await, 200, "conflict");
    }
    assert_eq!(bench.table.all_events().len(), 1);
    assert_eq!(bench.counted("EventConflict"), 2);
}
