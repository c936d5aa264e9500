//! Whose webhook a request is: by its path, by its headers, and by nothing that a stranger can put beside them.

mod support;

use payments::providers::{self, Outgoing};
use payments::secret::Secret;
use payments::settings::Settings;
use serde_json::{Value, json};
use support::*;

const ADYEN_KEY: &str = "74F490DD33F7327BAECC88B2947C011FC02D014A473AAA33A8EC93E4DC069174";

fn good() -> Value {
    post("stripe", &stripe_body("evt_1", "pi_1", 1_767_225_599))
}

/// The event with another path; API Gateway hands over the parameter as it stands in the path.
fn at(mut event: Value, path: &str, provider: Option<&str>) -> Value {
    event["path"] = path.into();
    event["pathParameters"] = match provider {
        Some(provider) => json!({"provider": provider}),
        None => Value::Null,
    };
    event
}

fn switched_on(providers: &Value, secrets: &Value) -> Bench {
    let mut bench = Bench::new();
    bench.validator.settings.providers = serde_json::from_value(providers.clone()).unwrap();
    *bench.vault.json.lock().unwrap() = Some(secrets.to_string());
    bench
}

#[tokio::test]
async fn a_path_means_a_provider_by_its_exact_name_or_leaves_it_to_the_headers() {
    for (path, parameter) in [
        ("/webhooks/stripe", Some("stripe")),
        ("/webhooks/stripe/", Some("stripe")),
        ("/prod/webhooks/stripe/", None),
        ("/webhooks/", None),
        ("/webhooks", None),
        ("/prod/webhooks", None),
    ] {
        let answer = Bench::new().post(at(good(), path, parameter)).await;
        expect(&answer, 200, "stored");
    }
    for name in [
        "Stripe",
        "STRIPE",
        "str%69pe",
        "stripe%20",
        "stripe ",
        "stripe\u{0}",
        "stripe/extra",
        "razorpay",
        "nobody",
        "\u{455}tripe",
        ".",
        "..",
        "__proto__",
    ] {
        let path = format!("/webhooks/{name}");
        for parameter in [Some(name), None] {
            let bench = Bench::new();
            let answer = bench.post(at(good(), &path, parameter)).await;
            expect(&answer, 404, "unknown_provider");
            assert_eq!(bench.table.all_events(), []);
        }
    }
}

#[tokio::test]
async fn the_secrets_of_a_provider_that_is_switched_off_count_for_nothing() {
    let bench = switched_on(&json!({}), &json!({"stripe": {"signing": [SECRET]}}));
    for event in [good(), at(good(), "/webhooks", None)] {
        expect(&bench.post(event).await, 404, "unknown_provider");
    }
    let mut challenge = at(good(), "/webhooks/braintree", Some("braintree"));
    challenge["httpMethod"] = "GET".into();
    challenge["queryStringParameters"] =
        json!({"bt_challenge": "20f9f8ed05f77439fe955c977e4c8a53"});
    expect(&bench.post(challenge).await, 404, "unknown_provider");
}

#[tokio::test]
async fn on_the_bare_path_the_marks_of_a_weaker_scheme_do_not_replace_a_signature() {
    let confirm = json!({"confirm": {"base_url": "https://api.example.com"}});
    let on = json!({"stripe": {}, "klarna": confirm, "mollie": confirm, "xendit": confirm});
    let secrets = json!({"stripe": {"signing": [SECRET]}, "klarna": {"api_key": "k"}, "mollie": {"api_key": "k"},
        "xendit": {"signing": ["token"], "api_key": "k"}});
    let mut forged = good();
    forged["headers"]["Stripe-Signature"] = "t=1767225600,v1=00".into();
    for (name, value, code) in [
        (
            "queryStringParameters",
            json!({"klarna_order_id": "order-1"}),
            404,
        ),
        (
            "multiValueHeaders",
            json!({"x-callback-token": ["wrong"]}),
            404,
        ),
        ("queryStringParameters", json!({}), 401),
    ] {
        let mut event = at(forged.clone(), "/webhooks", None);
        event[name] = value;
        let bench = switched_on(&on, &secrets);
        assert_eq!(bench.post(event.clone()).await.status_code, code, "{event}");
        let named = at(event, "/webhooks/stripe", Some("stripe"));
        assert_eq!(bench.post(named).await.status_code, 401);
        assert_eq!(bench.table.all_events(), []);
    }
}

