//! Webhooks as providers send them, signed here from their documentation and not with payhook's own code.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::deployed::{Deployed, standing};

/// Amount of every test event, in cents.
pub const MINOR: i64 = 1999;
const CURRENCY: &str = "EUR";
pub const SCHEMES: [&str; 3] = ["stripe", "standard_webhooks", "generic_hmac"];

/// One webhook, ready to be posted again and again.
#[derive(Clone)]
pub struct Webhook {
    pub provider: &'static str,
    pub event_id: String,
    pub payment: String,
    pub body: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
    pub occurred_ms: i64,
}

pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Webhook {
    /// A payment that succeeded just now.
    pub async fn new(stack: &Deployed, provider: &'static str) -> Self {
        let number = unique();
        let payment = match provider {
            "stripe" => format!("pi_{number}"),
            _ => format!("pay_{number}"),
        };
        Self::about(stack, provider, &payment, "succeeded", now()).await
    }

    /// A payment's new status at a time.
    pub async fn about(
        stack: &Deployed,
        provider: &'static str,
        payment: &str,
        status: &str,
        seconds: u64,
    ) -> Self {
        let event_id = format!("evt_{}", unique());
        let body = match provider {
            "stripe" => stripe_event(&event_id, payment, status, seconds),
            "standard_webhooks" => standard_event(payment, status, seconds),
            _ => generic_event(&event_id, payment, status, seconds),
        };
        let mut webhook = Self {
            provider,
            event_id,
            payment: payment.to_owned(),
            body: body.to_string().into_bytes(),
            headers: Vec::new(),
            occurred_ms: i64::try_from(seconds * 1000).expect("a time"),
        };
        webhook.sign(&stack.secret(provider).await, now());
        webhook
    }

    /// The same with another body, signed anew.
    pub async fn with_body(mut self, stack: &Deployed, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.sign(&stack.secret(self.provider).await, now());
        self
    }

    /// Signs the body as it is at a time.
    pub fn sign(&mut self, secret: &str, seconds: u64) {
        let time = seconds.to_string();
        self.headers = match self.provider {
            "stripe" => {
                let tag = tag(secret.as_bytes(), &[time.as_bytes(), b".", &self.body]);
                vec![(
                    "Stripe-Signature",
                    format!("t={time},v1={}", hex::encode(tag)),
                )]
            }
            "standard_webhooks" => {
                let key = secret.strip_prefix("whsec_").expect("whsec_");
                let key = STANDARD.decode(key).expect("base64");
                let front = format!("{}.{time}.", self.event_id);
                let tag = tag(&key, &[front.as_bytes(), &self.body]);
                vec![
                    ("webhook-id", self.event_id.clone()),
                    ("webhook-timestamp", time),
                    ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
                ]
            }
            _ => vec![(
                "X-Signature",
                hex::encode(tag(secret.as_bytes(), &[&self.body])),
            )],
        };
    }

    /// Key of the payment in the table.
    pub fn payment_id(&self) -> String {
        format!("{}:{}", self.provider, self.payment)
    }

    /// Posts it to the provider's own path.
    pub async fn post(&self, stack: &Deployed) -> Answer {
        self.post_to(stack, &format!("/{}", self.provider)).await
    }

    /// Posts it below `apiUrl`; a throttled delivery is repeated, as providers do.
    pub async fn post_to(&self, stack: &Deployed, path: &str) -> Answer {
        let url = format!("{}{path}", stack.output("apiUrl"));
        let client = reqwest::Client::new();
        for _ in 0..20 {
            let mut request = client.post(&url).header("content-type", "application/json");
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            let answer = request
                .body(self.body.clone())
                .send()
                .await
                .expect("an answer");
            let status = answer.status().as_u16();
            let body = answer.text().await.expect("its body");
            // On AWS a function beyond its reserved concurrency shows as an error of the server.
            let throttled = status == 429 || status >= 500 && standing().is_some();
            if !throttled {
                let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
                return Answer { status, body };
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("{url} is throttled for too long");
    }
}

impl Answer {
    /// Status and the one word of the body.
    pub fn words(&self) -> (u16, &str) {
        (
            self.status,
            self.body["status"].as_str().unwrap_or_default(),
        )
    }
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// Digits that no other run has used.
pub fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.expect("after 1970").as_nanos();
    format!("{nanos}{:04}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn tag(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, &parts.concat()).as_ref().to_vec()
}

fn stripe_event(id: &str, payment: &str, status: &str, seconds: u64) -> Value {
    json!({
        "id": id,
        "object": "event",
        "created": seconds,
        "type": format!("payment_intent.{status}"),
        "data": {"object": {
            "id": payment,
            "object": "payment_intent",
            "amount": MINOR,
            "amount_received": MINOR,
            "currency": CURRENCY.to_lowercase(),
        }},
    })
}

fn standard_event(payment: &str, status: &str, seconds: u64) -> Value {
    json!({
        "type": format!("payment.{status}"),
        "timestamp": jiff::Timestamp::from_second(seconds.cast_signed()).expect("a time").to_string(),
        "data": {"id": payment, "amount": MINOR, "currency": CURRENCY},
    })
}

fn generic_event(id: &str, payment: &str, status: &str, seconds: u64) -> Value {
    json!({
        "id": id,
        "type": format!("payment.{status}"),
        "timestamp": seconds,
        "data": {"id": payment, "amount": MINOR, "currency": CURRENCY, "status": status},
    })
}
