//! A processor on a table in memory, with steps at which a test can stop it.
#![allow(dead_code)]

pub mod list;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use payment_processor::{Answer, Confirmation, Failure, Invocation, Processor};
use payments::clock::Clock;
use payments::confirm::{Confirmed, Gateway, GatewayError};
use payments::event::Status;
use payments::head::Head;
use payments::logging::Log;
use payments::money::{Currency, Money};
use payments::outcome::{Outcome, Outcomes, PublishError};
use payments::secret::{SecretValue, Secrets};
use payments::secret_cache::{SecretCache, SecretSource, SecretUnavailable};
use payments::store::{
    Conflict, EventItem, Finish, Inserted, Key, Lease, Leased, Marker, MemoryStore, Processing,
    Store, StoreError,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Decides after each call to the outside whether the run goes on, yields, or stops for ever.
#[derive(Default)]
pub struct Steps {
    /// The call after which the run stops; 0 never.
    pub stop_after: u64,
    taken: AtomicU64,
    stopped: Notify,
    /// Seed of a sequence that says how often to let others run; 0 never.
    seed: AtomicU64,
}

impl Steps {
    pub fn stopping_after(call: u64) -> Self {
        Self {
            stop_after: call,
            ..Self::default()
        }
    }

    pub fn yielding(seed: u64) -> Self {
        Self {
            seed: AtomicU64::new(seed | 1),
            ..Self::default()
        }
    }

    pub async fn step(&self) {
        if self.taken.fetch_add(1, Ordering::SeqCst) + 1 == self.stop_after {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
        let seed = self.seed.load(Ordering::SeqCst);
        if seed != 0 {
            let next = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.seed.store(next, Ordering::SeqCst);
            for _ in 0..(next >> 60) {
                tokio::task::yield_now().await;
            }
        }
    }
}

pub struct SteppedStore {
    pub inner: Arc<MemoryStore>,
    pub steps: Arc<Steps>,
}

#[async_trait]
impl Store for SteppedStore {
    async fn insert(&self, item: &EventItem) -> Result<Inserted, StoreError> {
        let done = self.inner.insert(item).await;
        self.steps.step().await;
        done
    }
    async fn known(&self, provider: &str, event: &str) -> Result<Option<Marker>, StoreError> {
        self.inner.known(provider, event).await
    }
    async fn lease(&self, key: &Key, lease: &Lease) -> Result<Leased, StoreError> {
        let done = self.inner.lease(key, lease).await;
        self.steps.step().await;
        done
    }
    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreError> {
        let done = self.inner.release(key, owner).await;
        self.steps.step().await;
        done
    }
    async fn finish(&self, key: &Key, owner: &str, finish: &Finish) -> Result<bool, StoreError> {
        let done = self.inner.finish(key, owner, finish).await;
        self.steps.step().await;
        done
    }
    async fn head(&self, payment_id: &str) -> Result<Option<Head>, StoreError> {
        let done = self.inner.head(payment_id).await;
        self.steps.step().await;
        done
    }
    async fn put_head(&self, payment_id: &str, head: &Head) -> Result<bool, StoreError> {
        let done = self.inner.put_head(payment_id, head).await;
        self.steps.step().await;
        done
    }
    async fn cursor(&self, provider: &str) -> Result<Option<u64>, StoreError> {
        let done = self.inner.cursor(provider).await;
        self.steps.step().await;
        done
    }
    async fn advance(&self, provider: &str, to: u64) -> Result<bool, StoreError> {
        let done = self.inner.advance(provider, to).await;
        self.steps.step().await;
        done
    }
    async fn record(&self, conflict: &Conflict) -> Result<(), StoreError> {
        self.inner.record(conflict).await
    }
    async fn conflicts(&self, payment_id: &str) -> Result<Vec<Conflict>, StoreError> {
        self.inner.conflicts(payment_id).await
    }
    async fn events(&self, payment_id: &str) -> Result<Vec<EventItem>, StoreError> {
        self.inner.events(payment_id).await
    }
}

/// Remembers every outcome, in order.
#[derive(Default)]
pub struct Published {
    pub outcomes: Mutex<Vec<Outcome>>,
    pub failing: Mutex<Option<PublishError>>,
    pub steps: Mutex<Arc<Steps>>,
}

#[async_trait]
impl Outcomes for Published {
    async fn publish(&self, outcome: &Outcome) -> Result<(), PublishError> {
        if let Some(error) = self.failing.lock().unwrap().take() {
            return Err(error);
        }
        self.outcomes.lock().unwrap().push(outcome.clone());
        let steps = self.steps.lock().unwrap().clone();
        steps.step().await;
        Ok(())
    }
}

/// Says what the test told it to, and with which keys it was asked.
pub struct Scripted {
    pub answers: Mutex<Vec<Result<Option<Confirmed>, GatewayError>>>,
    pub keys: Mutex<Vec<String>>,
    pub acknowledged: Mutex<Vec<String>>,
    pub steps: Mutex<Arc<Steps>>,
}

#[async_trait]
impl Gateway for Scripted {
    async fn payment(
        &self,
        _id: &str,
        api_key: &SecretValue,
    ) -> Result<Option<Confirmed>, GatewayError> {
        self.keys
            .lock()
            .unwrap()
            .push(api_key.text().unwrap_or_default().to_owned());
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 {
                answers.remove(0)
            } else {
                answers[0].clone()
            }
        };
        let steps = self.steps.lock().unwrap().clone();
        steps.step().await;
        answer
    }

    async fn acknowledge(
        &self,
        _id: &str,
        _api_key: &SecretValue,
        idempotency_key: &str,
    ) -> Result<(), GatewayError> {
        self.acknowledged
            .lock()
            .unwrap()
            .push(idempotency_key.to_owned());
        Ok(())
    }
}

pub struct Vault(pub Mutex<String>);

#[async_trait]
impl SecretSource for Vault {
    async fn read(&self) -> Result<Secrets, SecretUnavailable> {
        Secrets::parse(&self.0.lock().unwrap()).map_err(|error| SecretUnavailable::Content {
            id: "s".into(),
            error,
        })
    }
}

pub struct Bench {
    pub table: Arc<MemoryStore>,
    pub published: Arc<Published>,
    pub gateway: Option<Arc<Scripted>>,
    /// Plaid's list of events.
    pub list: Option<Arc<list::List>>,
    pub vault: Arc<Vault>,
    pub seconds: Arc<AtomicU64>,
    pub lines: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            table: Arc::default(),
            published: Arc::default(),
            gateway: None,
            list: None,
            vault: Arc::new(Vault(Mutex::new(
                r#"{"stripe":{"signing":[],"api_key":"sk_test_old"},"klarna":{"api_key":"k"},"mollie":{"api_key":"m"},"plaid":{"api_key":"p"}}"#
                    .into(),
            ))),
            seconds: Arc::default(),
            lines: Arc::default(),
        }
    }

    /// With a provider's API that gives these answers, the last one for ever.
    pub fn confirmed(answers: Vec<Result<Option<Confirmed>, GatewayError>>) -> Self {
        let gateway = Scripted {
            answers: Mutex::new(answers),
            keys: Mutex::default(),
            acknowledged: Mutex::default(),
            steps: Mutex::default(),
        };
        Self {
            gateway: Some(Arc::new(gateway)),
            ..Self::new()
        }
    }

    pub fn clock(&self) -> Clock {
        let seconds = self.seconds.clone();
        Arc::new(move || start() + SignedDuration::from_secs(seconds.load(Ordering::SeqCst) as i64))
    }

    pub fn processor(&self, steps: Steps) -> (Arc<Steps>, Processor) {
        let steps = Arc::new(steps);
        *self.published.steps.lock().unwrap() = steps.clone();
        let mut gateways: BTreeMap<String, Arc<dyn Gateway>> = BTreeMap::new();
        if let Some(gateway) = &self.gateway {
            *gateway.steps.lock().unwrap() = steps.clone();
            for provider in ["stripe", "klarna", "mollie"] {
                gateways.insert(provider.into(), gateway.clone());
            }
        }
        if let Some(list) = &self.list {
            *list.steps.lock().unwrap() = steps.clone();
            gateways.insert("plaid".into(), list.clone());
        }
        let secrets = Arc::new(SecretCache::new(self.vault.clone(), self.clock()));
        let processor = Processor {
            environment: "dev".into(),
            lease: LEASE,
            retention: Some(SignedDuration::from_hours(24)),
            store: Arc::new(SteppedStore {
                inner: self.table.clone(),
                steps: steps.clone(),
            }),
            confirmation: Confirmation { gateways, secrets },
            outcomes: self.published.clone(),
            clock: self.clock(),
            log: Log::new(self.lines.clone(), self.clock(), "dev"),
        };
        (steps, processor)
    }

    /// Runs one execution to its end.
    pub async fn run(&self, key: &Key, execution: &str) -> Result<Answer, Failure> {
        self.run_with(&payload(key, execution)).await
    }

    /// The same as the last try of the state machine.
    pub async fn run_last(&self, key: &Key, execution: &str) -> Result<Answer, Failure> {
        let mut payload = payload(key, execution);
        payload["lastTry"] = true.into();
        self.run_with(&payload).await
    }

    async fn run_with(&self, payload: &Value) -> Result<Answer, Failure> {
        let (_, processor) = self.processor(Steps::default());
        let invocation = Invocation {
            request_id: "r-1",
            trace_header: None,
        };
        processor.process(payload, invocation).await
    }

    /// Runs one execution until its n-th call is done and kills it there; false when it ended before.
    pub async fn killed_after(&self, call: u64, key: &Key, execution: &str) -> bool {
        let (steps, processor) = self.processor(Steps::stopping_after(call));
        let payload = payload(key, execution);
        tokio::select! {
            _ = processor.process(&payload, Invocation::default()) => false,
            () = steps.stopped.notified() => true,
        }
    }

    pub async fn item(&self, key: &Key) -> EventItem {
        let events = self.table.events(&key.payment_id).await.unwrap();
        events.into_iter().find(|event| event.key == *key).unwrap()
    }

    pub fn outcomes(&self) -> Vec<Outcome> {
        self.published.outcomes.lock().unwrap().clone()
    }
}

