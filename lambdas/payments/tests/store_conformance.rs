//! What every payments table does, in memory and in DynamoDB.
//!
//! The part on DynamoDB needs the local emulator: set PAYHOOK_EMULATOR_PYTHON to a Python that has ministack.

mod emulator;

use std::collections::BTreeMap;
use std::sync::Arc;

use emulator::Emulator;
use jiff::{SignedDuration, Timestamp};
use payments::event::Status;
use payments::head::Head;
use payments::money::{Currency, Money};
use payments::store::{
    DynamoStore, End, EventItem, Finish, Inserted, Key, Lease, Leased, Marker, MemoryStore, Packed,
    Processing, Store, Stored, Timeline, store_once,
};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// An event whose id is its own payment's, so that the tests of one table do not meet.
fn event(id: &str, payment: &str, at: i64) -> EventItem {
    let id = format!("{id} of {payment}");
    let item = EventItem {
        key: Key {
            payment_id: payment.into(),
            timestamp: at,
        },
        provider: "stripe".into(),
        event_id: id.clone(),
        event_type: "payment_intent.succeeded".into(),
        body_digest: String::new(),
        common_digest: None,
        occurred_ms: Some(at),
        event_status: Some(Status::Succeeded),
        money: Some(Money {
            minor: -1999,
            currency: Currency::parse("KWD").unwrap(),
            exponent: 3,
        }),
        provider_payment_id: "pi_1".into(),
        received_at: now(),
        signed: true,
        trace_id: Some("1-5759e988-bd862e3fe1be46a994272793".into()),
        expires_at: Some(now()),
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
    item.with_body(&packed(id.as_bytes())).unwrap()
}

fn packed(raw: &[u8]) -> Packed {
    Packed::new("stripe", "evt_1", raw)
}

fn without_body(item: &EventItem) -> EventItem {
    EventItem {
        body: None,
        ..item.clone()
    }
}

fn lease(owner: &str, after_seconds: i64) -> Lease {
    let now = now() + SignedDuration::from_secs(after_seconds);
    Lease {
        owner: owner.into(),
        now,
        until: now + SignedDuration::from_secs(60),
    }
}

async fn conforms(store: Arc<dyn Store>) {
    stores_every_attribute(&*store).await;
    stores_each_event_once(&*store).await;
    knows_an_event_by_its_id_wherever_it_comes_again(&*store).await;
    survives_fifty_deliveries_at_once(store.clone()).await;
    leases_to_one_owner_at_a_time(&*store).await;
    finishes_only_for_the_owner(&*store).await;
    creates_nothing_but_by_insert(&*store).await;
    moves_a_head_by_one_version_at_a_time(&*store).await;
    shows_a_long_timeline_without_bodies(&*store).await;
}

async fn stores_every_attribute(store: &dyn Store) {
    let full = event("evt_full", "stripe:full", 5);
    let bare = EventItem {
        money: None,
        occurred_ms: None,
        event_status: None,
        trace_id: None,
        expires_at: None,
        signed: false,
        ..event("evt_bare", "stripe:full", 6)
    };
    for item in [&full, &bare] {
        assert_eq!(store.insert(item).await.unwrap(), Inserted::New);
        let marker = Marker {
            key: item.key.clone(),
            digest: item.identity().to_owned(),
        };
        assert_eq!(store.insert(item).await.unwrap(), Inserted::Known(marker));
        let other = EventItem {
            event_id: "evt_other".into(),
            ..item.clone()
        };
        assert_eq!(
            store.insert(&other).await.unwrap(),
            Inserted::KeyTaken(Box::new(item.clone())),
            "the item that is there, with its body"
        );
    }
    assert_eq!(
        store.events("stripe:full").await.unwrap(),
        [without_body(&full), without_body(&bare)]
    );
}

async fn stores_each_event_once(store: &dyn Store) {
    let key = |timestamp| Key {
        payment_id: "stripe:once".into(),
        timestamp,
    };
    let (first, second) = (
        event("evt_1", "stripe:once", 1_000),
        event("evt_2", "stripe:once", 1_000),
    );
    assert_eq!(
        store_once(store, first.clone()).await.unwrap(),
        Stored::New(key(1_000))
    );
    assert_eq!(
        store_once(store, second.clone()).await.unwrap(),
        Stored::New(key(1_001))
    );
    assert_eq!(
        store_once(store, first.clone()).await.unwrap(),
        Stored::Duplicate(key(1_000))
    );
    assert_eq!(
        store_once(store, second.clone()).await.unwrap(),
        Stored::Duplicate(key(1_001))
    );
    let other_body = second.with_body(&packed(b"another body")).unwrap();
    assert_eq!(
        store_once(store, other_body).await.unwrap(),
        Stored::Conflict(key(1_001))
    );
    assert_eq!(store.events("stripe:once").await.unwrap().len(), 2);
}

async fn knows_an_event_by_its_id_wherever_it_comes_again(store: &dyn Store) {
    let first = event("evt_1", "stripe:known", 1_000);
    let moved = |payment: &str, at| EventItem {
        key: Key {
            payment_id: payment.into(),
            timestamp: at,
        },
        ..first.clone()
    };
    let there = first.key.clone();
    assert_eq!(
        store_once(store, first.clone()).await.unwrap(),
        Stored::New(there.clone())
    );
    for elsewhere in [
        moved("stripe:known", 9_000),
        moved("stripe:unknown", 1_000),
        moved("stripe:unknown", 5),
    ] {
        let other = elsewhere
            .clone()
            .with_body(&packed(b"another body"))
            .unwrap();
        assert_eq!(
            store_once(store, elsewhere).await.unwrap(),
            Stored::Duplicate(there.clone())
        );
        assert_eq!(
            store_once(store, other).await.unwrap(),
            Stored::Conflict(there.clone())
        );
    }
    let of_another_provider = EventItem {
        provider: "adyen".into(),
        ..moved("adyen:known", 1_000)
    };
    let key = of_another_provider.key.clone();
    assert_eq!(
        store_once(store, of_another_provider).await.unwrap(),
        Stored::New(key)
    );
    assert_eq!(store.events("stripe:known").await.unwrap().len(), 1);
    assert_eq!(store.events("stripe:unknown").await.unwrap(), []);
}

async fn survives_fifty_deliveries_at_once(store: Arc<dyn Store>) {
    let mut deliveries = tokio::task::JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        // Two different events of the same instant, each delivered many times.
        let item = event(
            if number % 2 == 0 { "evt_a" } else { "evt_b" },
            "stripe:burst",
            1_000,
        );
        deliveries.spawn(async move { store_once(&*store, item).await.unwrap() });
    }
    let stored = deliveries.join_all().await;
    assert_eq!(
        stored
            .iter()
            .filter(|one| matches!(one, Stored::New(_)))
            .count(),
        2
    );
    assert_eq!(
        stored
            .iter()
            .filter(|one| matches!(one, Stored::Duplicate(_)))
            .count(),
        48
    );
    assert_eq!(store.events("stripe:burst").await.unwrap().len(), 2);
}

