//! Everything that is not a genuine webhook, and everything that goes wrong on our side.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use payments::aws::AwsFailure;
use payments::head::Head;
use payments::providers::Outgoing;
use payments::store::{
    Conflict, EventItem, Finish, Inserted, Key, Lease, Leased, Marker, MemoryStore, Store,
    StoreError,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::*;

fn good() -> Vec<u8> {
    stripe_body("evt_1", "pi_1", 1_767_225_599)
}

/// Refused as stated, counted, and nothing stored.
async fn refused(bench: &Bench, event: Value, code: u16, word: &str, metric: &str) {
    let before = bench.counted(metric);
    expect(&bench.post(event).await, code, word);
    assert_eq!(bench.counted(metric), before + 1, "{metric}");
    assert_eq!(bench.table.all_events(), []);
}

#[tokio::test]
async fn a_bad_signature_is_401() {
    let bench = Bench::new();
    for provider in ["stripe", "standard_webhooks", "generic_hmac"] {
        let mut tampered = signed_with(SECRET, provider, &good());
        tampered.body.push(b' ');
        refused(
            &bench,
            proxy(provider, &tampered),
            401,
            "bad_signature",
            "SignatureRejected",
        )
        .await;
        let unsigned = Outgoing {
            headers: Vec::new(),
            query: None,
            body: good(),
        };
        refused(
            &bench,
            proxy(provider, &unsigned),
            401,
            "bad_signature",
            "SignatureRejected",
        )
        .await;
    }
}

#[tokio::test]
async fn another_method_is_405_and_names_the_right_one() {
    let bench = Bench::new();
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
        let mut event = post("stripe", &good());
        event["httpMethod"] = method.into();
        let answer = bench.post(event).await;
        expect(&answer, 405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "POST");
    }
    assert_eq!(bench.table.all_events(), []);
}

#[tokio::test]
async fn an_unknown_or_switched_off_provider_is_404() {
    let mut bench = Bench::new();
    bench.validator.settings.providers.remove("generic_hmac");
    for provider in ["nobody", "generic_hmac", "STRIPE", "../stripe", "s\u{0}"] {
        let mut event = post("stripe", &good());
        event["pathParameters"]["provider"] = provider.into();
        refused(&bench, event, 404, "unknown_provider", "WebhookMalformed").await;
    }
    let nameless = json!({"httpMethod": "POST", "path": "/webhooks", "body": "{}"});
    refused(
        &bench,
        nameless,
        404,
        "unknown_provider",
        "WebhookMalformed",
    )
    .await;
    assert!(
        !bench.log_text().contains("nobody"),
        "strangers' words stay out of the log"
    );
}

#[tokio::test]
async fn bodies_that_are_not_a_providers_json_are_400() {
    let bench = Bench::new();
    let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let long_id = format!(
        "{{\"id\":\"evt_1\",\"data\":{{\"object\":{{\"id\":\"{}\"}}}}}}",
        "x".repeat(3_000)
    );
    for body in [
        &b""[..],
        b"  ",
        b"\xff\xfe",
        b"{\"id\":\"\xc3\x28\"}",
        b"[]",
        b"{",
        b"null",
        b"{}",
        deep.as_bytes(),
        long_id.as_bytes(),
    ] {
        refused(
            &bench,
            post("stripe", body),
            400,
            "malformed",
            "WebhookMalformed",
        )
        .await;
    }
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_413_without_asking_for_the_secret() {
    let bench = Bench::new();
    let unsigned = Outgoing {
        headers: Vec::new(),
        query: None,
        body: vec![b'a'; 10 << 20],
    };
    refused(
        &bench,
        proxy("stripe", &unsigned),
        413,
        "too_large",
        "WebhookTooLarge",
    )
    .await;
    assert_eq!(bench.vault.reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn payloads_that_are_no_proxy_event_are_400() {
    let bench = Bench::new();
    for event in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"httpMethod": 1}),
        json!({"httpMethod": "POST", "body": "%", "isBase64Encoded": true}),
    ] {
        refused(&bench, event, 400, "malformed", "WebhookMalformed").await;
    }
}

