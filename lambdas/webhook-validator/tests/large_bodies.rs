//! Bodies that do not fit an item of the table: kept in the bucket, pointed at by the item, never refused.

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use payments::aws::AwsFailure;
use payments::store::{Bodies, Body, Packed, StoreError, objects_of, open, sha256_hex};
use serde_json::Value;
use support::{Bench, expect, post, stripe_body};

/// A genuine body of about `megabytes` that hardly compresses.
fn large(event: &str, megabytes: usize) -> Vec<u8> {
    let digests = (0..megabytes as u32 * 22_000).map(|i| sha256_hex(&i.to_be_bytes()));
    let noise: Vec<u8> = digests.flat_map(|text| hex(&text)).collect();
    let mut body: Value =
        serde_json::from_slice(&stripe_body(event, "pi_1", 1_767_225_600)).unwrap();
    body["note"] = BASE64_STANDARD.encode(noise).into();
    body.to_string().into_bytes()
}

fn hex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// A bucket that takes nothing.
struct Closed;

#[async_trait]
impl Bodies for Closed {
    async fn put(&self, _body: &Packed) -> Result<(), StoreError> {
        Err(StoreError::Bucket {
            bucket: "payment-bodies-dev".into(),
            operation: "PutObject",
            failure: AwsFailure {
                code: "SlowDown".into(),
                request_id: Some("r-9".into()),
                transient: true,
            },
        })
    }

    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    async fn erase(&self, _prefix: &str) -> Result<usize, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_compressed_is_kept_in_the_bucket_and_its_item_points_at_it() {
    let (bench, body) = (Bench::new(), large("evt_1", 1));
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");
    let items = bench.table.all_events();
    let [item] = items.as_slice() else {
        panic!("one item, not {}", items.len());
    };
    let Some(Body::Elsewhere { key, bytes }) = &item.body else {
        panic!("the body is not in the item");
    };
    assert_eq!(
        (bench.bodies.keys(), *bytes),
        (vec![key.clone()], body.len())
    );
    let gzip = bench.bodies.get(key).await.unwrap().unwrap();
    assert_eq!(open(&gzip, *bytes, &item.body_digest).unwrap(), body);
    let log = bench.log_text();
    assert!(!log.contains("note") && !log.contains(key), "{log}");
}

#[tokio::test]
async fn the_largest_body_that_reaches_the_function_is_stored() {
    // Lambda's 6 MB hold 4.5 MB in base64, less some hundred bytes of the event around them.
    let (bench, body) = (Bench::new(), large("evt_1", 5));
    assert!(
        body.len() > 4 << 20 && body.len() < 4_718_592,
        "{}",
        body.len()
    );
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");
    assert_eq!(bench.counted("WebhookTooLarge"), 0);
}

#[tokio::test]
async fn a_large_body_that_compresses_stays_in_its_item_and_asks_nothing_of_the_bucket() {
    let mut bench = Bench::new();
    bench.validator.bodies = Arc::new(Closed);
    let mut body: Value =
        serde_json::from_slice(&stripe_body("evt_1", "pi_1", 1_767_225_600)).unwrap();
    body["note"] = "a".repeat(4 << 20).into();
    let body = body.to_string().into_bytes();
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");
    let items = bench.table.all_events();
    assert!(matches!(items[0].body, Some(Body::Inline { .. })));
}

#[tokio::test]
async fn a_redelivery_of_a_large_body_is_a_duplicate_of_one_object() {
    let (bench, body) = (Bench::new(), large("evt_1", 1));
    for status in ["stored", "duplicate", "duplicate"] {
        expect(&bench.post(post("stripe", &body)).await, 200, status);
    }
    assert_eq!(
        (bench.table.all_events().len(), bench.bodies.keys().len()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_redelivery_of_an_erased_event_does_not_bring_its_body_back() {
    let (bench, body) = (Bench::new(), large("evt_1", 1));
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");
    let erased = bench.bodies.erase(&objects_of("stripe", "evt_1")).await;
    assert_eq!(erased.unwrap(), 1);
    expect(&bench.post(post("stripe", &body)).await, 200, "duplicate");
    assert_eq!(bench.bodies.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bucket_that_fails_makes_the_provider_try_again_and_stores_no_item() {
    let (mut bench, body) = (Bench::new(), large("evt_1", 1));
    let open = std::mem::replace(&mut bench.validator.bodies, Arc::new(Closed));
    expect(&bench.post(post("stripe", &body)).await, 500, "try_again");
    assert_eq!(bench.table.all_events().len(), 0);
    assert_eq!(bench.counted("StoreFailed"), 1);
    let log = bench.log_text();
    assert!(
        log.contains("SlowDown (request r-9)") && !log.contains("note"),
        "{log}"
    );
    bench.validator.bodies = open;
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");
}

#[tokio::test]
async fn a_crash_between_object_and_item_leaves_an_object_that_the_next_delivery_writes_again() {
    let (bench, body) = (Bench::new(), large("evt_1", 1));
    let packed = Packed::new("stripe", "evt_1", &body);
    bench.bodies.put(&packed).await.unwrap();
    expect(&bench.post(post("stripe", &body)).await, 200, "stored");
    assert_eq!(bench.bodies.keys(), [packed.key()]);
}

#[tokio::test]
async fn an_event_whose_own_fields_do_not_fit_an_item_is_413_and_counted() {
    let bench = Bench::new();
    let body = stripe_body(&"e".repeat(450_000), "pi_1", 1_767_225_600);
    expect(&bench.post(post("stripe", &body)).await, 413, "too_large");
    assert_eq!(bench.counted("WebhookTooLarge"), 1);
    assert_eq!(bench.table.all_events().len(), 0);
}
