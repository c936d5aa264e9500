//! Events that say only that there is news, and events that nobody signed: what the provider's API says is what counts.

mod support;

use payments::confirm::{Confirmed, GatewayError, idempotency_key};
use payments::event::Status;
use payments::store::{EventItem, Key, Processing, Store};
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
