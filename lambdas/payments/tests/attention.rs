//! What needs attention is found by its index, and what is settled has left it.
//!
//! Needs the local emulator: set PAYHOOK_EMULATOR_PYTHON to a Python that has ministack.

mod emulator;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use emulator::Emulator;
use jiff::{SignedDuration, Timestamp};
use payments::event::Status;
use payments::money::{Currency, Money};
use payments::outcome::Mismatch;
use payments::store::attention::Why;
use payments::store::{
    Conflict, DynamoStore, End, EventItem, Finish, Key, Lease, Packed, Processing, Resolved,
    Search, Store, Stored, store_once,
};

const TABLE: &str = "payments-test";

fn arrival(minute: i64) -> Timestamp {
    let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    first + SignedDuration::from_mins(minute)
}

fn event(provider: &str, id: &str, minute: i64) -> EventItem {
    let item = EventItem {
        key: Key {
            payment_id: format!("{provider}:of_{id}"),
            timestamp: 1_000,
        },
        provider: provider.into(),
        event_id: id.into(),
        event_type: "charge".into(),
        body_digest: String::new(),
        common_digest: None,
        occurred_ms: None,
        event_status: None,
        money: None,
        provider_payment_id: format!("of_{id}"),
        received_at: arrival(minute),
        signed: true,
        trace_id: None,
        expires_at: None,
        body: None,
        body_events: 1,
        told_by: None,
        erased_at: None,
        processing: Processing::Received,
        processed_at: None,
        ignored: None,
        status: None,
        outcome_id: None,
        mismatch: None,
        resolved: None,
        failure: None,
    };
    item.with_body(&Packed::new(provider, id, id.as_bytes()))
        .unwrap()
}

/// As the state machine records that an event stays broken.
async fn fail(client: &Client, key: &Key, at: Timestamp) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    client
        .update_item()
        .table_name(TABLE)
        .key("paymentId", text(&key.payment_id))
        .key("timestamp", AttributeValue::N(key.timestamp.to_string()))
        .update_expression("SET processing = :failed, attentionState = :state")
        .expression_attribute_values(":failed", text("failed"))
        .expression_attribute_values(":state", text(&format!("failed {at}")))
        .send()
        .await
        .unwrap();
}

async fn settle(store: &DynamoStore, key: &Key, end: End) {
    let lease = Lease {
        owner: "a".into(),
        now: arrival(0),
        until: arrival(1),
    };
    store.lease(key, &lease).await.unwrap();
    let finish = Finish {
        at: arrival(1),
        end,
    };
    assert!(store.finish(key, "a", &finish).await.unwrap());
}

fn contradicted() -> End {
    let side = |status, minor| {
        let currency = Currency::parse("EUR").unwrap();
        let money = |minor| Money {
            minor,
            currency,
            exponent: 2,
        };
        (status, Option::map(minor, money))
    };
    End::Processed {
        status: Status::Pending,
        outcome_id: "o-1".into(),
        mismatch: Some(Mismatch {
            claimed: side(Status::Succeeded, Some(1999)),
            gateway: side(Status::Pending, None),
        }),
    }
}

/// What needs attention of what did not arrive within the last minute, as reason and id.
async fn attention(store: &DynamoStore, now: i64) -> Vec<String> {
    let found = store
        .needing_attention(&Search::default(), arrival(now - 1))
        .await;
    let line = |(event, why): (EventItem, Why)| format!("{} {}", why.as_str(), event.event_id);
    found.unwrap().into_iter().map(line).collect()
}

