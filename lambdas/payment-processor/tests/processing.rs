//! What processing does to the payment, and how it fails.

mod support;

use payments::aws::AwsFailure;
use payments::confirm::{Confirmed, GatewayError};
use payments::event::Status;
use payments::outcome::{PublishError, outcome_id};
use payments::store::{EventItem, Inserted, Key, Processing, Store};
use serde_json::json;
use support::*;

async fn stored(bench: &Bench, item: EventItem) -> Key {
    assert_eq!(bench.table.insert(&item).await.unwrap(), Inserted::New);
    item.key
}

fn succeeded() -> EventItem {
    event("evt_1", "pi_1", Some(Status::Succeeded), 1_000)
}

#[tokio::test]
async fn an_event_moves_its_payment_and_publishes_one_outcome() {
    let bench = Bench::new();
    let key = stored(&bench, succeeded()).await;
    let answer = bench.run(&key, "arn:e1").await.unwrap();
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({"paymentId": "stripe:pi_1", "eventId": "evt_1", "status": "succeeded", "processing": "processed"})
    );
    let head = bench.table.head("stripe:pi_1").await.unwrap().unwrap();
    assert_eq!(
        (head.status(), head.watermark(), head.version),
        (Some(Status::Succeeded), 1_000, 1)
    );
    let outcomes = bench.outcomes();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].outcome_id, outcome_id("stripe", "evt_1"));
    assert_eq!(
        (outcomes[0].status, outcomes[0].previous_status),
        (Status::Succeeded, None)
    );
    let item = bench.item(&key).await;
    assert_eq!(
        (item.processing, item.outcome_id),
        (Processing::Processed, Some(outcomes[0].outcome_id.clone()))
    );
}

#[tokio::test]
async fn an_event_without_a_status_is_ignored_without_an_outcome() {
    let bench = Bench::new();
    let key = stored(&bench, event("evt_1", "pi_1", None, 1_000)).await;
    let answer = bench.run(&key, "arn:e1").await.unwrap();
    assert_eq!((answer.processing, answer.status), ("ignored", None));
    assert_eq!(bench.outcomes(), []);
    assert_eq!(bench.table.head("stripe:pi_1").await.unwrap(), None);
}

#[tokio::test]
async fn an_older_event_that_comes_late_does_not_move_the_payment_back() {
    let bench = Bench::new();
    let late = stored(&bench, event("evt_0", "pi_1", Some(Status::Pending), 500)).await;
    let key = stored(&bench, succeeded()).await;
    bench.run(&key, "arn:e1").await.unwrap();
    let answer = bench.run(&late, "arn:e2").await.unwrap();
    assert_eq!(
        (answer.processing, answer.status),
        ("processed", Some("succeeded"))
    );
}

#[tokio::test]
async fn the_gateway_wins_over_an_event_that_claims_more() {
    for (status, amount, wins) in [
        (Status::Failed, None, Status::Failed),
        (Status::Succeeded, Some(eur(1)), Status::Succeeded),
        (Status::Pending, Some(eur(1999)), Status::Pending),
    ] {
        let bench = Bench::confirmed(vec![Ok(Some(Confirmed {
            status,
            amount: amount.clone(),
        }))]);
        let key = stored(&bench, succeeded()).await;
        let answer = bench.run(&key, "arn:e1").await.unwrap();
        assert_eq!(answer.status, Some(wins.as_str()));
        let outcome = bench.outcomes().remove(0);
        let mismatch = outcome.mismatch.expect("a mismatch");
        assert_eq!(bench.item(&key).await.mismatch.as_ref(), Some(&mismatch));
        let differs = match status {
            Status::Succeeded => "amount",
            _ => "status",
        };
        assert_eq!(mismatch.fields(), [differs]);
        assert_eq!(mismatch.claimed, (Status::Succeeded, Some(eur(1999))));
        assert_eq!(
            (mismatch.gateway, outcome.amount),
            ((status, amount.clone()), amount)
        );
        assert!(
            bench
                .lines
                .lock()
                .unwrap()
                .iter()
                .any(|line| line.contains("\"ConfirmMismatch\":1"))
        );
    }
}

#[tokio::test]
async fn a_gateway_that_agrees_or_is_further_on_leaves_the_event_as_it_is() {
    for (status, amount) in [
        (Status::Succeeded, Some(eur(1999))),
        (Status::Refunded, Some(eur(1))),
        (Status::Succeeded, None),
    ] {
        let bench = Bench::confirmed(vec![Ok(Some(Confirmed { status, amount }))]);
        let key = stored(&bench, succeeded()).await;
        assert_eq!(
            bench.run(&key, "arn:e1").await.unwrap().status,
            Some("succeeded")
        );
        assert_eq!(bench.outcomes()[0].mismatch, None);
    }
}

#[tokio::test]
async fn whether_a_refund_was_all_is_told_by_the_api_and_is_no_mismatch() {
    let bench = Bench::confirmed(vec![Ok(Some(Confirmed {
        status: Status::PartiallyRefunded,
        amount: Some(eur(1999)),
    }))]);
    let refund = EventItem {
        money: Some(eur(500)),
        ..event("evt_2", "pi_1", Some(Status::Refunded), 2_000)
    };
    let key = stored(&bench, refund).await;
    let answer = bench.run(&key, "arn:e1").await.unwrap();
    assert_eq!(answer.status, Some("partially_refunded"));
    let outcome = bench.outcomes().remove(0);
    assert_eq!((outcome.mismatch, outcome.amount), (None, Some(eur(500))));
}

