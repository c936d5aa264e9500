//! Asking every provider's API, spoken by a local HTTP server in the shapes that each documents.

#[path = "support/apis.rs"]
mod apis;

use std::time::Duration;

use apis::*;
use payments::confirm::{Gateway, GatewayError, idempotency_key};
use payments::secret::SecretValue;
use serde_json::{Value, json};

async fn read(
    api: &dyn Gateway,
    id: &str,
    key: &SecretValue,
) -> Result<Option<String>, GatewayError> {
    let confirmed = api.payment(id, key).await?;
    Ok(confirmed.map(|confirmed| {
        let money = confirmed
            .amount
            .map(|money| format!(" {money}"))
            .unwrap_or_default();
        format!("{}{money}", confirmed.status)
    }))
}

#[tokio::test]
async fn every_api_is_asked_as_documented_and_its_answer_is_understood() {
    for case in cases() {
        let (api, asked) = api_of(case.provider, answers(&[("200 OK", case.answer)])).await;
        let confirmed = read(api.as_ref(), case.id, &case.key).await;
        assert_eq!(
            confirmed,
            Ok(Some(case.reads.to_owned())),
            "{}",
            case.provider
        );
        let asked = asked.lock().unwrap().join("\n").to_ascii_lowercase();
        assert!(
            asked.contains(&case.asks.to_ascii_lowercase()),
            "{}: {asked}",
            case.provider
        );
    }
}

#[tokio::test]
async fn every_api_that_is_slow_busy_or_broken_is_asked_again_and_one_that_refuses_is_not() {
    for case in cases() {
        for (status, transient) in [
            ("429 Too Many Requests", true),
            ("500 Internal Server Error", true),
            ("503 Service Unavailable", true),
            ("400 Bad Request", false),
            ("401 Unauthorized", false),
            ("404 Not Found", false),
            ("302 Found\r\nlocation: http://127.0.0.1:1/", false),
        ] {
            let (api, asked) = api_of(
                case.provider,
                answers(&[(status, "anna@example.com".into())]),
            )
            .await;
            let failure = read(api.as_ref(), case.id, &case.key).await.unwrap_err();
            assert_eq!(
                failure.is_transient(),
                transient,
                "{} {status}: {failure}",
                case.provider
            );
            assert!(!failure.to_string().contains("anna"), "{failure}");
            let tries = if transient { 2 } else { 1 };
            assert_eq!(
                asked.lock().unwrap().len(),
                tries,
                "{} {status}",
                case.provider
            );
        }
    }
}

#[tokio::test]
async fn an_api_that_does_not_answer_in_time_is_left_and_asked_again_later() {
    let mut running = tokio::task::JoinSet::new();
    for case in cases() {
        running.spawn(async move {
            let whole = Script {
                answers: vec![("200 OK", case.answer)],
                delay: Duration::from_secs(3),
            };
            let (slow, _) = api_of(case.provider, whole).await;
            read(slow.as_ref(), case.id, &case.key).await.unwrap_err()
        });
    }
    for failure in running.join_all().await {
        assert_eq!(failure, GatewayError::Unreachable("did not answer in time"));
    }
}

#[tokio::test]
async fn a_burst_of_one_busy_answer_is_over_at_the_second_try() {
    for case in cases() {
        let script = answers(&[
            ("503 Service Unavailable", String::new()),
            ("200 OK", case.answer),
        ]);
        let (api, asked) = api_of(case.provider, script).await;
        let confirmed = read(api.as_ref(), case.id, &case.key).await;
        assert_eq!(
            confirmed,
            Ok(Some(case.reads.to_owned())),
            "{}",
            case.provider
        );
        assert_eq!(asked.lock().unwrap().len(), 2);
    }
}

/// The status in the provider's own word.
fn status_word(provider: &str) -> &'static str {
    match provider {
        "authorize_net" => "settledSuccessfully",
        "checkout_com" => "Captured",
        "coinbase_commerce" | "square" => "COMPLETED",
        "flutterwave_v3" => "successful",
        "gocardless" => "paid_out",
        "klarna" => "AUTHORIZED",
        "mercado_pago" => "approved",
        "mollie" | "shopify" => "paid",
        "paddle" => "completed",
        "paystack" => "success",
        "plaid" | "braintree" => "settled",
        "razorpay" => "captured",
        "stripe" => "succeeded",
        "worldpay" => "Settled",
        _ => "PAID",
    }
}

