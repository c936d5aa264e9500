//! A body that does not fit the table: through HTTP into the bucket, back to the operator, and erased for good.

use serde_json::Value;

use super::deployed::{Deployed, deployed};
use super::items::{events, settled};
use super::place::succeeded;
use super::senders::Webhook;

/// What Lambda lets through is 6 MB in base64, so this is nearly the largest that can arrive.
const NOISE: usize = 3_300_000;

/// Bytes that no compression makes fit an item, as text.
fn noise() -> String {
    use base64::Engine as _;
    let mut bytes = vec![0; NOISE];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn large(stack: &Deployed) -> Webhook {
    let webhook = Webhook::new(stack, "generic_hmac").await;
    let mut body: Value = serde_json::from_slice(&webhook.body).expect("JSON");
    body["note"] = noise().into();
    webhook.with_body(stack, body.to_string()).await
}

async fn objects(stack: &Deployed) -> Vec<String> {
    let s3 = stack.clients().await.s3();
    let listed = s3
        .list_objects_v2()
        .bucket(stack.output("bodiesBucketName"));
    let listed = listed.send().await.expect("ListObjectsV2").contents;
    let objects = listed.into_iter().flatten().filter_map(|one| one.key);
    objects.collect()
}

#[tokio::test]
async fn a_webhook_of_four_megabytes_is_settled_shown_byte_for_byte_and_erased_for_good() {
    let stack = deployed();
    let webhook = large(stack).await;
    assert!(webhook.body.len() > 4 << 20, "{}", webhook.body.len());
    assert_eq!(webhook.post(stack).await.words(), (200, "stored"));
    let event = settled(stack, &webhook).await;
    assert_eq!(event.text("processing"), "processed", "{event:?}");
    let key = event.text("bodyKey").to_owned();
    assert!(objects(stack).await.contains(&key), "{key}");
    assert!(!key.contains(&webhook.event_id) && !key.contains(&webhook.payment));

    let Some(place) = stack.place.as_ref() else {
        println!("not shown and not erased: this stack is not ours");
        return;
    };
    let payment = webhook.payment_id();
    let show = format!("events show {} --payment {payment}", webhook.event_id);
    let shown = place.payhook(&format!("{show} --show-body"));
    succeeded(&shown);
    assert!(shown.stdout == webhook.body, "byte for byte");

    println!("without a terminal erasing needs --yes");
    let unasked = place.payhook(&format!("payments erase {payment}"));
    assert_eq!(unasked.status.code(), Some(3));
    assert!(objects(stack).await.contains(&key));
    let said = succeeded(&place.payhook(&format!("payments erase {payment} --yes")));
    assert!(said.contains("Erased 1 bodies, 1 objects"), "{said}");
    assert!(!objects(stack).await.contains(&key));

    println!("the trail of amounts, states and digests stays, and says that the body is erased");
    let erased = events(stack, &payment).await.remove(0);
    for kept in [
        "amountMinor",
        "status",
        "receivedAt",
        "bodyDigest",
        "outcomeId",
    ] {
        assert_eq!(erased.text(kept), event.text(kept), "{kept}");
    }
    assert_eq!((erased.text("bodyKey"), erased.text("bodyBytes")), ("", ""));
    let facts: Value =
        serde_json::from_str(&succeeded(&place.payhook(&format!("{show} --json")))).expect("JSON");
    assert_eq!(facts["erasedAt"], erased.text("erasedAt"));
    let gone = place.payhook(&format!("{show} --show-body"));
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("was erased at"));

    println!("a redelivery stays a duplicate and brings nothing back; erasing again finds nothing");
    assert_eq!(webhook.post(stack).await.words(), (200, "duplicate"));
    assert!(!objects(stack).await.contains(&key));
    let again = place.payhook(&format!("payments erase {payment} --yes --json"));
    let again: Value = serde_json::from_str(&succeeded(&again)).expect("JSON");
    assert_eq!(again["erased"], serde_json::json!([]));
}

#[tokio::test]
async fn a_body_larger_than_lambda_lets_through_is_refused_in_clear_words() {
    let stack = deployed();
    let webhook = Webhook::new(stack, "generic_hmac").await;
    let body = vec![b' '; 5 << 20];
    let webhook = webhook.with_body(stack, body).await;
    let answer = webhook.post(stack).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
}
