//! Genuine webhooks, through HTTP to the final state and the published outcome.

use futures_util::future::join_all;

use super::deployed::{Deployed, deployed};
use super::items::{events, head, settled};
use super::outcomes::Outcomes;
use super::senders::{MINOR, SCHEMES, Webhook, now, unique};

/// Posts a payment that succeeded with each scheme below `apiUrl`, and follows each to the end.
pub async fn each_scheme_to_the_end(stack: &Deployed, path: impl Fn(&Webhook) -> String) {
    let webhooks = join_all(SCHEMES.map(|provider| Webhook::new(stack, provider))).await;
    let payments: Vec<_> = webhooks.iter().map(Webhook::payment_id).collect();
    let outcomes = Outcomes::of(stack, &payments).await;
    for webhook in &webhooks {
        let answer = webhook.post_to(stack, &path(webhook)).await;
        assert_eq!(answer.words(), (200, "stored"), "{}", webhook.provider);
    }
    for webhook in &webhooks {
        let event = settled(stack, webhook).await;
        assert_eq!(event.text("processing"), "processed", "{event:?}");
        assert_eq!(event.text("status"), "succeeded");
        assert_eq!(event.text("timestamp"), webhook.occurred_ms.to_string());
        assert_eq!(event.text("amountMinor"), MINOR.to_string());
        assert_eq!(
            (event.text("currency"), event.text("exponent")),
            ("EUR", "2")
        );
        let head = head(stack, &webhook.payment_id()).await;
        assert_eq!(
            (head.text("status"), head.text("timestamp")),
            ("succeeded", "0")
        );
        assert_eq!(head.text("lastEventId"), webhook.event_id);
    }
    let published = outcomes.take(webhooks.len()).await;
    assert_eq!(
        published.len(),
        webhooks.len(),
        "one outcome each: {published:#?}"
    );
    for webhook in &webhooks {
        let of_payment =
            |outcome: &&serde_json::Value| outcome["paymentId"] == webhook.payment_id();
        let outcome = published.iter().find(of_payment).expect("its outcome");
        assert_eq!(outcome["environment"], stack.output("environment"));
        assert_eq!(outcome["provider"], webhook.provider);
        assert_eq!(outcome["providerPaymentId"], webhook.payment);
        assert_eq!(outcome["eventId"], webhook.event_id);
        assert_eq!(outcome["status"], "succeeded");
        assert!(outcome["previousStatus"].is_null() && outcome["mismatch"].is_null());
        let amount = serde_json::json!({"minor": MINOR, "currency": "EUR", "exponent": 2});
        assert_eq!(outcome["amount"], amount);
    }
    outcomes.end().await;
}

#[tokio::test]
async fn a_signed_webhook_of_each_scheme_ends_as_a_payment_and_a_published_outcome() {
    each_scheme_to_the_end(deployed(), |webhook| format!("/{}", webhook.provider)).await;
}

#[tokio::test]
async fn without_a_provider_in_the_path_the_headers_tell_whose_webhook_it_is() {
    each_scheme_to_the_end(deployed(), |_| String::new()).await;
}

#[tokio::test]
async fn fifty_deliveries_at_once_on_as_many_connections_are_one_item_and_one_outcome() {
    let stack = deployed();
    let webhook = Webhook::new(stack, "standard_webhooks").await;
    let outcomes = Outcomes::of(stack, &[webhook.payment_id()]).await;
    let answers = join_all((0..50).map(|_| webhook.post(stack))).await;
    let said = |words: (u16, &str)| answers.iter().filter(|one| one.words() == words).count();
    assert_eq!((said((200, "stored")), said((200, "duplicate"))), (1, 49));
    assert_eq!(
        settled(stack, &webhook).await.text("processing"),
        "processed"
    );
    assert_eq!(
        webhook.post(stack).await.words(),
        (200, "duplicate"),
        "later too"
    );
    assert_eq!(events(stack, &webhook.payment_id()).await.len(), 1);
    let head = head(stack, &webhook.payment_id()).await;
    assert_eq!(head.text("version"), "1", "one execution's effect");
    assert_eq!(outcomes.take(1).await.len(), 1);
    outcomes.end().await;
}

#[tokio::test]
async fn two_events_of_one_payment_in_the_same_second_are_both_kept() {
    let stack = deployed();
    let (payment, time) = (format!("pay_{}", unique()), now());
    let about = |status| Webhook::about(stack, "generic_hmac", &payment, status, time);
    let webhooks = [about("pending").await, about("succeeded").await];
    let answers = join_all(webhooks.iter().map(|webhook| webhook.post(stack))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.words() == (200, "stored"))
    );
    join_all(webhooks.iter().map(|webhook| settled(stack, webhook))).await;
    let events = events(stack, &webhooks[0].payment_id()).await;
    let mut times: Vec<_> = events
        .iter()
        .map(|event| event.text("timestamp").to_owned())
        .collect();
    times.sort();
    let first = webhooks[0].occurred_ms;
    assert_eq!(times, [first.to_string(), (first + 1).to_string()]);
    let head = head(stack, &webhooks[0].payment_id()).await;
    assert_eq!(head.text("status"), "succeeded");
}

#[tokio::test]
async fn an_event_that_arrives_late_does_not_take_a_payment_back() {
    let stack = deployed();
    let payment = format!("pay_{}", unique());
    let about =
        |status, seconds| Webhook::about(stack, "standard_webhooks", &payment, status, seconds);
    let succeeded = about("succeeded", now()).await;
    assert_eq!(succeeded.post(stack).await.words(), (200, "stored"));
    settled(stack, &succeeded).await;
    let late = about("pending", now() - 60).await;
    assert_eq!(late.post(stack).await.words(), (200, "stored"));
    assert_eq!(settled(stack, &late).await.text("processing"), "processed");
    assert_eq!(
        head(stack, &late.payment_id()).await.text("status"),
        "succeeded"
    );
}

#[tokio::test]
async fn an_event_of_an_unknown_type_is_kept_and_publishes_nothing() {
    let stack = deployed();
    let unknown = Webhook::about(
        stack,
        "standard_webhooks",
        &format!("pay_{}", unique()),
        "wrapped_as_a_gift",
        now(),
    )
    .await;
    let known = Webhook::new(stack, "standard_webhooks").await;
    let outcomes = Outcomes::of(stack, &[unknown.payment_id(), known.payment_id()]).await;
    for webhook in [&unknown, &known] {
        assert_eq!(webhook.post(stack).await.words(), (200, "stored"));
    }
    assert_eq!(settled(stack, &unknown).await.text("processing"), "ignored");
    settled(stack, &known).await;
    let published = outcomes.take(1).await;
    assert!(
        published
            .iter()
            .all(|outcome| outcome["paymentId"] == known.payment_id())
    );
    outcomes.end().await;
}