#[tokio::test]
async fn of_two_header_maps_the_full_one_counts_and_no_signature_is_picked_from_several() {
    let body = b"{\"id\":\"evt_1\"}";
    let good = signed_with(SECRET, "generic_hmac", body).headers[0]
        .1
        .clone();
    let bad = "0".repeat(64);
    let cases = [
        (
            json!({"X-Signature": good}),
            json!({"X-Signature": [bad]}),
            401,
        ),
        (
            json!({"x-signature": good}),
            json!({"X-Signature": [bad]}),
            401,
        ),
        (
            json!({"X-Signature": good}),
            json!({"X-Signature": [good, bad]}),
            401,
        ),
        (
            json!({}),
            json!({"X-Signature": [bad], "x-signature": [good]}),
            401,
        ),
        (
            json!({}),
            json!({"X-Signature": [good], "x-signature": [good]}),
            200,
        ),
        (
            json!({"X-Signature": bad}),
            json!({"X-SIGNATURE": [good]}),
            200,
        ),
        (json!({"X-Signature": good}), Value::Null, 200),
    ];
    for (one, several, code) in cases {
        let unsigned = Outgoing {
            body: body.to_vec(),
            ..Outgoing::default()
        };
        let mut event = proxy("generic_hmac", &unsigned);
        event["headers"] = one;
        event["multiValueHeaders"] = several;
        let answer = Bench::new().post(event.clone()).await;
        assert_eq!(answer.status_code, code, "{event}");
    }
}

fn adyen(references: &[&str]) -> Value {
    let item = |reference: &&str| {
        json!({"NotificationRequestItem": {"pspReference": reference, "merchantAccountCode": "M", "eventCode": "AUTHORISATION",
            "success": "true", "reason": "", "amount": {"value": 100, "currency": "EUR"}, "additionalData": {}}})
    };
    let items: Vec<_> = references.iter().map(item).collect();
    let outgoing = Outgoing {
        body: json!({"live": "false", "notificationItems": items})
            .to_string()
            .into_bytes(),
        ..Outgoing::default()
    };
    let adyen = providers::by_key("adyen").unwrap();
    let signed = adyen.sign(
        outgoing,
        &Secret::text(ADYEN_KEY),
        &Settings::default(),
        now(),
    );
    proxy("adyen", &signed.unwrap())
}

/// The event with one text of its body replaced.
fn altered(event: &Value, from: &str, to: &str) -> Value {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let body = BASE64_STANDARD
        .decode(event["body"].as_str().unwrap())
        .unwrap();
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains(from));
    let mut event = event.clone();
    event["body"] = BASE64_STANDARD.encode(body.replacen(from, to, 1)).into();
    event
}

#[tokio::test]
async fn adyen_hears_accepted_for_what_is_kept_and_nothing_of_a_batch_with_a_forged_item_is_kept() {
    let secrets = json!({"adyen": {"signing": [ADYEN_KEY]}});
    let bench = switched_on(&json!({"adyen": {}}), &secrets);
    let batch = adyen(&["P1", "P2", "P3"]);
    let forged = altered(&batch, "\"P2\"", "\"P9\"");
    expect(&bench.post(forged).await, 401, "bad_signature");
    assert_eq!(bench.table.all_events(), []);

    let other_reason = altered(&batch, "\"reason\":\"\"", "\"reason\":\"x\"");
    for event in [
        &batch,
        &batch,
        &other_reason,
        &adyen(&["P2"]),
        &adyen(&["P3", "P1"]),
    ] {
        let answer = bench.post(event.clone()).await;
        assert_eq!(
            (answer.status_code, answer.body.as_str()),
            (200, "[accepted]")
        );
    }
    assert_eq!(bench.table.all_events().len(), 3);
    let counted =
        ["WebhookStored", "WebhookDuplicate", "EventConflict"].map(|metric| bench.counted(metric));
    assert_eq!(counted, [3, 9, 0]);
}
