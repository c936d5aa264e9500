//! Events that say only that there is news, and events that nobody signed: what the provider's API says is what counts.

mod support;

use payments::confirm::{Confirmed, GatewayError, idempotency_key};
use payments::event::Status;
use payments::store::{EventItem, Ignored, Key, Processing, Store};
use support::*;

fn notice(provider: &str, id: &str) -> EventItem {
    let mut item = event(id, "order-1", None, 1_000);
    item.provider = provider.into();
    item.key.payment_id = format!("{provider}:order-1");
    item.event_type = "notification".into();
    item.signed = false;
    item.money = None;
    item
}

async fn stored(bench: &Bench, item: &EventItem) -> Key {
    bench.table.insert(item).await.unwrap();
    item.key.clone()
}

fn says(status: Status) -> Result<Option<Confirmed>, GatewayError> {
    let amount = Some(eur(1999));
    Ok(Some(Confirmed { status, amount }))
}

#[tokio::test]
async fn a_notice_moves_the_payment_to_what_the_api_says_and_is_acknowledged_with_a_key_of_its_own()
{
    for provider in ["klarna", "mollie"] {
        let bench = Bench::confirmed(vec![says(Status::Authorised)]);
        let key = stored(&bench, &notice(provider, "order-1@1000")).await;
        let answer = bench.run(&key, "arn:e1").await.unwrap();
        assert_eq!(
            (answer.status, answer.processing),
            (Some("authorised"), "processed")
        );
        let head = bench.table.head(&key.payment_id).await.unwrap().unwrap();
        assert_eq!(head.amount.unwrap().1, eur(1999));
        assert_eq!(bench.outcomes()[0].mismatch, None);
        bench.run(&key, "arn:e2").await.unwrap();
        let acknowledged = bench
            .gateway
            .as_ref()
            .unwrap()
            .acknowledged
            .lock()
            .unwrap()
            .clone();
        assert_eq!(
            acknowledged,
            [idempotency_key(provider, "order-1@1000", "acknowledge")]
        );
        assert_eq!(bench.outcomes().len(), 1);
    }
}

#[tokio::test]
async fn a_notice_without_an_api_to_ask_waits_for_a_person_and_moves_nothing() {
    let bench = Bench::new();
    let key = stored(&bench, &notice("klarna", "order-1@1000")).await;
    let failure = bench.run(&key, "arn:e1").await.unwrap_err();
    assert_eq!(failure.error_type(), "Permanent");
    assert!(failure.to_string().contains("confirm"), "{failure}");
    assert_eq!(bench.table.head(&key.payment_id).await.unwrap(), None);
    assert_eq!(bench.item(&key).await.processing, Processing::Received);
}

#[tokio::test]
async fn nothing_that_nobody_signed_moves_a_payment_even_where_the_api_does_not_contradict_it() {
    for claimed in Status::ALL {
        let bench = Bench::confirmed(vec![says(Status::Succeeded)]);
        let mut forged = event("evt_1", "pi_1", Some(claimed), 1_000);
        forged.signed = false;
        forged.money = Some(eur(1));
        let key = stored(&bench, &forged).await;
        assert_eq!(
            bench.run(&key, "arn:e1").await.unwrap().status,
            Some("succeeded"),
            "{claimed}"
        );
        let head = bench.table.head(&key.payment_id).await.unwrap().unwrap();
        assert_eq!(head.amount.unwrap().1, eur(1999), "{claimed}");
    }
}

#[tokio::test]
async fn an_amount_that_the_event_leaves_to_the_api_is_taken_from_it() {
    let bench = Bench::confirmed(vec![says(Status::Succeeded)]);
    let mut bare = event("evt_1", "pi_1", Some(Status::Succeeded), 1_000);
    bare.money = None;
    let key = stored(&bench, &bare).await;
    bench.run(&key, "arn:e1").await.unwrap();
    assert_eq!(bench.outcomes()[0].amount, Some(eur(1999)));
}

fn count(bench: &Bench, metric: &str) -> usize {
    let lines = bench.lines.lock().unwrap();
    let told = format!("\"{metric}\":1");
    lines.iter().filter(|line| line.contains(&told)).count()
}

#[tokio::test]
async fn a_forged_notice_of_a_payment_that_the_api_does_not_know_ends_as_ignored_and_counted() {
    let bench = Bench::confirmed(vec![Err(GatewayError::NoSuchPayment)]);
    let key = stored(&bench, &notice("klarna", "order-1@1000")).await;
    for _ in 0..3 {
        let failure = bench.run(&key, "arn:e1").await.unwrap_err();
        assert_eq!(
            failure.error_type(),
            "Transient",
            "it may be known a little later"
        );
    }
    assert_eq!(bench.item(&key).await.processing, Processing::Received);
    let answer = bench.run_last(&key, "arn:e1").await.unwrap();
    assert_eq!((answer.processing, answer.status), ("ignored", None));
    let item = bench.item(&key).await;
    assert_eq!(item.ignored, Some(Ignored::UnknownAtGateway));
    assert_eq!(bench.table.head(&key.payment_id).await.unwrap(), None);
    assert_eq!(bench.outcomes(), []);
    assert_eq!(
        (
            count(&bench, "NoticeUnknown"),
            count(&bench, "PaymentFailed")
        ),
        (1, 0)
    );
    let acknowledged = &bench.gateway.as_ref().unwrap().acknowledged;
    assert_eq!(*acknowledged.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_genuine_notice_that_comes_before_the_api_knows_the_payment_is_processed_once_it_does() {
    let unknown = || Err(GatewayError::NoSuchPayment);
    let bench = Bench::confirmed(vec![unknown(), unknown(), says(Status::Authorised)]);
    let key = stored(&bench, &notice("klarna", "order-1@1000")).await;
    for _ in 0..2 {
        assert!(bench.run(&key, "arn:e1").await.is_err());
    }
    let answer = bench.run(&key, "arn:e1").await.unwrap();
    assert_eq!(answer.processing, "processed");
    assert_eq!(bench.outcomes().len(), 1);
}

#[tokio::test]
async fn a_made_up_id_that_the_api_cannot_even_be_asked_about_is_ignored_at_once() {
    let bench = Bench::confirmed(vec![Ok(None)]);
    let key = stored(&bench, &notice("mollie", "nonsense@1000")).await;
    let answer = bench.run(&key, "arn:e1").await.unwrap();
    assert_eq!(answer.processing, "ignored");
    assert_eq!(
        bench.item(&key).await.ignored,
        Some(Ignored::UnknownAtGateway)
    );
}

#[tokio::test]
async fn what_was_signed_and_the_api_does_not_know_fails_in_the_end_because_somebody_must_look() {
    let bench = Bench::confirmed(vec![Err(GatewayError::NoSuchPayment)]);
    let key = stored(
        &bench,
        &event("evt_1", "pi_1", Some(Status::Succeeded), 1_000),
    )
    .await;
    assert_eq!(
        bench.run(&key, "arn:e1").await.unwrap_err().error_type(),
        "Transient"
    );
    let failure = bench.run_last(&key, "arn:e1").await.unwrap_err();
    assert_eq!(failure.error_type(), "Permanent");
    assert_eq!(bench.outcomes(), []);
}
