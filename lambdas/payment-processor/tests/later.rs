//! An event that comes again days later, whatever has happened to its payment since.

mod support;

use std::sync::atomic::Ordering;

use payments::event::Status;
use payments::store::{EventItem, Leased, Processing, Store, Stored, store_once};
use support::*;

const DAY: u64 = 24 * 60 * 60;

/// What a repetition must leave as it is.
async fn all(bench: &Bench) -> (Vec<EventItem>, Option<payments::head::Head>, usize) {
    let head = bench.table.head("stripe:pi_1").await.unwrap();
    (bench.table.all_events(), head, bench.outcomes().len())
}

#[tokio::test]
async fn an_event_that_is_delivered_and_executed_again_days_later_changes_nothing() {
    let bench = Bench::new();
    let mut paid = event("evt_1", "pi_1", Some(Status::Succeeded), 1_000);
    paid.expires_at = Some(start() + jiff::SignedDuration::from_hours(35 * 24));
    let refund = event("evt_2", "pi_1", Some(Status::Refunded), 2_000);
    for item in [&paid, &refund] {
        assert!(matches!(
            store_once(&*bench.table, item.clone()).await,
            Ok(Stored::New(_))
        ));
        bench.run(&item.key, "arn:first").await.unwrap();
    }
    let before = all(&bench).await;
    assert_eq!(
        before.1.as_ref().unwrap().status(),
        Some(Status::Refunded),
        "further than the event"
    );
    for days in [1, 3, 7, 30] {
        bench.seconds.store(days * DAY, Ordering::SeqCst);
        let mut again = paid.clone();
        again.received_at = (bench.clock())();
        again.trace_id = None;
        let stored = store_once(&*bench.table, again).await.unwrap();
        assert_eq!(
            stored,
            Stored::Duplicate(paid.key.clone()),
            "after {days} days"
        );
        // The pipe may bring a record again, and an operator may start an execution by hand.
        for execution in ["arn:first", &format!("arn:{days}")] {
            let answer = bench.run(&paid.key, execution).await.unwrap();
            assert_eq!(
                (answer.processing, answer.status),
                ("processed", Some("succeeded"))
            );
        }
        assert_eq!(all(&bench).await, before, "after {days} days");
    }
}

#[tokio::test]
async fn an_event_whose_run_was_killed_is_taken_up_days_later_and_does_not_take_its_payment_back() {
    let bench = Bench::new();
    let paid = event("evt_1", "pi_1", Some(Status::Succeeded), 1_000);
    bench.table.insert(&paid).await.unwrap();
    assert!(
        bench.killed_after(1, &paid.key, "arn:killed").await,
        "it holds the lease"
    );
    let refund = event("evt_2", "pi_1", Some(Status::Refunded), 2_000);
    bench.table.insert(&refund).await.unwrap();
    bench.run(&refund.key, "arn:refund").await.unwrap();
    assert!(
        bench.run(&paid.key, "arn:soon").await.is_err(),
        "while the lease lasts"
    );

    bench.seconds.store(3 * DAY, Ordering::SeqCst);
    let answer = bench.run(&paid.key, "arn:later").await.unwrap();
    assert_eq!(
        (answer.processing, answer.status),
        ("processed", Some("refunded"))
    );
    let outcomes = bench.outcomes();
    assert_eq!(outcomes.len(), 2);
    assert_eq!(
        outcomes[1].status,
        Status::Refunded,
        "what the payment is, not what it was"
    );
    assert_eq!(
        bench.item(&paid.key).await.processing,
        Processing::Processed
    );
    let lease = payments::store::Lease {
        owner: "arn:last".into(),
        now: (bench.clock())(),
        until: (bench.clock())(),
    };
    let leased = bench.table.lease(&paid.key, &lease).await.unwrap();
    assert!(matches!(leased, Leased::Finished(_)));
}
