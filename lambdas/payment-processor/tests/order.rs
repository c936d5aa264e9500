//! Whatever order, repetition and interleaving events are stored and processed in, the end is the same.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use payment_processor::Invocation;
use payments::event::Status;
use payments::head::{Change, Head};
use payments::outcome::outcome_id;
use payments::store::{EventItem, Processing, Store, Stored, store_once};
use proptest::prelude::*;
use support::*;

/// Distinct events of up to three payments, many of them in the same millisecond, and their shuffled deliveries.
fn deliveries() -> impl Strategy<Value = (Vec<EventItem>, Vec<EventItem>)> {
    let status = proptest::option::weighted(0.9, proptest::sample::select(&Status::ALL[..]));
    let one = (0..3_usize, status, 1..5_i64, 0..3_u8);
    proptest::collection::vec(one, 1..12).prop_flat_map(|events| {
        let events: Vec<_> = events
            .into_iter()
            .enumerate()
            .map(|(number, (payment, status, at, _))| {
                event(
                    &format!("evt_{number}"),
                    &format!("pi_{payment}"),
                    status,
                    at,
                )
            })
            .collect();
        let twice: Vec<_> = events.iter().chain(&events).cloned().collect();
        (Just(events), Just(twice).prop_shuffle())
    })
}

/// The heads that the events give when they are processed one by one in order of their time.
fn in_order(events: &[EventItem]) -> BTreeMap<String, Head> {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| event.occurred_ms);
    let mut heads: BTreeMap<String, Head> = BTreeMap::new();
    for event in sorted {
        let Some(status) = event.event_status else {
            continue;
        };
        let change = Change {
            event_id: event.event_id,
            status,
            occurred_at: event.occurred_ms.unwrap(),
            money: event.money,
        };
        if let Some(next) = Head::after(heads.get(&event.key.payment_id), &change, start()) {
            heads.insert(event.key.payment_id, next);
        }
    }
    heads
}

/// Stores and processes one delivery as the pipe and the state machine would: again while the failure is transient.
async fn deliver(bench: Arc<Bench>, steps: Arc<Steps>, number: usize, item: EventItem) {
    let (_, mut processor) = bench.processor(Steps::default());
    processor.store = Arc::new(SteppedStore {
        inner: bench.table.clone(),
        steps,
    });
    let key = match store_once(processor.store.as_ref(), item).await.unwrap() {
        Stored::New(key) | Stored::Duplicate(key) => key,
        Stored::Conflict(key) => panic!("no conflict is possible, but {key:?}"),
    };
    let execution = format!("arn:e{number}");
    while let Err(failure) = processor
        .process(&payload(&key, &execution), Invocation::default())
        .await
    {
        assert_eq!(failure.error_type(), "Transient", "{failure}");
        tokio::task::yield_now().await;
    }
}

async fn check(events: Vec<EventItem>, deliveries: Vec<EventItem>, seed: u64) {
    let (bench, steps) = (Arc::new(Bench::new()), Arc::new(Steps::yielding(seed)));
    let mut running = tokio::task::JoinSet::new();
    for (number, item) in deliveries.into_iter().enumerate() {
        running.spawn(deliver(bench.clone(), steps.clone(), number, item));
    }
    running.join_all().await;

    let items = bench.table.all_events();
    let ids: BTreeSet<_> = items.iter().map(|item| item.event_id.clone()).collect();
    assert_eq!(
        (items.len(), ids.len()),
        (events.len(), events.len()),
        "one item per event"
    );
    for item in &items {
        let expected = if item.event_status.is_some() {
            Processing::Processed
        } else {
            Processing::Ignored
        };
        assert_eq!(item.processing, expected);
    }
    let expected: BTreeSet<_> = events
        .iter()
        .filter(|event| event.event_status.is_some())
        .map(|event| outcome_id("stripe", &event.event_id))
        .collect();
    let outcomes = bench.outcomes();
    let published: BTreeSet<_> = outcomes
        .iter()
        .map(|outcome| outcome.outcome_id.clone())
        .collect();
    assert_eq!(
        (outcomes.len(), published),
        (expected.len(), expected),
        "one outcome per event"
    );
    for (payment, expected) in in_order(&events) {
        let head = bench.table.head(&payment).await.unwrap().unwrap();
        assert_eq!(
            (head.status(), head.watermark(), head.amount),
            (expected.status(), expected.watermark(), expected.amount)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_order_repetition_and_interleaving_gives_one_item_and_one_outcome_per_event_and_the_heads_of_processing_in_order(
        (events, deliveries) in deliveries(), seed in any::<u64>()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(events, deliveries, seed));
    }
}

#[test]
fn fifty_executions_of_one_event_at_once_publish_one_outcome() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let one = event("evt_1", "pi_1", Some(Status::Succeeded), 1_000);
    for seed in 0..20 {
        runtime.block_on(check(vec![one.clone()], vec![one.clone(); 50], seed));
    }
}