#[tokio::test]
async fn malformed_and_contradictory_answers_are_never_a_status() {
    for case in cases() {
        let other = case.answer.replace(case.id, "9999999999");
        let new_status = case
            .answer
            .replace(status_word(case.provider), "something_new");
        let money = case
            .answer
            .replace("1050", "1e3")
            .replace("10.50", "ten")
            .replace("10.5,", "\"ten\",")
            .replace("10500", "1e3");
        let names_no_id = case.provider == "worldpay";
        let names_no_money = ["worldpay", "authorize_net"].contains(&case.provider);
        for (what, answer, skip) in [
            ("empty", String::new(), false),
            ("html", "<html></html>".to_owned(), false),
            ("list", "[]".to_owned(), false),
            ("empty object", "{}".to_owned(), false),
            (
                "cut",
                case.answer[..case.answer.len() - 2].to_owned(),
                false,
            ),
            (
                "too long",
                format!("{}{}", case.answer, " ".repeat(1 << 20)),
                false,
            ),
            ("of another payment", other, names_no_id),
            ("of a new status", new_status, false),
            ("with unusable money", money, names_no_money),
        ] {
            if skip {
                continue;
            }
            let (api, _) = api_of(case.provider, answers(&[("200 OK", answer.clone())])).await;
            let failure = read(api.as_ref(), case.id, &case.key).await;
            assert!(
                failure.as_ref().is_err_and(GatewayError::is_transient),
                "{} {what}: {failure:?} of {answer:.300}",
                case.provider
            );
        }
    }
}

#[tokio::test]
async fn an_id_that_could_change_the_address_is_never_sent() {
    for case in cases() {
        let (api, asked) = api_of(case.provider, answers(&[("200 OK", case.answer)])).await;
        for id in [
            "",
            "..",
            ".",
            "a/b",
            "../x",
            "a?b=c",
            "a#b",
            "a%2e",
            "a b",
            "é",
            "a\r\nx: y",
            "a&b",
            &"a".repeat(200),
        ] {
            assert_eq!(
                api.payment(id, &case.key).await,
                Ok(None),
                "{} {id}",
                case.provider
            );
        }
        assert!(asked.lock().unwrap().is_empty(), "{}", case.provider);
    }
}

