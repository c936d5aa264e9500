//! Events whose confirmation with the provider's API fails, for a while and for good.

use futures_util::future::join_all;
use serde_json::Value;

use super::deployed::{Deployed, deployed};
use super::items::{Item, settled};
use super::outcomes::Outcomes;
use super::senders::Webhook;
use super::stripe_api::StripeApi;

/// Stripe's API where it can be told to fail; the real one cannot.
fn stripe_api(stack: &Deployed) -> Option<&StripeApi> {
    if stack.stripe_api.is_none() {
        println!("not shown on a real account: Stripe's API cannot be told to fail");
    }
    stack.stripe_api.as_ref()
}

#[tokio::test]
async fn an_event_that_fails_three_times_and_then_succeeds_is_processed_once() {
    let stack = deployed();
    let Some(api) = stripe_api(stack) else { return };
    let webhook = Webhook::new(stack, "stripe").await;
    api.fail(&webhook.payment, 6);
    let outcomes = Outcomes::of(stack, &[webhook.payment_id()]).await;
    assert_eq!(webhook.post(stack).await.words(), (200, "stored"));
    let event = settled(stack, &webhook).await;
    assert_eq!(
        (event.text("processing"), event.text("status")),
        ("processed", "succeeded")
    );
    assert_eq!(event.failure("error"), "");
    assert_eq!(
        api.asked(&webhook.payment),
        7,
        "three attempts that ask twice, and the retry that is answered"
    );
    assert_eq!(outcomes.take(1).await.len(), 1);
    outcomes.end().await;
}

#[tokio::test]
async fn an_event_that_never_succeeds_is_marked_fails_its_execution_and_keeps_none_of_its_batch() {
    let stack = deployed();
    let Some(api) = stripe_api(stack) else { return };
    // Events that arrive together usually share a batch; whether they did is known only afterwards.
    for _ in 0..5 {
        let broken = Webhook::new(stack, "stripe").await;
        api.fail(&broken.payment, u32::MAX);
        let others = join_all((0..6).map(|_| Webhook::new(stack, "stripe"))).await;
        let all = others.iter().chain([&broken]);
        let answers = join_all(all.map(|webhook| webhook.post(stack))).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.words() == (200, "stored"))
        );
        let item = settled(stack, &broken).await;
        assert_eq!(
            api.asked(&broken.payment),
            8,
            "the first attempt and three retries ask twice each"
        );
        let batch = failed_execution(stack, &item).await;
        let shared: Vec<_> = others
            .iter()
            .filter(|other| batch.contains(&other.payment))
            .collect();
        for other in &shared {
            let item = settled(stack, other).await;
            assert_eq!(item.text("processing"), "processed", "{}", other.event_id);
        }
        if !shared.is_empty() {
            return;
        }
    }
    panic!("in five rounds no other event shared the broken one's batch");
}

/// The input of the execution that an event's failure names, after checking that both say that it failed.
async fn failed_execution(stack: &Deployed, item: &Item) -> String {
    assert_eq!(item.text("processing"), "failed", "{item:?}");
    assert_eq!(item.failure("error"), "Transient");
    assert!(
        item.failure("cause").contains("503"),
        "{}",
        item.failure("cause")
    );
    assert!(!item.text("failedAt").is_empty());
    let sfn = stack.clients().await.sfn();
    for _ in 0..100 {
        let execution = sfn
            .describe_execution()
            .execution_arn(item.failure("execution"));
        let execution = execution.send().await.expect("DescribeExecution");
        match execution.status().as_str() {
            "RUNNING" => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            status => {
                assert_eq!(status, "FAILED");
                let input = execution.input().expect("its input");
                assert!(serde_json::from_str::<Value>(input).is_ok_and(|input| input.is_array()));
                return input.to_owned();
            }
        }
    }
    panic!("the execution does not end");
}
