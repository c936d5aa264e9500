//! Asking Stripe's API, spoken by a local HTTP server in the shapes that Stripe documents.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use payments::confirm::{Confirmed, Gateway, GatewayError, HttpClient, gateway};
use payments::event::Status;
use payments::secret::{SecretText, SecretValue};
use payments::settings::Confirm;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every connection with the same bytes, after a while; keeps the heads of the requests.
async fn server(answer: Vec<u8>, delay: Duration) -> (Arc<dyn Gateway>, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let read = stream.read(&mut head).await.unwrap_or(0);
            seen.lock()
                .unwrap()
                .push(String::from_utf8_lossy(&head[..read]).into_owned());
            tokio::time::sleep(delay).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    let http = HttpClient::with_timeout(Duration::from_millis(500)).unwrap();
    (
        gateway("stripe", &Confirm { base_url }, &http).unwrap(),
        requests,
    )
}

fn response(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn key() -> SecretValue {
    SecretValue::Text(SecretText::new("sk_test_key"))
}

async fn ask(answer: Vec<u8>, id: &str) -> Result<Option<Confirmed>, GatewayError> {
    server(answer, Duration::ZERO)
        .await
        .0
        .payment(id, &key())
        .await
}

async fn ask_about(object: Value) -> Result<Option<(Status, String)>, GatewayError> {
    let id = object["id"].as_str().unwrap().to_owned();
    let confirmed = ask(response("200 OK", &object.to_string()), &id).await?;
    Ok(confirmed.map(|confirmed| {
        (
            confirmed.status,
            confirmed
                .amount
                .map(|money| money.to_string())
                .unwrap_or_default(),
        )
    }))
}

fn intent(status: &str, extra: Value) -> Value {
    let mut intent = json!({"id": "pi_1", "object": "payment_intent", "status": status, "currency": "eur",
        "amount": 3000, "amount_capturable": 2000, "amount_received": 1999, "last_payment_error": null, "latest_charge": null});
    for (name, value) in extra.as_object().unwrap() {
        intent[name] = value.clone();
    }
    intent
}

#[tokio::test]
async fn every_documented_state_of_a_payment_intent_is_understood() {
    let charge = |extra: Value| json!({"latest_charge": extra});
    for (object, status, money) in [
        (
            intent("requires_payment_method", json!({})),
            Status::Pending,
            "30.00 EUR",
        ),
        (
            intent(
                "requires_payment_method",
                json!({"last_payment_error": {"type": "card_error"}}),
            ),
            Status::Failed,
            "30.00 EUR",
        ),
        (
            intent("requires_confirmation", json!({})),
            Status::Pending,
            "30.00 EUR",
        ),
        (
            intent("processing", json!({})),
            Status::Pending,
            "30.00 EUR",
        ),
        (
            intent("requires_action", json!({})),
            Status::ActionRequired,
            "30.00 EUR",
        ),
        (
            intent("requires_capture", json!({})),
            Status::Authorised,
            "20.00 EUR",
        ),
        (intent("canceled", json!({})), Status::Canceled, "30.00 EUR"),
        (
            intent("succeeded", json!({})),
            Status::Succeeded,
            "19.99 EUR",
        ),
        (
            intent("succeeded", charge(json!("ch_1"))),
            Status::Succeeded,
            "19.99 EUR",
        ),
        (
            intent(
                "succeeded",
                charge(json!({"refunded": false, "amount_refunded": 0})),
            ),
            Status::Succeeded,
            "19.99 EUR",
        ),
        (
            intent(
                "succeeded",
                charge(json!({"refunded": false, "amount_refunded": 5})),
            ),
            Status::PartiallyRefunded,
            "19.99 EUR",
        ),
        (
            intent(
                "succeeded",
                charge(json!({"refunded": true, "amount_refunded": 1999})),
            ),
            Status::Refunded,
            "19.99 EUR",
        ),
        (
            intent(
                "succeeded",
                charge(json!({"refunded": true, "disputed": true})),
            ),
            Status::Disputed,
            "19.99 EUR",
        ),
    ] {
        let shown = object.to_string();
        assert_eq!(
            ask_about(object).await,
            Ok(Some((status, money.to_owned()))),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn every_documented_state_of_a_charge_is_understood() {
    let charge = |status: &str, captured: bool, refunded: i64| {
        json!({"id": "ch_1", "object": "charge", "status": status, "captured": captured, "amount": 500, "amount_captured": 400,
            "amount_refunded": refunded, "refunded": refunded == 400, "currency": "jpy"})
    };
    for (object, status, money) in [
        (charge("succeeded", true, 0), Status::Succeeded, "400 JPY"),
        (
            charge("succeeded", true, 1),
            Status::PartiallyRefunded,
            "400 JPY",
        ),
        (charge("succeeded", true, 400), Status::Refunded, "400 JPY"),
        (charge("succeeded", false, 0), Status::Authorised, "500 JPY"),
        (charge("pending", false, 0), Status::Pending, "500 JPY"),
        (charge("failed", false, 0), Status::Failed, "500 JPY"),
    ] {
        let shown = object.to_string();
        assert_eq!(
            ask_about(object).await,
            Ok(Some((status, money.to_owned()))),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn the_request_carries_the_key_and_asks_for_the_charge_too() {
    let (stripe, requests) = server(
        response("200 OK", &intent("succeeded", json!({})).to_string()),
        Duration::ZERO,
    )
    .await;
    stripe.payment("pi_1", &key()).await.unwrap();
    let request = requests.lock().unwrap()[0].to_ascii_lowercase();
    assert!(
        request.starts_with("get /v1/payment_intents/pi_1?expand[]=latest_charge http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nauthorization: bearer sk_test_key\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn an_id_that_is_no_payment_or_could_change_the_path_is_not_asked_about() {
    let (stripe, requests) = server(response("200 OK", "{}"), Duration::ZERO).await;
    for id in [
        "cs_1",
        "evt_1",
        "",
        "pi_",
        "pi",
        "pi_1/../../v1/refunds",
        "pi_1?x=1",
        "ch_%2e",
        "pi_é",
        "pi_1#",
    ] {
        assert_eq!(stripe.payment(id, &key()).await, Ok(None), "{id}");
    }
    assert!(requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn each_answer_of_the_api_becomes_the_right_kind_of_error() {
    let error = r#"{"error":{"message":"No such payment_intent: 'pi_1' for anna@example.com"}}"#;
    for (status, transient) in [
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("502 Bad Gateway", true),
        ("503 Service Unavailable", true),
        ("409 Conflict", true),
        ("400 Bad Request", false),
        ("401 Unauthorized", false),
        ("403 Forbidden", false),
        ("404 Not Found", false),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", false),
        ("204 No Content", false),
    ] {
        let failure = ask(response(status, error), "pi_1").await.unwrap_err();
        assert_eq!(failure.is_transient(), transient, "{status}: {failure}");
        assert!(!failure.to_string().contains("anna"), "{failure}");
    }
}

#[tokio::test]
async fn malformed_truncated_and_contradictory_answers_are_asked_again() {
    let whole = response("200 OK", &intent("succeeded", json!({})).to_string());
    let other = intent("succeeded", json!({"id": "pi_2"})).to_string();
    let bad_money = intent("succeeded", json!({"amount_received": "1.5e3"})).to_string();
    let unknown = intent("something_new", json!({})).to_string();
    for answer in [
        response("200 OK", ""),
        response("200 OK", "<html>"),
        response("200 OK", "[]"),
        response("200 OK", &other),
        response("200 OK", &bad_money),
        response("200 OK", &unknown),
        response(
            "200 OK",
            &format!("{{\"id\":\"pi_1\",\"x\":\"{}\"}}", "x".repeat(1 << 20)),
        ),
        whole[..whole.len() - 10].to_vec(),
        b"nonsense".to_vec(),
        Vec::new(),
    ] {
        let failure = ask(answer, "pi_1").await.unwrap_err();
        assert!(failure.is_transient(), "{failure}");
    }
}

#[tokio::test]
async fn an_api_that_is_slow_or_not_there_is_transient() {
    let (slow, _) = server(response("200 OK", "{}"), Duration::from_secs(3)).await;
    assert_eq!(
        slow.payment("pi_1", &key()).await,
        Err(GatewayError::Unreachable("did not answer in time"))
    );
    let http = HttpClient::new().unwrap();
    let absent = gateway(
        "stripe",
        &Confirm {
            base_url: "http://127.0.0.1:1".into(),
        },
        &http,
    )
    .unwrap();
    assert_eq!(
        absent.payment("pi_1", &key()).await,
        Err(GatewayError::Unreachable("could not be reached"))
    );
}

#[tokio::test]
async fn an_unusable_key_or_address_is_a_matter_of_configuration() {
    let (stripe, _) = server(response("200 OK", "{}"), Duration::ZERO).await;
    let broken = SecretValue::Text(SecretText::new("line\nbreak"));
    assert_eq!(
        stripe.payment("pi_1", &broken).await,
        Err(GatewayError::NoKey)
    );
    let nowhere = gateway(
        "stripe",
        &Confirm {
            base_url: "not a url".into(),
        },
        &HttpClient::new().unwrap(),
    )
    .unwrap();
    assert_eq!(
        nowhere.payment("pi_1", &key()).await,
        Err(GatewayError::Address)
    );
}
