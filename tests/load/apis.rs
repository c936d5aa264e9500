//! Stands for the providers' APIs: knows every payment as paid, fails now and then, and can be down.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use super::chance::Chance;
use super::plaid::Plaid;

/// Providers whose API is asked, each below a path of its own.
pub const ASKED: [&str; 10] = [
    "checkout_com",
    "flutterwave_v3",
    "gocardless",
    "klarna",
    "mercado_pago",
    "paystack",
    "plaid",
    "square",
    "stripe",
    "xendit",
];

pub struct Apis {
    pub url: String,
    state: Arc<State>,
}

struct State {
    down: AtomicBool,
    well: AtomicBool,
    asked: AtomicU64,
    failed: AtomicU64,
    plaid: Plaid,
}

impl Apis {
    pub fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let state = Arc::new(State {
            down: AtomicBool::default(),
            well: AtomicBool::default(),
            asked: AtomicU64::default(),
            failed: AtomicU64::default(),
            plaid: Plaid::new(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let mut chance = Chance::new(seed);
            for connection in listener.incoming().flatten() {
                let fails = chance.of_hundred(5);
                let state = Arc::clone(&shared);
                std::thread::spawn(move || answer(connection, &state, fails));
            }
        });
        Self { url, state }
    }

    /// Answers nothing but 503 while it is down.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// From here on nothing fails any more.
    pub fn recover(&self) {
        self.set_down(false);
        self.state.well.store(true, Ordering::SeqCst);
    }

    /// Plaid, whose signing keys are its own.
    pub fn plaid(&self) -> &Plaid {
        &self.state.plaid
    }

    /// How often it was asked, and failed.
    pub fn figures(&self) -> String {
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        let (asked, failed) = (count(&self.state.asked), count(&self.state.failed));
        format!("the APIs were asked {asked} times and failed {failed} times")
    }
}

/// What a provider's API is asked with.
pub fn key(provider: &str) -> Value {
    match provider {
        "klarna" => json!({"username": "u", "password": "p"}),
        "plaid" => json!({"client_id": "c", "secret": "s"}),
        _ => json!("load"),
    }
}

fn answer(mut connection: TcpStream, state: &State, fails: bool) {
    let Some((path, asked)) = question(&connection) else {
        return;
    };
    state.asked.fetch_add(1, Ordering::SeqCst);
    let fails = fails && !state.well.load(Ordering::SeqCst) || state.down.load(Ordering::SeqCst);
    let found = match fails {
        true => None,
        false => match path.strip_prefix("/plaid") {
            Some(path) => state.plaid.answer(path, &asked),
            None => payment(&path),
        },
    };
    if found.is_none() {
        state.failed.fetch_add(1, Ordering::SeqCst);
    }
    let (status, body) = match found {
        Some(body) => ("200 OK", body.to_string()),
        None => ("503 Service Unavailable", String::new()),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = connection.write_all((head + &body).as_bytes());
}

/// The path that is asked, and what with, if that is JSON.
fn question(connection: &TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.split('?').next()?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim().to_lowercase().split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).unwrap_or_default()))
}

/// The payment that a path names, as its provider documents it.
fn payment(path: &str) -> Option<Value> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let provider = parts.next()?;
    let last = parts.rfind(|part| !["verify", "acknowledge"].contains(part))?;
    let id = last.to_owned();
    Some(match provider {
        "checkout_com" => {
            json!({"id": id, "amount": 1999, "currency": "EUR", "status": "Captured"})
        }
        "flutterwave_v3" => {
            json!({"status": "success", "data": {"id": id, "amount": 19.99, "currency": "EUR", "status": "successful"}})
        }
        "gocardless" => {
            json!({"payments": {"id": id, "amount": 1999, "currency": "EUR", "status": "confirmed"}})
        }
        "klarna" => {
            json!({"order_id": id, "status": "CAPTURED", "fraud_status": "ACCEPTED", "order_amount": 1999,
            "purchase_currency": "EUR", "captured_amount": 1999, "refunded_amount": 0})
        }
        "mercado_pago" => {
            json!({"id": id, "status": "approved", "transaction_amount": 19.99, "currency_id": "EUR"})
        }
        "paystack" => {
            json!({"status": true, "data": {"reference": id, "status": "success", "amount": 1999, "currency": "EUR"}})
        }
        "square" => {
            json!({"payment": {"id": id, "status": "COMPLETED", "amount_money": {"amount": 1999, "currency": "EUR"}}})
        }
        "stripe" => {
            json!({"id": id, "status": "succeeded", "amount": 1999, "amount_received": 1999, "currency": "eur"})
        }
        "xendit" => json!({"id": id, "status": "PAID", "amount": 19.99, "currency": "EUR"}),
        _ => return None,
    })
}