async fn leases_to_one_owner_at_a_time(store: &dyn Store) {
    let item = event("evt_1", "stripe:lease", 1_000);
    store.insert(&item).await.unwrap();
    let taken =
        |leased| matches!(leased, Leased::Taken(event) if event.event_id.starts_with("evt_1"));
    assert!(taken(store.lease(&item.key, &lease("a", 0)).await.unwrap()));
    assert!(matches!(
        store.lease(&item.key, &lease("b", 59)).await.unwrap(),
        Leased::Held
    ));
    assert!(
        taken(store.lease(&item.key, &lease("a", 59)).await.unwrap()),
        "the owner may take it again"
    );
    store.release(&item.key, "b").await.unwrap();
    assert!(matches!(
        store.lease(&item.key, &lease("b", 100)).await.unwrap(),
        Leased::Held
    ));
    assert!(
        taken(store.lease(&item.key, &lease("b", 119)).await.unwrap()),
        "the lease is over"
    );
    store.release(&item.key, "b").await.unwrap();
    assert!(
        taken(store.lease(&item.key, &lease("c", 120)).await.unwrap()),
        "the lease was given back"
    );
}

async fn finishes_only_for_the_owner(store: &dyn Store) {
    let item = event("evt_1", "stripe:finish", 1_000);
    store.insert(&item).await.unwrap();
    let finish = Finish {
        at: now(),
        end: End::Processed {
            status: Status::Refunded,
            outcome_id: "outcome-1".to_owned(),
            mismatch: None,
        },
    };
    assert!(
        !store.finish(&item.key, "a", &finish).await.unwrap(),
        "nobody has the lease"
    );
    store.lease(&item.key, &lease("a", 0)).await.unwrap();
    assert!(!store.finish(&item.key, "b", &finish).await.unwrap());
    assert!(store.finish(&item.key, "a", &finish).await.unwrap());
    let Leased::Finished(done) = store.lease(&item.key, &lease("b", 1_000)).await.unwrap() else {
        panic!("a processed event needs no lease");
    };
    assert_eq!(
        (done.processing, done.status),
        (Processing::Processed, Some(Status::Refunded))
    );
    assert_eq!(
        (done.outcome_id.as_deref(), done.processed_at),
        (Some("outcome-1"), Some(now()))
    );
    assert_eq!(
        store_once(store, item.clone()).await.unwrap(),
        Stored::Duplicate(item.key)
    );
}