#[tokio::test]
async fn what_was_contradicted_or_came_again_otherwise_needs_attention_until_somebody_has_looked() {
    let Some(emulator) = Emulator::start().await else {
        eprintln!("not run: PAYHOOK_EMULATOR_PYTHON is not set");
        return;
    };
    let client = emulator.payments_table(TABLE).await;
    let store = DynamoStore::new(client.clone(), TABLE);
    let all = ["agreed", "contradicted", "again", "failed", "stuck", "new"];
    let all: Vec<_> = (0..)
        .zip(all)
        .map(|(minute, id)| event("stripe", id, minute))
        .collect();
    for item in &all {
        store_once(&store, item.clone()).await.unwrap();
    }
    let key = |id: &str| &all.iter().find(|event| event.event_id == id).unwrap().key;
    settle(&store, key("agreed"), processed()).await;
    settle(&store, key("contradicted"), contradicted()).await;
    settle(&store, key("again"), processed()).await;
    fail(&client, key("failed"), arrival(30)).await;
    let mut other = all[2].clone();
    other.body_digest = "another".into();
    other.received_at = arrival(9);
    let Stored::Conflict(first) = store_once(&store, other.clone()).await.unwrap() else {
        panic!("the same id with another content");
    };
    let conflict = Conflict::new(&other, first);
    for _ in 0..2 {
        store.record(&conflict).await.unwrap();
    }
    let conflicts = store.conflicts(&first_of(&all[2])).await.unwrap();
    assert_eq!(conflicts.len(), 1, "the same content is one conflict");
    assert_eq!(conflicts[0].key(), conflict.key());

    let open = [
        "mismatch contradicted",
        "conflict again",
        "failed failed",
        "received stuck",
    ];
    assert_eq!(attention(&store, 6).await, open);
    let kept = store.find("contradicted").await.unwrap().remove(0);
    let End::Processed { mismatch, .. } = contradicted() else {
        unreachable!()
    };
    assert_eq!((kept.mismatch, kept.resolved), (mismatch, None));
    assert!(
        store
            .unsettled(&Search::default())
            .await
            .unwrap()
            .iter()
            .all(|event| event.mismatch.is_none()),
        "what is processed is never replayed"
    );

    let resolved = Resolved {
        at: arrival(60),
        note: "a late webhook".into(),
    };
    for (key, is_resolved) in [
        (key("contradicted"), true),
        (key("contradicted"), false),
        (&conflict.key(), true),
        (key("failed"), false),
        (key("stuck"), false),
        (key("agreed"), false),
    ] {
        assert_eq!(
            store.resolve(key, &resolved).await.unwrap(),
            is_resolved,
            "{key:?}"
        );
    }
    assert_eq!(
        attention(&store, 6).await,
        ["failed failed", "received stuck"]
    );
    let kept = store.find("contradicted").await.unwrap().remove(0);
    assert_eq!(kept.resolved.as_ref(), Some(&resolved));
    assert!(kept.mismatch.is_some(), "what differed stays on record");
    let conflicts = store.conflicts(&first_of(&all[2])).await.unwrap();
    assert_eq!(conflicts[0].resolved, Some(resolved));
    store.record(&conflict).await.unwrap();
    assert_eq!(
        attention(&store, 6).await.len(),
        2,
        "the same content again is known"
    );
}

fn first_of(event: &EventItem) -> String {
    event.key.payment_id.clone()
}

fn processed() -> End {
    End::Processed {
        status: Status::Succeeded,
        outcome_id: "o-1".into(),
        mismatch: None,
    }
}

async fn unsettled(store: &DynamoStore, search: Search) -> Vec<String> {
    let events = store.unsettled(&search).await.unwrap();
    assert!(events.iter().all(|event| event.body.is_none()));
    events.into_iter().map(|event| event.event_id).collect()
}

fn with(processing: Processing) -> Search {
    Search {
        processing: Some(processing),
        ..Search::default()
    }
}

