//! As much of Lambda's Runtime API, Secrets Manager and DynamoDB as one function needs, on one port.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Hands out invocations and gives back what the function answers and stores.
pub struct LambdaService {
    pub address: String,
    /// What the function tells the service, in order.
    pub told: UnboundedReceiver<Told>,
}

/// One thing that the function did.
#[derive(Debug, PartialEq)]
pub enum Told {
    Stored(Value),
    Answered(Value),
    Failed(String),
}

struct Shared {
    invocations: Mutex<VecDeque<Value>>,
    secret: String,
    tell: UnboundedSender<Told>,
}

struct Received {
    path: String,
    operation: String,
    body: String,
}

impl LambdaService {
    pub async fn start(secret: String, invocations: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, told) = unbounded_channel();
        let shared = Arc::new(Shared {
            invocations: Mutex::new(invocations.into()),
            secret,
            tell,
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, told }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    while let Some(received) = receive(&mut stream).await {
        let (status, headers, body) = shared.answer(received).await;
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n");
        if stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn receive(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut operation) = (0, String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => operation = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        path,
        operation,
        body: String::from_utf8(body).ok()?,
    })
}

impl Shared {
    async fn answer(&self, received: Received) -> (u16, String, String) {
        let plain = |body: Value| (200, String::new(), body.to_string());
        let parsed = || serde_json::from_str(&received.body).unwrap_or_default();
        let path = received.path.as_str();
        if path.ends_with("/invocation/next") {
            let next = self.invocations.lock().unwrap().pop_front();
            let Some(event) = next else {
                return std::future::pending().await;
            };
            let headers = "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                           Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                           Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f\r\n";
            return (200, headers.into(), event.to_string());
        }
        if path.ends_with("/response") {
            self.tell(Told::Answered(parsed()));
            return (202, String::new(), String::new());
        }
        match received.operation.rsplit('.').next() {
            Some("GetSecretValue") => {
                plain(json!({"Name": "providers", "SecretString": self.secret}))
            }
            Some("TransactWriteItems") => {
                let written: Value = parsed();
                let puts = written["TransactItems"].as_array().into_iter().flatten();
                let is_event = |put: &&Value| put["Item"]["recordType"]["S"] == "event";
                let events = puts.map(|item| &item["Put"]).filter(is_event);
                events.for_each(|put| self.tell(Told::Stored(put.clone())));
                plain(json!({}))
            }
            _ => {
                self.tell(Told::Failed(format!("{path} {}", received.body)));
                (202, String::new(), String::new())
            }
        }
    }

    fn tell(&self, told: Told) {
        // The test may have seen enough and be gone.
        let _ = self.tell.send(told);
    }
}