pub fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

pub fn payload(key: &Key, execution: &str) -> Value {
    json!({"execution": execution, "record": {"eventName": "INSERT", "dynamodb": {
        "Keys": {"paymentId": {"S": key.payment_id}, "timestamp": {"N": key.timestamp.to_string()}},
        "NewImage": {"recordType": {"S": "event"}},
    }}})
}

pub fn eur(minor: i64) -> Money {
    Money {
        minor,
        currency: Currency::parse("EUR").unwrap(),
        exponent: 2,
    }
}

pub fn event(id: &str, payment: &str, status: Option<Status>, at: i64) -> EventItem {
    EventItem {
        key: Key {
            payment_id: format!("stripe:{payment}"),
            timestamp: at.max(1),
        },
        provider: "stripe".into(),
        event_id: id.into(),
        event_type: "payment_intent.succeeded".into(),
        body_digest: format!("digest of {id}"),
        common_digest: None,
        occurred_ms: Some(at),
        event_status: status,
        money: Some(eur(1999)),
        provider_payment_id: payment.into(),
        received_at: start(),
        signed: true,
        trace_id: Some("1-5759e988-bd862e3fe1be46a994272793".into()),
        expires_at: None,
        body: None,
        body_events: 1,
        told_by: None,
        erased_at: None,
        processing: Processing::Received,
        processed_at: None,
        ignored: None,
        status: None,
        outcome_id: None,
        mismatch: None,
        resolved: None,
        failure: None,
    }
}