#[tokio::test]
async fn the_index_holds_what_is_not_settled_and_lists_it_by_state_provider_and_time() {
    let Some(emulator) = Emulator::start().await else {
        eprintln!("not run: PAYHOOK_EMULATOR_PYTHON is not set");
        return;
    };
    let client = emulator.payments_table(TABLE).await;
    let store = DynamoStore::new(client.clone(), TABLE);
    let all = [
        ("stripe", "waits", 0),
        ("stripe", "done", 1),
        ("stripe", "failed", 2),
        ("adyen", "ignored", 3),
        ("adyen", "waits-too", 4),
        ("stripe", "failed-then-done", 5),
    ]
    .map(|(provider, id, minute)| event(provider, id, minute));
    for item in &all {
        store_once(&store, item.clone()).await.unwrap();
    }
    let key = |id: &str| &all.iter().find(|event| event.event_id == id).unwrap().key;
    assert_eq!(
        store.open(&Search::default()).await.unwrap().len(),
        all.len()
    );
    settle(&store, key("done"), processed()).await;
    settle(&store, key("ignored"), End::Ignored(None)).await;
    for id in ["failed", "failed-then-done"] {
        fail(&client, key(id), arrival(30)).await;
    }
    settle(&store, key("failed-then-done"), processed()).await;

    assert_eq!(
        unsettled(&store, Search::default()).await,
        ["waits", "failed", "waits-too"]
    );
    assert_eq!(
        unsettled(&store, with(Processing::Received)).await,
        ["waits", "waits-too"]
    );
    assert_eq!(
        unsettled(&store, with(Processing::Failed)).await,
        ["failed"]
    );
    assert_eq!(
        unsettled(&store, with(Processing::Processed)).await,
        [""; 0]
    );
    let of_adyen = Search {
        provider: Some("adyen".into()),
        ..Search::default()
    };
    assert_eq!(unsettled(&store, of_adyen).await, ["waits-too"]);
    for (processing, from, to, expected) in [
        (Processing::Received, 1, 9, "waits-too"),
        (Processing::Received, 0, 4, "waits"),
        // It failed half an hour after it arrived.
        (Processing::Failed, 2, 3, "failed"),
    ] {
        let search = Search {
            from: Some(arrival(from)),
            to: Some(arrival(to)),
            ..with(processing)
        };
        assert_eq!(unsettled(&store, search).await, [expected]);
    }
    let open = store.open(&with(Processing::Failed)).await.unwrap();
    assert_eq!((open.len(), open[0].since), (1, arrival(30)));
}

#[tokio::test]
async fn an_event_is_found_by_its_id_alone_and_a_scan_ends_where_it_is_told_to() {
    let Some(emulator) = Emulator::start().await else {
        eprintln!("not run: PAYHOOK_EMULATOR_PYTHON is not set");
        return;
    };
    let client = emulator.payments_table(TABLE).await;
    let store = DynamoStore::new(client, TABLE);
    // More than one page of DynamoDB, which ends at 1 MB.
    let noise: String = (0..5_000_u32)
        .map(|i| payments::store::sha256_hex(&i.to_be_bytes()))
        .collect();
    for number in 0..8 {
        let id = format!("evt_{number}");
        let body = Packed::new("stripe", &id, noise.as_bytes());
        let item = event("stripe", &id, number).with_body(&body).unwrap();
        store_once(&store, item).await.unwrap();
    }
    store_once(&store, event("adyen", "evt_7", 9))
        .await
        .unwrap();

    let found = store.find("evt_3").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key.payment_id, "stripe:of_evt_3");
    let mut both = store.find("evt_7").await.unwrap();
    both.sort_by_key(|event| event.provider.clone());
    assert_eq!(
        both.iter().map(|e| &*e.provider).collect::<Vec<_>>(),
        ["adyen", "stripe"]
    );
    assert_eq!(store.find("evt_9").await.unwrap(), []);

    let whole = store.scan(&Search::default(), 1_000).await.unwrap();
    // Every event has a marker beside it.
    assert_eq!(
        (whole.events.len(), whole.read, whole.is_whole),
        (9, 18, true)
    );
    let stopped = store.scan(&Search::default(), 1).await.unwrap();
    assert!(!stopped.is_whole && stopped.read < 18 && stopped.events.len() < 9);
}