#[tokio::test]
async fn an_unsigned_event_counts_only_when_the_gateway_confirms_it() {
    let unsigned = EventItem {
        signed: false,
        ..succeeded()
    };
    let bench = Bench::new();
    let key = stored(&bench, unsigned.clone()).await;
    let failure = bench.run(&key, "arn:e1").await.unwrap_err();
    assert_eq!(failure.error_type(), "Permanent");
    assert_eq!(bench.outcomes(), []);
    assert_eq!(bench.table.head("stripe:pi_1").await.unwrap(), None);
    let bench = Bench::confirmed(vec![Ok(Some(Confirmed {
        status: Status::Succeeded,
        amount: None,
    }))]);
    let key = stored(&bench, unsigned).await;
    assert_eq!(
        bench.run(&key, "arn:e1").await.unwrap().status,
        Some("succeeded")
    );
}

#[tokio::test]
async fn a_failed_run_says_whether_to_retry_and_leaves_the_event_free_for_anybody() {
    for (error, error_type) in [
        (GatewayError::Busy(503), "Transient"),
        (
            GatewayError::Unreachable("did not answer in time"),
            "Transient",
        ),
        (GatewayError::NoSuchPayment, "Transient"),
        (GatewayError::Refused(400), "Permanent"),
    ] {
        let answer = Confirmed {
            status: Status::Succeeded,
            amount: None,
        };
        let bench = Bench::confirmed(vec![Err(error), Ok(Some(answer))]);
        let key = stored(&bench, succeeded()).await;
        assert_eq!(
            bench.run(&key, "arn:e1").await.unwrap_err().error_type(),
            error_type
        );
        assert_eq!(
            bench.run(&key, "arn:e2").await.unwrap().processing,
            "processed"
        );
    }
    let bench = Bench::new();
    let failure = AwsFailure {
        code: "ThrottlingException".into(),
        request_id: None,
        transient: true,
    };
    *bench.published.failing.lock().unwrap() = Some(PublishError {
        bus: "default".into(),
        failure,
    });
    let key = stored(&bench, succeeded()).await;
    assert_eq!(
        bench.run(&key, "arn:e1").await.unwrap_err().error_type(),
        "Transient"
    );
    assert_eq!(bench.item(&key).await.processing, Processing::Received);
    assert_eq!(
        bench.run(&key, "arn:e2").await.unwrap().processing,
        "processed"
    );
}

#[tokio::test]
async fn a_replaced_api_key_is_read_again_when_the_old_one_is_refused() {
    let answer = Confirmed {
        status: Status::Succeeded,
        amount: None,
    };
    let bench = Bench::confirmed(vec![
        Ok(Some(answer.clone())),
        Err(GatewayError::Denied(401)),
        Ok(Some(answer)),
    ]);
    let (_, processor) = bench.processor(Steps::default());
    for id in ["evt_1", "evt_2"] {
        let key = stored(&bench, event(id, id, Some(Status::Succeeded), 1_000)).await;
        processor
            .process(&payload(&key, id), Default::default())
            .await
            .unwrap();
        *bench.vault.0.lock().unwrap() =
            r#"{"stripe":{"signing":[],"api_key":"sk_test_new"}}"#.into();
    }
    let keys = bench.gateway.as_ref().unwrap().keys.lock().unwrap().clone();
    assert_eq!(keys, ["sk_test_old", "sk_test_old", "sk_test_new"]);
}

#[tokio::test]
async fn an_event_that_is_gone_fails_for_good_and_creates_nothing() {
    let bench = Bench::new();
    let key = Key {
        payment_id: "stripe:pi_1".into(),
        timestamp: 7,
    };
    assert_eq!(
        bench.run(&key, "arn:e1").await.unwrap_err().error_type(),
        "Permanent"
    );
    assert_eq!(bench.table.all_events(), []);
    let counted =
        |line: &String| line.contains("\"PaymentFailed\":1") && line.contains("\"stripe\"");
    assert!(bench.lines.lock().unwrap().iter().any(counted));
}

#[tokio::test]
async fn a_record_that_is_no_new_event_is_skipped() {
    let bench = Bench::new();
    let key = stored(&bench, succeeded()).await;
    let mut payload = payload(&key, "arn:e1");
    payload["record"]["eventName"] = "MODIFY".into();
    let (_, processor) = bench.processor(Steps::default());
    assert_eq!(
        processor
            .process(&payload, Default::default())
            .await
            .unwrap()
            .processing,
        "skipped"
    );
    assert_eq!(bench.item(&key).await.processing, Processing::Received);
}

#[tokio::test]
async fn nothing_personal_and_no_key_reaches_the_log_or_an_error() {
    let (card, mail) = ("4242424242424242", "anna.private@example.com");
    let bench = Bench::confirmed(vec![Err(GatewayError::Denied(401)), Ok(None)]);
    let key = stored(
        &bench,
        EventItem {
            event_type: mail.into(),
            ..event(card, mail, Some(Status::Succeeded), 1_000)
        },
    )
    .await;
    let mut shown = String::new();
    for execution in ["arn:e1", "arn:e1", "arn:e2"] {
        shown += &match bench.run(&key, execution).await {
            Ok(_) => String::new(),
            Err(failure) => failure.to_string(),
        };
    }
    shown += &bench.lines.lock().unwrap().join("\n");
    assert!(shown.contains("payment processed"), "{shown}");
    for forbidden in [card, mail, "sk_test"] {
        assert!(!shown.contains(forbidden), "{forbidden} shows in\n{shown}");
    }
}
