//! A webhook that tells only that the provider's list of events has grown: each event of the list is stored once, goes the
//! way of every other event, and none is passed over wherever a run stops.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use payment_processor::Invocation;
use payments::confirm::GatewayError;
use payments::event::Status;
use payments::store::{Body, EventItem, Ignored, Inserted, Key, Processing, Store, open};
use support::list::{List, listed};
use support::*;

fn notice(id: &str) -> EventItem {
    let mut item = event(id, "transfer-events", None, 1_000);
    item.provider = "plaid".into();
    item.key.payment_id = "plaid:transfer-events".into();
    item.event_type = "TRANSFER.TRANSFER_EVENTS_UPDATE".into();
    item.signed = false;
    item.money = None;
    item
}

async fn bench(list: Arc<List>, notices: &[&str]) -> (Bench, Vec<Key>) {
    let bench = Bench {
        list: Some(list),
        ..Bench::new()
    };
    let mut keys = Vec::new();
    for (number, id) in notices.iter().enumerate() {
        let mut item = notice(id);
        item.key.timestamp += number as i64;
        assert_eq!(bench.table.insert(&item).await.unwrap(), Inserted::New);
        keys.push(item.key);
    }
    (bench, keys)
}

/// Ids of the events that came from the list, in order of their keys.
fn ids(bench: &Bench) -> Vec<String> {
    let all = bench.table.all_events().into_iter();
    let of_list = all.filter(|item| item.key.payment_id != "plaid:transfer-events");
    of_list.map(|item| item.event_id).collect()
}

fn is_each_once(bench: &Bench, events: u64) {
    let ids = ids(bench);
    let different: BTreeSet<u64> = ids.iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.len(), different.len(), "each is one item");
    assert_eq!(different, (1..=events).collect(), "and none is missing");
}

async fn cursor(bench: &Bench) -> Option<u64> {
    bench.table.cursor("plaid").await.unwrap()
}

