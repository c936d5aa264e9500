//! A local HTTP server that speaks for the providers' APIs, and one documented answer of each.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use payments::confirm::{Gateway, HttpClient, gateway};
use payments::secret::{SecretText, SecretValue};
use payments::settings::Confirm;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server answers, one request after the other; the last answer is repeated.
pub struct Script {
    pub answers: Vec<(&'static str, String)>,
    pub delay: Duration,
}

pub type Asked = Arc<Mutex<Vec<String>>>;

pub async fn serve(script: Script) -> (String, Asked) {
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

pub async fn api_of(provider: &str, script: Script) -> (Arc<dyn Gateway>, Asked) {
    let (base_url, asked) = serve(script).await;
    let http = HttpClient::with_timeout(Duration::from_millis(700)).unwrap();
    (
        gateway(provider, &Confirm { base_url }, &http).unwrap(),
        asked,
    )
}

pub fn answers(answers: &[(&'static str, String)]) -> Script {
    Script {
        answers: answers.to_vec(),
        delay: Duration::ZERO,
    }
}

pub fn ok(body: &Value) -> (&'static str, String) {
    ("200 OK", body.to_string())
}

/// One provider: its id, its key, its answer to a payment that succeeded, and how that reads.
pub struct Case {
    pub provider: &'static str,
    pub id: &'static str,
    pub key: SecretValue,
    pub answer: String,
    /// A line of the request, in small letters.
    pub asks: &'static str,
    pub reads: &'static str,
}

pub fn text(key: &str) -> SecretValue {
    SecretValue::Text(SecretText::new(key))
}

pub fn named(texts: &[(&str, &str)]) -> SecretValue {
    let texts = texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
    SecretValue::Named(texts.collect())
}

pub fn case(
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

pub fn cases() -> Vec<Case> {
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
