//! Asking every provider's API, spoken by a local HTTP server in the shapes that each documents.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use payments::confirm::{Gateway, GatewayError, HttpClient, gateway, idempotency_key};
use payments::secret::{SecretText, SecretValue};
use payments::settings::Confirm;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server answers, one request after the other; the last answer is repeated.
struct Script {
    answers: Vec<(&'static str, String)>,
    delay: Duration,
}

type Asked = Arc<Mutex<Vec<String>>>;

async fn serve(script: Script) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16_384];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let number = {
                let mut seen = seen.lock().unwrap();
                seen.push(String::from_utf8_lossy(&request[..read]).into_owned());
                seen.len() - 1
            };
            let (status, body) = &script.answers[number.min(script.answers.len() - 1)];
            tokio::time::sleep(script.delay).await;
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (base_url, asked)
}

async fn api_of(provider: &str, script: Script) -> (Arc<dyn Gateway>, Asked) {
    let (base_url, asked) = serve(script).await;
    let http = HttpClient::with_timeout(Duration::from_millis(700)).unwrap();
    (
        gateway(provider, &Confirm { base_url }, &http).unwrap(),
        asked,
    )
}

fn answers(answers: &[(&'static str, String)]) -> Script {
    Script {
        answers: answers.to_vec(),
        delay: Duration::ZERO,
    }
}

fn ok(body: &Value) -> (&'static str, String) {
    ("200 OK", body.to_string())
}

/// One provider: its id, its key, its answer to a payment that succeeded, and how that reads.
struct Case {
    provider: &'static str,
    id: &'static str,
    key: SecretValue,
    answer: String,
    /// A line of the request, in small letters.
    asks: &'static str,
    reads: &'static str,
}

fn text(key: &str) -> SecretValue {
    SecretValue::Text(SecretText::new(key))
}

fn named(texts: &[(&str, &str)]) -> SecretValue {
    let texts = texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
    SecretValue::Named(texts.collect())
}

fn case(
    provider: &'static str,
    id: &'static str,
    key: SecretValue,
    answer: Value,
    asks: &'static str,
    reads: &'static str,
) -> Case {
    Case {
        provider,
        id,
        key,
        answer: answer.to_string(),
        asks,
        reads,
    }
}

fn cases() -> Vec<Case> {
    let eur = json!({"value": "10.50", "currency": "EUR"});
    let mut cases = vec![
        case(
            "authorize_net",
            "60198",
            named(&[("name", "n"), ("transaction_key", "t")]),
            json!({"transaction": {"transId": "60198", "transactionStatus": "settledSuccessfully", "settleAmount": 10.50},
                "messages": {"resultCode": "Ok", "message": [{"code": "I00001", "text": "Successful."}]}}),
            "post /xml/v1/request.api http/1.1",
            "settled",
        ),
        case(
            "checkout_com",
            "pay_1",
            text("sk"),
            json!({"id": "pay_1", "amount": 1050, "currency": "EUR", "status": "Captured"}),
            "get /payments/pay_1 http/1.1",
            "succeeded 10.50 EUR",
        ),
        case(
            "coinbase_commerce",
            "CODE1",
            text("key"),
            json!({"data": {"code": "CODE1", "id": "u-1", "pricing": {"local": {"amount": "10.50", "currency": "EUR"}},
                "timeline": [{"status": "NEW"}, {"status": "PENDING"}, {"status": "COMPLETED"}]}}),
            "x-cc-api-key: key",
            "succeeded 10.50 EUR",
        ),
        case(
            "flutterwave_v3",
            "4975363",
            text("FLWSECK"),
            json!({"status": "success", "data": {"id": 4975363, "amount": 10.5, "currency": "EUR", "status": "successful"}}),
            "get /v3/transactions/4975363/verify http/1.1",
            "succeeded 10.50 EUR",
        ),
        case(
            "gocardless",
            "PM1",
            text("token"),
            json!({"payments": {"id": "PM1", "amount": 1050, "currency": "EUR", "status": "paid_out"}}),
            "gocardless-version: 2015-07-06",
            "settled 10.50 EUR",
        ),
        case(
            "klarna",
            "order-1",
            named(&[("username", "K1"), ("password", "p")]),
            json!({"order_id": "order-1", "status": "AUTHORIZED", "fraud_status": "ACCEPTED", "order_amount": 1050,
                "purchase_currency": "EUR", "captured_amount": 0, "refunded_amount": 0}),
            "authorization: basic szE6ca==",
            "authorised 10.50 EUR",
        ),
        case(
            "mercado_pago",
            "123",
            text("token"),
            json!({"id": 123, "status": "approved", "status_detail": "accredited", "transaction_amount": 10.50, "currency_id": "BRL"}),
            "get /v1/payments/123 http/1.1",
            "succeeded 10.50 BRL",
        ),
        case(
            "mollie",
            "tr_1",
            text("live_key"),
            json!({"resource": "payment", "id": "tr_1", "status": "paid", "amount": eur}),
            "get /v2/payments/tr_1 http/1.1",
            "succeeded 10.50 EUR",
        ),
        case(
            "paddle",
            "txn_1",
            text("key"),
            json!({"data": {"id": "txn_1", "status": "completed", "currency_code": "EUR", "details": {"totals": {"grand_total": "1050"}}}}),
            "get /transactions/txn_1 http/1.1",
            "succeeded 10.50 EUR",
        ),
        case(
            "paystack",
            "ref-1",
            text("sk"),
            json!({"status": true, "data": {"reference": "ref-1", "status": "success", "amount": 1050, "currency": "XOF"}}),
            "get /transaction/verify/ref-1 http/1.1",
            "succeeded 10.50 XOF",
        ),
        case(
            "plaid",
            "transfer-1",
            named(&[("client_id", "c"), ("secret", "s")]),
            json!({"transfer": {"id": "transfer-1", "status": "settled", "amount": "10.50", "iso_currency_code": "USD"}}),
            "post /transfer/get http/1.1",
            "settled 10.50 USD",
        ),
        case(
            "razorpay",
            "pay_1",
            named(&[("key_id", "k"), ("key_secret", "s")]),
            json!({"id": "pay_1", "status": "captured", "refund_status": null, "amount": 1050, "currency": "INR"}),
            "get /v1/payments/pay_1 http/1.1",
            "succeeded 10.50 INR",
        ),
        case(
            "shopify",
            "450789469",
            text("shpat"),
            json!({"order": {"id": 450789469, "financial_status": "paid", "total_price": "10.50", "currency": "EUR"}}),
            "x-shopify-access-token: shpat",
            "succeeded 10.50 EUR",
        ),
        case(
            "square",
            "sq1",
            text("token"),
            json!({"payment": {"id": "sq1", "status": "COMPLETED", "amount_money": {"amount": 1050, "currency": "EUR"}}}),
            "get /v2/payments/sq1 http/1.1",
            "succeeded 10.50 EUR",
        ),
        case(
            "stripe",
            "pi_1",
            text("sk"),
            json!({"id": "pi_1", "status": "succeeded", "amount_received": 1050, "currency": "eur"}),
            "authorization: bearer sk",
            "succeeded 10.50 EUR",
        ),
        case(
            "worldpay",
            "order-1",
            named(&[("username", "u"), ("password", "p"), ("entity", "default")]),
            json!({"lastEvent": "Settled", "_links": {}}),
            "get /payments/events?transactionref=order-1&entity=default http/1.1",
            "succeeded",
        ),
        case(
            "xendit",
            "inv-1",
            text("xnd"),
            json!({"id": "inv-1", "status": "PAID", "amount": 10500, "currency": "IDR"}),
            "get /v2/invoices/inv-1 http/1.1",
            "succeeded 10500 IDR",
        ),
    ];
    cases.push(Case {
        provider: "braintree",
        id: "bt1",
        key: named(&[("merchant_id", "m"), ("public_key", "pub"), ("private_key", "priv")]),
        answer: "<?xml version=\"1.0\"?><transaction><id>bt1</id><status>settled</status><amount>10.50</amount>\
                 <currency-iso-code>EUR</currency-iso-code></transaction>"
            .to_owned(),
        asks: "get /merchants/m/transactions/bt1 http/1.1",
        reads: "succeeded 10.50 EUR",
    });
    cases
}

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
    let asked = asked.lock().unwrap();
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