/// Runs an execution for every event that none has settled, as the stream would, until nothing is left.
async fn settle_all(bench: &Bench) {
    loop {
        let all = bench.table.all_events();
        let open: Vec<_> = all
            .iter()
            .filter(|item| !item.processing.is_final())
            .collect();
        if open.is_empty() {
            return;
        }
        for item in open {
            bench
                .run(&item.key, &format!("arn:{}", item.event_id))
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn each_event_of_the_list_is_an_item_of_its_own_with_its_own_outcome() {
    let (bench, keys) = bench(List::of(6, 2), &["n-1"]).await;
    let answer = bench.run(&keys[0], "arn:e1").await.unwrap();
    assert_eq!((answer.processing, answer.status), ("ignored", None));
    let told = bench.item(&keys[0]).await;
    assert_eq!(told.ignored, Some(Ignored::ListRead));
    assert_eq!(cursor(&bench).await, Some(6));
    assert_eq!(bench.outcomes(), [], "the notice itself moves nothing");
    is_each_once(&bench, 6);

    let items = bench.table.events("plaid:t-1").await.unwrap();
    let item = items.iter().find(|item| item.event_id == "5").unwrap();
    assert_eq!(item.told_by.as_deref(), Some("n-1"));
    assert_eq!(item.trace_id, told.trace_id);
    assert_eq!(
        item.expires_at,
        Some(start() + SignedDuration::from_hours(24))
    );
    let all = bench.table.all_events();
    let whole = all.iter().find(|item| item.event_id == "5").unwrap();
    let Some(Body::Inline { gzip, bytes }) = &whole.body else {
        panic!("kept as it was listed");
    };
    assert_eq!(
        open(gzip, *bytes, &whole.body_digest).unwrap(),
        b"{\"event_id\":5}"
    );

    settle_all(&bench).await;
    let outcomes: BTreeSet<_> = bench
        .outcomes()
        .into_iter()
        .map(|one| one.event_id)
        .collect();
    assert_eq!((outcomes.len(), bench.outcomes().len()), (6, 6));
    for transfer in ["plaid:t-0", "plaid:t-1"] {
        let head = bench.table.head(transfer).await.unwrap().unwrap();
        assert_eq!(head.status(), Some(Status::Settled), "{transfer}");
    }
}

#[tokio::test]
async fn a_run_killed_after_any_call_is_completed_by_the_next_and_passes_over_nothing() {
    let mut call = 1;
    loop {
        let (bench, keys) = bench(List::of(150, 7), &["n-1"]).await;
        if !bench.killed_after(call, &keys[0], "arn:e1").await {
            break;
        }
        let stored = ids(&bench).len() as u64;
        assert!(
            cursor(&bench).await.unwrap_or(0) <= stored,
            "after call {call}"
        );
        bench.run(&keys[0], "arn:e1").await.unwrap();
        is_each_once(&bench, 150);
        assert_eq!(cursor(&bench).await, Some(150), "after call {call}");
        call += 1;
    }
    assert!(call > 150, "only {call} calls were cut");
}

#[tokio::test]
async fn two_runs_at_once_store_each_event_once_and_never_take_the_cursor_back() {
    for seed in 0..20 {
        let (bench, keys) = bench(List::of(250, 11), &["n-1", "n-2"]).await;
        let bench = Arc::new(bench);
        let mut running = tokio::task::JoinSet::new();
        for (number, key) in keys.into_iter().enumerate() {
            let (bench, execution) = (bench.clone(), format!("arn:e{number}"));
            running.spawn(async move {
                let (_, processor) = bench.processor(Steps::yielding(seed * 2 + number as u64));
                let payload = payload(&key, &execution);
                processor
                    .process(&payload, Invocation::default())
                    .await
                    .unwrap()
            });
        }
        running.join_all().await;
        is_each_once(&bench, 250);
        assert_eq!(cursor(&bench).await, Some(250), "seed {seed}");
    }
}

#[tokio::test]
async fn a_long_list_is_read_on_by_an_execution_of_its_own() {
    let (bench, keys) = bench(List::of(2_350, 40), &["n-1"]).await;
    bench.run(&keys[0], "arn:e1").await.unwrap();
    assert_eq!(
        cursor(&bench).await,
        Some(1_000),
        "no run reads without end"
    );
    assert_eq!(bench.item(&keys[0]).await.processing, Processing::Ignored);
    let notices = bench.table.events("plaid:transfer-events").await.unwrap();
    let rest = notices
        .iter()
        .find(|item| item.event_id == "after-1000")
        .unwrap();
    assert_eq!(
        (rest.processing, rest.told_by.as_deref()),
        (Processing::Received, Some("n-1"))
    );

    let mut key = rest.key.clone();
    for (place, next) in [(2_000, Some("after-2000")), (2_350, None)] {
        bench.run(&key, &format!("arn:{place}")).await.unwrap();
        assert_eq!(cursor(&bench).await, Some(place));
        let notices = bench.table.events("plaid:transfer-events").await.unwrap();
        let open: Vec<_> = notices
            .iter()
            .filter(|item| !item.processing.is_final())
            .collect();
        assert_eq!(open.first().map(|item| item.event_id.as_str()), next);
        key = open.first().map_or(key, |item| item.key.clone());
    }
    is_each_once(&bench, 2_350);
}

#[tokio::test]
async fn a_list_that_fails_in_the_middle_is_read_on_from_where_it_was_stored() {
    let list = List::of(250, 5);
    *list.failing.lock().unwrap() = vec![None, Some(GatewayError::Busy(429))];
    let (bench, keys) = bench(list.clone(), &["n-1"]).await;
    let failure = bench.run(&keys[0], "arn:e1").await.unwrap_err();
    assert_eq!(failure.error_type(), "Transient");
    assert_eq!(bench.item(&keys[0]).await.processing, Processing::Received);
    assert_eq!(cursor(&bench).await, Some(100));
    bench.run(&keys[0], "arn:e1").await.unwrap();
    assert_eq!(*list.asked.lock().unwrap(), [0, 100, 100, 200]);
    is_each_once(&bench, 250);
}

#[tokio::test]
async fn a_list_without_news_settles_the_notice_and_leaves_the_cursor() {
    let list = List::of(3, 1);
    let (bench, keys) = bench(list.clone(), &["n-1", "n-2"]).await;
    bench.run(&keys[0], "arn:e1").await.unwrap();
    bench.run(&keys[1], "arn:e2").await.unwrap();
    assert_eq!(cursor(&bench).await, Some(3));
    assert_eq!(*list.asked.lock().unwrap(), [0, 3]);
    assert_eq!(bench.item(&keys[1]).await.ignored, Some(Ignored::ListRead));
    is_each_once(&bench, 3);
}

#[tokio::test]
async fn an_event_that_is_listed_with_another_content_is_a_conflict_and_the_first_is_kept() {
    let list = List::of(2, 1);
    let (bench, keys) = bench(list.clone(), &["n-1"]).await;
    let earlier = listed(2, "t-0", Status::Failed);
    let item = EventItem::new(earlier.event, start());
    bench.table.insert(&item).await.unwrap();
    bench.run(&keys[0], "arn:e1").await.unwrap();
    is_each_once(&bench, 2);
    let kept = bench.table.events("plaid:t-0").await.unwrap();
    let kept = kept.iter().find(|item| item.event_id == "2").unwrap();
    assert_eq!(kept.event_status, Some(Status::Failed));
    assert_eq!(cursor(&bench).await, Some(2), "it stops no later event");
    let lines = bench.lines.lock().unwrap().join("\n");
    assert_eq!(lines.matches("\"EventConflict\":1").count(), 1, "{lines}");
    assert_eq!(lines.matches("\"EventListed\":1").count(), 1, "{lines}");
}

#[tokio::test]
async fn a_notice_without_an_api_to_ask_waits_for_a_person() {
    let (mut bench, keys) = bench(List::of(1, 1), &["n-1"]).await;
    bench.list = None;
    let failure = bench.run(&keys[0], "arn:e1").await.unwrap_err();
    assert_eq!(failure.error_type(), "Permanent");
    assert!(failure.to_string().contains("confirm"), "{failure}");
    assert_eq!(bench.item(&keys[0]).await.processing, Processing::Received);
}
