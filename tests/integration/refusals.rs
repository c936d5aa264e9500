//! What is refused, through HTTP: the status says why, and nothing is stored.

use serde_json::Value;

use super::deployed::{Deployed, deployed};
use super::items::{events, head, settled};
use super::place::succeeded;
use super::senders::{SCHEMES, Webhook, now};

async fn refused(stack: &Deployed, webhook: &Webhook, path: &str, words: (u16, &str)) {
    let answer = webhook.post_to(stack, path).await;
    let who = webhook.provider;
    assert_eq!(answer.words(), words, "{who}{path}: {}", answer.body);
    let stored = events(stack, &webhook.payment_id()).await;
    assert!(stored.is_empty(), "{who}{path} was stored: {stored:?}");
}

#[tokio::test]
async fn a_webhook_that_was_tampered_with_is_401() {
    let stack = deployed();
    for provider in SCHEMES {
        let genuine = Webhook::new(stack, provider).await;
        let text = String::from_utf8(genuine.body.clone()).expect("a text");
        let mut dearer = genuine.clone();
        dearer.body = text.replace("1999", "1").into_bytes();
        assert_ne!(dearer.body, genuine.body);
        refused(
            stack,
            &dearer,
            &format!("/{provider}"),
            (401, "bad_signature"),
        )
        .await;
        let mut spaced = genuine.clone();
        spaced.body.push(b'\n');
        refused(
            stack,
            &spaced,
            &format!("/{provider}"),
            (401, "bad_signature"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_webhook_signed_with_another_secret_or_not_at_all_is_401() {
    let stack = deployed();
    for provider in SCHEMES {
        let mut webhook = Webhook::new(stack, provider).await;
        webhook.sign(
            "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBvZiBzdGFuZGFyZA==",
            now(),
        );
        refused(
            stack,
            &webhook,
            &format!("/{provider}"),
            (401, "bad_signature"),
        )
        .await;
        webhook.headers.clear();
        refused(
            stack,
            &webhook,
            &format!("/{provider}"),
            (401, "bad_signature"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_webhook_signed_too_long_ago_or_too_far_ahead_is_401() {
    let stack = deployed();
    for provider in ["stripe", "standard_webhooks"] {
        let secret = stack.secret(provider).await;
        for seconds in [now() - 3600, now() + 3600] {
            let mut webhook = Webhook::new(stack, provider).await;
            webhook.sign(&secret, seconds);
            refused(
                stack,
                &webhook,
                &format!("/{provider}"),
                (401, "bad_signature"),
            )
            .await;
        }
    }
}

#[tokio::test]
async fn an_unknown_provider_is_404() {
    let stack = deployed();
    let webhook = Webhook::new(stack, "stripe").await;
    refused(stack, &webhook, "/nobody", (404, "unknown_provider")).await;
    let mut unsigned = webhook;
    unsigned.headers.clear();
    refused(stack, &unsigned, "", (404, "unknown_provider")).await;
}

#[tokio::test]
async fn a_body_that_is_empty_not_utf_8_not_json_or_nested_too_deep_is_400() {
    let stack = deployed();
    for provider in ["stripe", "standard_webhooks"] {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        for body in [
            Vec::new(),
            vec![b'{', 0xff, 0xfe, b'}'],
            b"not json".to_vec(),
            deep,
        ] {
            let webhook = Webhook::new(stack, provider)
                .await
                .with_body(stack, body)
                .await;
            refused(stack, &webhook, &format!("/{provider}"), (400, "malformed")).await;
        }
    }
}

#[tokio::test]
async fn a_genuine_body_that_lambda_or_api_gateway_does_not_take_is_413() {
    let stack = deployed();
    for bytes in [4_750_000, 11 << 20] {
        let webhook = Webhook::new(stack, "stripe").await;
        let text = String::from_utf8(webhook.body.clone()).expect("a text");
        let noisy = format!(r#"{{"noise": "{}", {}"#, "x".repeat(bytes), &text[1..]);
        let webhook = webhook.with_body(stack, noisy).await;
        let answer = webhook.post(stack).await;
        assert_eq!(answer.status, 413, "{}", answer.body);
        assert!(events(stack, &webhook.payment_id()).await.is_empty());
    }
}

#[tokio::test]
async fn another_method_than_post_is_refused_without_an_error_of_the_server() {
    let url = format!("{}/stripe", deployed().output("apiUrl"));
    let client = reqwest::Client::new();
    for method in [
        reqwest::Method::GET,
        reqwest::Method::PUT,
        reqwest::Method::DELETE,
    ] {
        let answer = client
            .request(method.clone(), &url)
            .send()
            .await
            .expect("an answer");
        assert!(
            answer.status().is_client_error(),
            "{method}: {}",
            answer.status()
        );
    }
}

#[tokio::test]
async fn the_same_event_with_another_body_is_a_conflict_and_the_first_one_stays() {
    let stack = deployed();
    let first = Webhook::new(stack, "stripe").await;
    assert_eq!(first.post(stack).await.words(), (200, "stored"));
    let text = String::from_utf8(first.body.clone()).expect("a text");
    let other = first
        .clone()
        .with_body(stack, text.replace("1999", "2999"))
        .await;
    assert_eq!(other.post(stack).await.words(), (200, "conflict"));
    let events = events(stack, &first.payment_id()).await;
    let amounts: Vec<_> = events
        .iter()
        .map(|event| event.text("amountMinor"))
        .collect();
    assert_eq!(amounts, ["1999"]);
    looked_at(stack, &first, "conflict");
}

#[tokio::test]
async fn an_event_that_the_providers_api_contradicts_needs_attention_until_somebody_has_looked() {
    let stack = deployed();
    if stack.stripe_api.is_none() {
        return;
    }
    let webhook = Webhook::new(stack, "stripe").await;
    let text = String::from_utf8(webhook.body.clone()).expect("a text");
    let webhook = webhook.with_body(stack, text.replace("1999", "2999")).await;
    assert_eq!(webhook.post(stack).await.words(), (200, "stored"));
    let item = settled(stack, &webhook).await;
    assert_eq!(item.text("processing"), "processed");
    let head = head(stack, &webhook.payment_id()).await;
    assert_eq!(head.text("amountMinor"), "1999", "the API is believed");
    looked_at(stack, &webhook, "mismatch");
}

/// The event is listed with the reason, shown with it, and gone from the list once it is resolved.
fn looked_at(stack: &Deployed, webhook: &Webhook, why: &str) {
    let Some(place) = &stack.place else { return };
    let listed = || {
        let said = succeeded(&place.payhook("events list --needs-attention --json"));
        let lines = said
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let is_it = |line: &Value| line["stored"]["eventId"] == webhook.event_id.as_str();
        lines
            .filter(is_it)
            .map(|line| line["why"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(), [why]);
    let show = || {
        let said = succeeded(&place.payhook(&format!("events show {} --json", webhook.event_id)));
        serde_json::from_str::<Value>(&said).expect("JSON")
    };
    let differs = |shown: &Value| match why {
        "conflict" => shown["conflicts"][0].clone(),
        _ => shown.clone(),
    };
    let shown = show();
    assert_eq!(differs(&shown)["resolved"], Value::Null, "{shown}");
    if why == "mismatch" {
        let mismatch = &shown["mismatch"];
        assert_eq!(
            mismatch["fields"],
            serde_json::json!(["amount"]),
            "{mismatch}"
        );
        assert_eq!(mismatch["claimed"]["amount"]["minor"], 2999);
        assert_eq!(mismatch["gateway"]["amount"]["minor"], 1999);
    }
    succeeded(&place.payhook(&format!("events resolve {} --note seen", webhook.event_id)));
    assert_eq!(listed(), [""; 0]);
    assert_eq!(differs(&show())["resolved"]["note"], "seen");
    let again = place.payhook(&format!("events resolve {} --note seen", webhook.event_id));
    assert_eq!(again.status.code(), Some(2));
}