#[tokio::test]
async fn a_missing_secret_is_500_so_that_the_provider_tries_again() {
    let bench = Bench::new();
    for secret in [
        None,
        Some("{}"),
        Some("not json"),
        Some(r#"{"stripe":{"signing":[]}}"#),
    ] {
        *bench.vault.json.lock().unwrap() = secret.map(str::to_owned);
        let bench = Bench {
            validator: webhook_validator::Validator {
                secrets: Arc::new(payments::secret_cache::SecretCache::new(
                    bench.vault.clone(),
                    payments::clock::fixed(now()),
                )),
                ..Bench::new().validator
            },
            ..Bench::new()
        };
        let answer = bench.post(post("stripe", &good())).await;
        expect(&answer, 500, "try_again");
    }
}

#[tokio::test]
async fn a_rotated_secret_is_noticed_at_the_first_webhook_signed_with_it() {
    let bench = Bench::new();
    expect(&bench.post(post("stripe", &good())).await, 200, "stored");
    let new = "whsec_new";
    *bench.vault.json.lock().unwrap() = Some(json!({"stripe": {"signing": [new]}}).to_string());
    let body = stripe_body("evt_2", "pi_1", 1_767_225_599);
    expect(
        &bench
            .post(proxy("stripe", &signed_with(new, "stripe", &body)))
            .await,
        200,
        "stored",
    );
    expect(
        &bench
            .post(post("stripe", &stripe_body("evt_3", "pi_1", 1)))
            .await,
        401,
        "bad_signature",
    );
}

#[tokio::test]
async fn a_flood_of_bad_signatures_does_not_reach_secrets_manager() {
    let bench = Bench::new();
    let mut tampered = signed_with(SECRET, "stripe", &good());
    tampered.body.push(b' ');
    for _ in 0..500 {
        expect(
            &bench.post(proxy("stripe", &tampered)).await,
            401,
            "bad_signature",
        );
    }
    assert!(bench.vault.reads.load(Ordering::SeqCst) <= 4);
}

/// A table that takes some items and then no more.
struct Failing {
    inner: MemoryStore,
    takes: AtomicU32,
}

#[async_trait]
impl Store for Failing {
    async fn insert(&self, item: &EventItem) -> Result<Inserted, StoreError> {
        if self.takes.load(Ordering::SeqCst) == 0 {
            let failure = AwsFailure {
                code: "InternalServerError".into(),
                request_id: None,
                transient: true,
            };
            return Err(StoreError::Aws {
                table: "payments-dev".into(),
                operation: "TransactWriteItems",
                failure,
            });
        }
        self.takes.fetch_sub(1, Ordering::SeqCst);
        self.inner.insert(item).await
    }
    async fn known(&self, provider: &str, event: &str) -> Result<Option<Marker>, StoreError> {
        self.inner.known(provider, event).await
    }
    async fn lease(&self, key: &Key, lease: &Lease) -> Result<Leased, StoreError> {
        self.inner.lease(key, lease).await
    }
    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreError> {
        self.inner.release(key, owner).await
    }
    async fn finish(&self, key: &Key, owner: &str, finish: &Finish) -> Result<bool, StoreError> {
        self.inner.finish(key, owner, finish).await
    }
    async fn head(&self, payment_id: &str) -> Result<Option<Head>, StoreError> {
        self.inner.head(payment_id).await
    }
    async fn put_head(&self, payment_id: &str, head: &Head) -> Result<bool, StoreError> {
        self.inner.put_head(payment_id, head).await
    }
    async fn cursor(&self, provider: &str) -> Result<Option<u64>, StoreError> {
        self.inner.cursor(provider).await
    }
    async fn advance(&self, provider: &str, to: u64) -> Result<bool, StoreError> {
        self.inner.advance(provider, to).await
    }
    async fn record(&self, conflict: &Conflict) -> Result<(), StoreError> {
        self.inner.record(conflict).await
    }
    async fn conflicts(&self, payment_id: &str) -> Result<Vec<Conflict>, StoreError> {
        self.inner.conflicts(payment_id).await
    }
    async fn events(&self, payment_id: &str) -> Result<Vec<EventItem>, StoreError> {
        self.inner.events(payment_id).await
    }
}

#[tokio::test]
async fn a_table_that_fails_is_500_with_nothing_written_and_the_next_delivery_is_stored() {
    let table = Arc::new(Failing {
        inner: MemoryStore::default(),
        takes: AtomicU32::new(0),
    });
    let bench = Bench::on(table.clone());
    expect(&bench.post(post("stripe", &good())).await, 500, "try_again");
    assert_eq!(table.inner.all_events(), []);
    assert_eq!(bench.counted("StoreFailed"), 1);
    table.takes.store(1, Ordering::SeqCst);
    expect(&bench.post(post("stripe", &good())).await, 200, "stored");
    assert_eq!(table.inner.all_events().len(), 1);
}

#[tokio::test]
async fn nothing_of_a_request_or_a_secret_reaches_the_log_or_the_answer() {
    let bench = Bench::new();
    let (card, mail, name) = (
        "4242424242424242",
        "anna.private@example.com",
        "Anna Private",
    );
    let personal = json!({
        "id": card, "type": mail, "created": 1_767_225_599,
        "data": {"object": {"id": mail, "amount": 1, "currency": "eur", "receipt_email": mail, "card": {"number": card}, "name": name}},
    })
    .to_string();
    let signed = signed_with(SECRET, "stripe", personal.as_bytes());
    let mut tampered = signed.clone();
    tampered.body.push(b' ');
    let with_bad_money = personal.replace("\"eur\"", &format!("\"{mail}\"")).replace(
        &format!("\"type\":\"{mail}\""),
        "\"type\":\"payment_intent.succeeded\"",
    );
    let mut answers = vec![
        bench.post(proxy("stripe", &signed)).await,
        bench.post(proxy("stripe", &signed)).await,
    ];
    answers.push(bench.post(proxy("stripe", &tampered)).await);
    answers.push(bench.post(proxy(mail, &signed)).await);
    answers.push(bench.post(proxy(card, &signed)).await);
    answers.push(bench.post(post("stripe", with_bad_money.as_bytes())).await);
    answers.push(
        bench
            .post(post("stripe", format!("{{\"{mail}\": {card}").as_bytes()))
            .await,
    );
    let mut header = proxy("stripe", &signed);
    header["headers"]["Stripe-Signature"] = format!("t={card},v1={mail}").into();
    answers.push(bench.post(header).await);

    let failing = Bench::on(Arc::new(Failing {
        inner: MemoryStore::default(),
        takes: AtomicU32::new(0),
    }));
    answers.push(failing.post(proxy("stripe", &signed)).await);
    let codes: Vec<_> = answers.iter().map(|answer| answer.status_code).collect();
    assert_eq!(codes, [200, 200, 401, 404, 404, 400, 400, 401, 500]);

    let shown = format!("{}\n{}\n{answers:?}", bench.log_text(), failing.log_text());
    let signature = signed.headers[0].1.split("v1=").nth(1).unwrap().to_owned();
    for forbidden in [card, mail, name, "Anna", "anna.private", SECRET, &signature] {
        assert!(!shown.contains(forbidden), "{forbidden} shows in\n{shown}");
    }
    for line in shown.lines().take_while(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["traceId"], "1-5759e988-bd862e3fe1be46a994272793");
    }
}

proptest! {
    #[test]
    fn no_bytes_and_no_headers_make_the_validator_panic_or_answer_outside_its_contract(
        body in proptest::collection::vec(any::<u8>(), 0..300), header in ".{0,60}", genuine in any::<bool>(), provider in "[a-z_]{0,20}|stripe"
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bench = Bench::new();
        let mut outgoing = signed_with(SECRET, "stripe", &body);
        if !genuine {
            outgoing.headers = vec![("Stripe-Signature".into(), header)];
        }
        let answer = runtime.block_on(bench.post(proxy(&provider, &outgoing)));
        prop_assert!([200, 400, 401, 404].contains(&answer.status_code), "{}", answer.status_code);
    }
}
