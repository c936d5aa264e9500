//! Stands for Stripe's API, which payment-processor asks before it believes an event.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

type Payments = Arc<Mutex<HashMap<String, Payment>>>;

/// Knows every payment as succeeded with the amount of the test events, unless it is told to fail first.
pub struct StripeApi {
    pub url: String,
    payments: Payments,
}

#[derive(Default)]
struct Payment {
    failures_left: u32,
    asked: u32,
}

impl StripeApi {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let payments = Payments::default();
        let shared = Arc::clone(&payments);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let payments = Arc::clone(&shared);
                std::thread::spawn(move || answer(connection, &payments));
            }
        });
        Self { url, payments }
    }

    /// Answers the next questions about a payment with 503.
    pub fn fail(&self, payment: &str, times: u32) {
        let mut payments = self.payments.lock().expect("the payments");
        payments
            .entry(payment.to_owned())
            .or_default()
            .failures_left = times;
    }

    /// How often it was asked about a payment.
    pub fn asked(&self, payment: &str) -> u32 {
        let payments = self.payments.lock().expect("the payments");
        payments.get(payment).map_or(0, |payment| payment.asked)
    }
}

fn answer(mut connection: TcpStream, payments: &Payments) {
    let Some(id) = asked_for(&connection) else {
        return;
    };
    let fails = {
        let mut payments = payments.lock().expect("the payments");
        let payment = payments.entry(id.clone()).or_default();
        payment.asked += 1;
        let fails = payment.failures_left > 0;
        payment.failures_left = payment.failures_left.saturating_sub(1);
        fails
    };
    let (status, body) = match fails {
        true => ("503 Service Unavailable", json!({"error": {}})),
        false => ("200 OK", intent(&id)),
    };
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = connection.write_all((head + &body).as_bytes());
}

/// The id in `GET /v1/payment_intents/{id}?..` of a request that carries the key of the API.
fn asked_for(connection: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let authorised =
        |line: &String| line.eq_ignore_ascii_case("authorization: Bearer sk_test_integration");
    headers.iter().find(|line| authorised(line))?;
    let path = target.split('?').next()?;
    Some(path.strip_prefix("/v1/payment_intents/")?.to_owned())
}

fn intent(id: &str) -> serde_json::Value {
    json!({
        "id": id,
        "object": "payment_intent",
        "status": "succeeded",
        "amount": super::senders::MINOR,
        "amount_received": super::senders::MINOR,
        "currency": "eur",
        "latest_charge": {"id": "ch_1", "object": "charge", "amount_refunded": 0, "refunded": false, "disputed": false},
    })
}