#[tokio::test]
async fn a_key_of_the_wrong_shape_is_a_matter_of_configuration_and_nothing_is_sent() {
    for case in cases() {
        let (api, asked) = api_of(case.provider, answers(&[("200 OK", case.answer)])).await;
        let wrong = match case.key {
            SecretValue::Text(_) => named(&[("x", "y")]),
            SecretValue::Named(_) => text("key"),
        };
        assert_eq!(
            api.payment(case.id, &wrong).await,
            Err(GatewayError::NoKey),
            "{}",
            case.provider
        );
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn paypal_is_asked_with_a_token_that_is_fetched_once_and_again_when_it_is_refused() {
    let token = ok(&json!({"access_token": "A21", "token_type": "Bearer", "expires_in": 32_400}));
    let capture = ok(
        &json!({"id": "CAP1", "status": "COMPLETED", "amount": {"value": "10.50", "currency_code": "EUR"}}),
    );
    let refused = ("401 Unauthorized", String::new());
    let script = answers(&[
        token.clone(),
        capture.clone(),
        capture.clone(),
        refused,
        token,
        capture,
    ]);
    let (api, asked) = api_of("paypal", script).await;
    let key = named(&[("client_id", "c"), ("client_secret", "s")]);
    for expected in [
        Ok(Some("succeeded 10.50 EUR".to_owned())),
        Ok(Some("succeeded 10.50 EUR".to_owned())),
        Err(GatewayError::Denied(401)),
        Ok(Some("succeeded 10.50 EUR".to_owned())),
    ] {
        assert_eq!(read(api.as_ref(), "CAP1", &key).await, expected);
    }
    let asked = asked.lock().unwrap().clone();
    let paths: Vec<_> = asked
        .iter()
        .map(|request| request.split(' ').nth(1).unwrap_or_default())
        .collect();
    let (token, capture) = ("/v1/oauth2/token", "/v2/payments/captures/CAP1");
    assert_eq!(paths, [token, capture, capture, capture, token, capture]);
    assert!(asked[0].contains("grant_type=client_credentials"));
    assert!(
        asked[1]
            .to_ascii_lowercase()
            .contains("authorization: bearer a21")
    );
    assert_eq!(
        api.payment("WH-1", &key).await,
        Ok(None),
        "no capture has such an id"
    );
}

#[tokio::test]
async fn a_paypal_id_is_looked_for_among_all_kinds_of_payments_since_it_does_not_tell_its_own() {
    let token = ok(&json!({"access_token": "A21", "token_type": "Bearer", "expires_in": 32_400}));
    let missing = ("404 Not Found", String::new());
    let v2 = json!({"value": "10.50", "currency_code": "EUR"});
    let unit = json!({"amount": v2});
    let sale =
        json!({"id": "P1", "state": "refunded", "amount": {"total": "10.50", "currency": "EUR"}});
    let order = |status: &str, units: &[&Value]| json!({"id": "P1", "status": status, "purchase_units": units});
    let key = named(&[("client_id", "c"), ("client_secret", "s")]);
    for (tries, answer, reads) in [
        (
            1,
            json!({"id": "P1", "status": "PARTIALLY_REFUNDED", "amount": v2}),
            "partially_refunded 10.50 EUR",
        ),
        (
            2,
            json!({"id": "P1", "status": "CREATED", "amount": v2}),
            "authorised 10.50 EUR",
        ),
        (
            2,
            json!({"id": "P1", "status": "VOIDED", "amount": v2}),
            "canceled 10.50 EUR",
        ),
        (3, order("CREATED", &[&unit]), "pending 10.50 EUR"),
        (3, order("APPROVED", &[&unit]), "authorised 10.50 EUR"),
        (3, order("COMPLETED", &[&unit, &unit]), "succeeded"),
        (4, sale, "refunded 10.50 EUR"),
    ] {
        let mut script = vec![token.clone()];
        script.extend(vec![missing.clone(); tries - 1]);
        script.push(ok(&answer));
        let (api, asked) = api_of("paypal", answers(&script)).await;
        assert_eq!(
            read(api.as_ref(), "P1", &key).await,
            Ok(Some(reads.to_owned()))
        );
        assert_eq!(asked.lock().unwrap().len(), 1 + tries);
    }
    let (api, asked) = api_of("paypal", answers(&[token.clone(), missing])).await;
    assert_eq!(
        read(api.as_ref(), "P1", &key).await,
        Err(GatewayError::NoSuchPayment)
    );
    assert_eq!(asked.lock().unwrap().len(), 5);
    let busy = ("429 Too Many Requests", String::new());
    let (api, _) = api_of("paypal", answers(&[token, busy])).await;
    assert_eq!(
        read(api.as_ref(), "P1", &key).await,
        Err(GatewayError::Busy(429)),
        "not known is not the same as busy"
    );
}

#[tokio::test]
async fn klarna_is_told_once_per_event_that_its_push_was_dealt_with() {
    let (api, asked) = api_of("klarna", answers(&[("204 No Content", String::new())])).await;
    let key = named(&[("username", "K1"), ("password", "p")]);
    let event = idempotency_key("klarna", "order-1@1", "acknowledge");
    api.acknowledge("order-1", &key, &event).await.unwrap();
    api.acknowledge("order-1", &key, &event).await.unwrap();
    let asked = asked.lock().unwrap().join("\n").to_ascii_lowercase();
    let line = format!("klarna-idempotency-key: {event}");
    assert_eq!(
        asked
            .matches("post /ordermanagement/v1/orders/order-1/acknowledge")
            .count(),
        2
    );
    assert_eq!(
        asked.matches(&line).count(),
        2,
        "a repetition is the same act"
    );
    assert_ne!(event, idempotency_key("klarna", "order-1@2", "acknowledge"));
    assert_ne!(event, idempotency_key("klarna", "order-1@1", "capture"));
}

#[tokio::test]
async fn money_that_went_back_shows_in_the_answers_that_keep_the_status() {
    let mollie = |extra: Value| {
        let mut payment = json!({"id": "tr_1", "status": "paid", "amount": {"value": "10.50", "currency": "EUR"}});
        for (name, value) in extra.as_object().unwrap() {
            payment[name] = json!({"value": value, "currency": "EUR"});
        }
        ("mollie", "tr_1", text("key"), payment)
    };
    let klarna = |status: &str, captured: i64, refunded: i64| {
        let order = json!({"order_id": "o-1", "status": status, "order_amount": 1050, "purchase_currency": "EUR",
            "captured_amount": captured, "refunded_amount": refunded});
        (
            "klarna",
            "o-1",
            named(&[("username", "u"), ("password", "p")]),
            order,
        )
    };
    for ((provider, id, key, answer), reads) in [
        (mollie(json!({"amountRefunded": "10.50"})), "refunded"),
        (
            mollie(json!({"amountRefunded": "0.50"})),
            "partially_refunded",
        ),
        (
            mollie(json!({"amountRefunded": "0.50", "amountChargedBack": "10.00"})),
            "disputed",
        ),
        (klarna("CAPTURED", 1050, 0), "succeeded"),
        (klarna("CAPTURED", 1050, 50), "partially_refunded"),
        (klarna("PART_CAPTURED", 500, 500), "refunded"),
        (klarna("CANCELLED", 0, 0), "canceled"),
    ] {
        let (api, _) = api_of(provider, answers(&[ok(&answer)])).await;
        let confirmed = read(api.as_ref(), id, &key).await.unwrap().unwrap();
        assert_eq!(confirmed, format!("{reads} 10.50 EUR"), "{answer}");
    }
}
