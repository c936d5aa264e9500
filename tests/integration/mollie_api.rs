//! Stands for Mollie's API, which knows every payment link, no payment but those it was told of, and those not at once.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::request::Request;

/// How often a payment is still unknown when it is asked about.
type Payments = Arc<Mutex<HashMap<String, u32>>>;

pub struct MollieApi {
    pub url: String,
    payments: Payments,
}

impl MollieApi {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let payments = Payments::default();
        let shared = Arc::clone(&payments);
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let Some(request) = Request::read(&connection) else {
                    continue;
                };
                let path = request.start.split(' ').nth(1).unwrap_or_default();
                let id = path.rsplit('/').next().unwrap_or_default();
                let body = payment(&shared, id);
                let status = body.as_ref().map_or("404 Not Found", |_| "200 OK");
                let body = body.unwrap_or_default();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        Self { url, payments }
    }

    /// From the question after so many on, the payment is known as paid.
    pub fn know_after(&self, payment: &str, questions: u32) {
        let mut payments = self.payments.lock().expect("the payments");
        payments.insert(payment.to_owned(), questions);
    }
}

fn payment(payments: &Payments, id: &str) -> Option<String> {
    // What `send` makes up are links, and those are known.
    if !id.starts_with("pl_") {
        let mut payments = payments.lock().expect("the payments");
        let unknown = payments.get_mut(id)?;
        if *unknown > 0 {
            *unknown -= 1;
            return None;
        }
    }
    let amount = json!({"value": "19.99", "currency": "EUR"});
    let payment = json!({"resource": "payment", "id": id, "status": "paid", "amount": amount});
    Some(payment.to_string())
}