async fn creates_nothing_but_by_insert(store: &dyn Store) {
    let key = Key {
        payment_id: "stripe:nothing".into(),
        timestamp: 1,
    };
    let finish = Finish {
        at: now(),
        end: End::Ignored(None),
    };
    assert!(matches!(
        store.lease(&key, &lease("a", 0)).await.unwrap(),
        Leased::Missing
    ));
    store.release(&key, "a").await.unwrap();
    assert!(!store.finish(&key, "a", &finish).await.unwrap());
    assert!(store.head("stripe:nothing").await.unwrap().is_none());
    assert_eq!(store.events("stripe:nothing").await.unwrap(), []);
}

async fn moves_a_head_by_one_version_at_a_time(store: &dyn Store) {
    let head = |version, at| Head {
        latest: BTreeMap::from([(Status::Pending, 1), (Status::PartiallyRefunded, at)]),
        amount: Some((
            7,
            Money {
                minor: 1,
                currency: Currency::parse("EUR").unwrap(),
                exponent: 2,
            },
        )),
        last_event_id: "evt_1".into(),
        previous: (version > 1).then_some(Status::Pending),
        version,
        updated_at: now(),
    };
    let payment = "stripe:head";
    assert!(store.put_head(payment, &head(1, 2)).await.unwrap());
    assert!(
        !store.put_head(payment, &head(1, 3)).await.unwrap(),
        "somebody was first"
    );
    assert_eq!(store.head(payment).await.unwrap(), Some(head(1, 2)));
    assert!(
        !store.put_head(payment, &head(3, 3)).await.unwrap(),
        "a version is missing"
    );
    assert!(store.put_head(payment, &head(2, 3)).await.unwrap());
    assert!(!store.put_head(payment, &head(2, 4)).await.unwrap());
    assert_eq!(store.head(payment).await.unwrap(), Some(head(2, 3)));
    assert_eq!(
        store.events(payment).await.unwrap(),
        [],
        "a head is not an event"
    );
    let key = Key {
        payment_id: payment.into(),
        timestamp: 0,
    };
    assert!(
        matches!(
            store.lease(&key, &lease("a", 0)).await.unwrap(),
            Leased::Missing
        ),
        "nor can it be leased"
    );
}

async fn shows_a_long_timeline_without_bodies(store: &dyn Store) {
    // More than one page of DynamoDB, which ends at 1 MB.
    let noise: String = (0..5_000_u32)
        .map(|i| payments::store::sha256_hex(&i.to_be_bytes()))
        .collect();
    let large = |id: &str, at| {
        event(id, "stripe:long", at)
            .with_body(&packed(noise.as_bytes()))
            .unwrap()
    };
    for (number, at) in [3_000, 1_000, 2_000, 2_000, 5_000, 4_000, 6_000, 7_000]
        .into_iter()
        .enumerate()
    {
        store_once(store, large(&format!("evt_{number}"), at))
            .await
            .unwrap();
    }
    let timeline = Timeline::read(store, "stripe:long").await.unwrap();
    let order: Vec<_> = timeline
        .events
        .iter()
        .filter_map(|event| event.event_id.strip_suffix(" of stripe:long"))
        .collect();
    assert_eq!(
        order,
        [
            "evt_1", "evt_2", "evt_3", "evt_0", "evt_5", "evt_4", "evt_6", "evt_7"
        ]
    );
    assert!(timeline.events.iter().all(|event| event.body.is_none()));
    assert!(
        timeline
            .event("evt_5 of stripe:long")
            .is_some_and(|event| !event.is_settled())
    );
}

#[tokio::test]
async fn the_table_in_memory_conforms() {
    conforms(Arc::new(MemoryStore::default())).await;
}

#[tokio::test]
async fn the_table_in_dynamodb_conforms() {
    let Some(emulator) = Emulator::start().await else {
        eprintln!("not run: PAYHOOK_EMULATOR_PYTHON is not set");
        return;
    };
    let client = emulator.payments_table("payments-test").await;
    conforms(Arc::new(DynamoStore::new(client, "payments-test"))).await;
}
