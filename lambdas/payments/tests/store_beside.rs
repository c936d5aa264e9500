//! What every payments table does beside storing events and heads, in memory and in DynamoDB.
//!
//! The part on DynamoDB needs the local emulator: set PAYHOOK_EMULATOR_PYTHON to a Python that has ministack.

mod emulator;

use std::sync::Arc;

use emulator::Emulator;
use jiff::{SignedDuration, Timestamp};
use payments::event::{PaymentEvent, Status};
use payments::store::{
    DynamoStore, End, EventItem, Finish, Ignored, Lease, MemoryStore, Processing, Store, sha256_hex,
};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn event(id: &str, payment: &str) -> EventItem {
    let event = PaymentEvent {
        provider: "stripe",
        event_id: format!("{id} of {payment}"),
        event_type: "payment_intent.succeeded".into(),
        occurred_ms: Some(1_000),
        provider_payment_id: payment.into(),
        money: None,
        claimed: Some(Status::Succeeded),
        signed: true,
        common_digest: None,
    };
    EventItem {
        body_digest: sha256_hex(id.as_bytes()),
        ..EventItem::new(event, now())
    }
}

async fn conforms(store: Arc<dyn Store>) {
    says_why_an_event_moved_no_payment(&*store).await;
    reads_a_list_forwards_only(&*store).await;
    ends_at_the_furthest_place_that_many_move_to_at_once(store.clone()).await;
}

async fn says_why_an_event_moved_no_payment(store: &dyn Store) {
    for why in Ignored::ALL.into_iter().map(Some).chain([None]) {
        let payment = format!("ignored {why:?}");
        let item = EventItem {
            told_by: Some("evt_0".into()),
            ..event("evt_1", &payment)
        };
        store.insert(&item).await.unwrap();
        let lease = Lease {
            owner: "a".into(),
            now: now(),
            until: now() + SignedDuration::from_secs(60),
        };
        store.lease(&item.key, &lease).await.unwrap();
        let finish = Finish {
            at: now(),
            end: End::Ignored(why),
        };
        assert!(store.finish(&item.key, "a", &finish).await.unwrap());
        let done = store.events(&item.key.payment_id).await.unwrap().remove(0);
        assert_eq!((done.processing, done.ignored), (Processing::Ignored, why));
        assert_eq!(done.told_by.as_deref(), Some("evt_0"));
    }
}

async fn reads_a_list_forwards_only(store: &dyn Store) {
    assert_eq!(store.cursor("plaid").await.unwrap(), None);
    for (to, moved, place) in [
        (5, true, 5),
        (5, false, 5),
        (3, false, 5),
        (u64::MAX, true, u64::MAX),
    ] {
        assert_eq!(store.advance("plaid", to).await.unwrap(), moved, "{to}");
        assert_eq!(store.cursor("plaid").await.unwrap(), Some(place), "{to}");
    }
    assert_eq!(store.cursor("another").await.unwrap(), None);
}

async fn ends_at_the_furthest_place_that_many_move_to_at_once(store: Arc<dyn Store>) {
    let mut moves = tokio::task::JoinSet::new();
    for place in 1..=30_u64 {
        let store = store.clone();
        moves.spawn(async move { store.advance("busy", place * 7 % 31).await.unwrap() });
    }
    moves.join_all().await;
    assert_eq!(store.cursor("busy").await.unwrap(), Some(30));
}

#[tokio::test]
async fn the_table_in_memory_conforms() {
    conforms(Arc::new(MemoryStore::default())).await;
}

#[tokio::test]
async fn the_table_in_dynamodb_conforms() {
    const TABLE: &str = "payments-test";
    let Some(emulator) = Emulator::start().await else {
        eprintln!("not run: PAYHOOK_EMULATOR_PYTHON is not set");
        return;
    };
    let client = emulator.payments_table(TABLE).await;
    conforms(Arc::new(DynamoStore::new(client, TABLE))).await;
}
