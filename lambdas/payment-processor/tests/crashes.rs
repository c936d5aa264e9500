//! A run may stop after any call it makes; the next run completes it.

mod support;

use std::sync::atomic::Ordering;

use payments::confirm::Confirmed;
use payments::event::Status;
use payments::head::Head;
use payments::outcome::Outcome;
use payments::store::{EventItem, Inserted, Key, Processing, Store};
use support::*;

/// What must be the same however often a run was interrupted.
#[derive(Debug, PartialEq)]
struct End {
    item: EventItem,
    head: Option<Head>,
    outcomes: Vec<Outcome>,
}

async fn end(bench: &Bench, key: &Key) -> End {
    let mut outcomes = bench.outcomes();
    outcomes.dedup();
    let item = EventItem {
        processed_at: None,
        ..bench.item(key).await
    };
    let head = bench.table.head(&key.payment_id).await.unwrap();
    End {
        item,
        head: head.map(|head| Head {
            updated_at: start(),
            ..head
        }),
        outcomes,
    }
}

/// A payment that is authorised already, and the event that is about to be processed.
async fn prepared(confirm: bool, status: Option<Status>) -> (Bench, Key) {
    let answer = Confirmed {
        status: Status::Succeeded,
        amount: Some(eur(1999)),
    };
    let bench = if confirm {
        Bench::confirmed(vec![Ok(Some(answer))])
    } else {
        Bench::new()
    };
    for item in [
        event("evt_0", "pi_1", Some(Status::Authorised), 1_000),
        event("evt_1", "pi_1", status, 2_000),
    ] {
        assert_eq!(bench.table.insert(&item).await.unwrap(), Inserted::New);
    }
    bench
        .run(
            &Key {
                payment_id: "stripe:pi_1".into(),
                timestamp: 1_000,
            },
            "first",
        )
        .await
        .unwrap();
    (
        bench,
        Key {
            payment_id: "stripe:pi_1".into(),
            timestamp: 2_000,
        },
    )
}

#[tokio::test]
async fn a_run_killed_after_any_call_is_completed_by_a_retry_of_its_execution() {
    for (confirm, status) in [
        (false, Some(Status::Succeeded)),
        (true, Some(Status::Succeeded)),
        (true, Some(Status::Failed)),
        (false, None),
    ] {
        let (bench, key) = prepared(confirm, status).await;
        let answer = bench.run(&key, "arn:e1").await.unwrap();
        let expected = end(&bench, &key).await;
        assert!(expected.item.processing.is_final());
        let mut call = 1;
        loop {
            let (bench, key) = prepared(confirm, status).await;
            if !bench.killed_after(call, &key, "arn:e1").await {
                break;
            }
            assert_eq!(
                bench.run(&key, "arn:e1").await.unwrap(),
                answer,
                "after call {call}"
            );
            assert_eq!(end(&bench, &key).await, expected, "after call {call}");
            assert!(
                bench.outcomes().len() <= 3,
                "published at most once again, after call {call}"
            );
            call += 1;
        }
        assert!(
            call >= if status.is_some() { 6 } else { 3 },
            "only {call} calls were cut"
        );
    }
}

#[tokio::test]
async fn a_run_killed_after_any_call_is_completed_by_another_execution_once_the_lease_is_over() {
    let (bench, key) = prepared(true, Some(Status::Succeeded)).await;
    bench.run(&key, "arn:e1").await.unwrap();
    let expected = end(&bench, &key).await;
    let mut call = 1;
    loop {
        let (bench, key) = prepared(true, Some(Status::Succeeded)).await;
        if !bench.killed_after(call, &key, "arn:e1").await {
            break;
        }
        let at_once = bench.run(&key, "arn:e2").await;
        let marked = bench.item(&key).await.processing == Processing::Processed;
        match at_once {
            Ok(_) => assert!(marked, "after call {call}"),
            Err(failure) => assert_eq!(
                (failure.error_type(), marked),
                ("Transient", false),
                "after call {call}"
            ),
        }
        bench.seconds.store(61, Ordering::SeqCst);
        bench.run(&key, "arn:e2").await.unwrap();
        assert_eq!(end(&bench, &key).await, expected, "after call {call}");
        call += 1;
    }
    assert!(call >= 6);
}

#[tokio::test]
async fn a_run_killed_twice_at_any_two_calls_is_completed_all_the_same() {
    let (bench, key) = prepared(true, Some(Status::Succeeded)).await;
    bench.run(&key, "arn:e1").await.unwrap();
    let expected = end(&bench, &key).await;
    for first in 1..=7 {
        for second in 1..=7 {
            let (bench, key) = prepared(true, Some(Status::Succeeded)).await;
            bench.killed_after(first, &key, "arn:e1").await;
            bench.killed_after(second, &key, "arn:e1").await;
            bench.run(&key, "arn:e1").await.unwrap();
            assert_eq!(
                end(&bench, &key).await,
                expected,
                "after calls {first} and {second}"
            );
        }
    }
}

#[tokio::test]
async fn a_processed_event_that_comes_again_changes_nothing_and_answers_the_same() {
    let (bench, key) = prepared(false, Some(Status::Succeeded)).await;
    let answer = bench.run(&key, "arn:e1").await.unwrap();
    let (item, outcomes) = (bench.item(&key).await, bench.outcomes());
    bench.seconds.store(1_000_000, Ordering::SeqCst);
    for execution in ["arn:e1", "arn:e2"] {
        assert_eq!(bench.run(&key, execution).await.unwrap(), answer);
    }
    assert_eq!((bench.item(&key).await, bench.outcomes()), (item, outcomes));
}
