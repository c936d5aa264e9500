//! The event that payhook publishes when a payment moved: what the user's own systems consume.

use async_trait::async_trait;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::{Value, json};

use crate::aws::{AwsFailure, describe};
use crate::event::Status;
use crate::money::Money;
use crate::store::sha256_hex;

/// Source of every published event.
pub const SOURCE: &str = "payhook.payments";

/// Detail type of every published event.
pub const DETAIL_TYPE: &str = "Payment Completed";

/// The same text for the same event, however often it is published; consumers recognise repetitions by it.
pub fn outcome_id(provider: &str, event_id: &str) -> String {
    // Provider keys contain no line break, so no two pairs make the same text.
    sha256_hex(format!("{provider}\n{event_id}").as_bytes())[..32].to_owned()
}

/// What a provider's event came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub outcome_id: String,
    pub environment: String,
    pub provider: String,
    pub payment_id: String,
    pub provider_payment_id: String,
    pub event_id: String,
    pub event_type: String,
    pub status: Status,
    pub previous_status: Option<Status>,
    pub amount: Option<Money>,
    /// The event's own time in milliseconds, where the provider states it.
    pub occurred_ms: Option<i64>,
    pub mismatch: Option<Mismatch>,
}

/// The provider's API says something else than the event; the API is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub claimed: (Status, Option<Money>),
    pub gateway: (Status, Option<Money>),
}

impl Mismatch {
    /// What differs; an amount that one side does not state differs from none.
    pub fn fields(&self) -> Vec<&'static str> {
        let (claimed, gateway) = (&self.claimed, &self.gateway);
        let both = claimed.1.as_ref().zip(gateway.1.as_ref());
        let differ = [
            ("status", claimed.0 != gateway.0),
            (
                "amount",
                both.is_some_and(|(claimed, gateway)| claimed != gateway),
            ),
        ];
        let differ = differ.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(field, _)| field).collect()
    }

    /// Both sides.
    pub fn sides(&self) -> Value {
        json!({"claimed": side(&self.claimed), "gateway": side(&self.gateway)})
    }
}

impl Outcome {
    /// The `detail` of the published event.
    pub fn detail(&self) -> Value {
        let occurred = self
            .occurred_ms
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        json!({
            "outcomeId": self.outcome_id,
            "environment": self.environment,
            "provider": self.provider,
            "paymentId": self.payment_id,
            "providerPaymentId": self.provider_payment_id,
            "eventId": self.event_id,
            "eventType": self.event_type,
            "status": self.status.as_str(),
            "previousStatus": self.previous_status.map(Status::as_str),
            "amount": self.amount.as_ref().map(money),
            "occurredAt": occurred.map(|at| at.to_string()),
            "mismatch": self.mismatch.as_ref().map(Mismatch::sides),
        })
    }
}

fn side((status, amount): &(Status, Option<Money>)) -> Value {
    json!({"status": status.as_str(), "amount": amount.as_ref().map(money)})
}

fn money(money: &Money) -> Value {
    json!({"minor": money.minor, "currency": money.currency.as_str(), "exponent": money.exponent})
}

/// The outcome was not published.
#[derive(Debug, thiserror::Error)]
#[error("the event bus {bus} did not take the outcome: {failure}")]
pub struct PublishError {
    pub bus: String,
    pub failure: AwsFailure,
}

/// Where outcomes go.
#[async_trait]
pub trait Outcomes: Send + Sync {
    /// Publishes one outcome; when this returns, the bus has it.
    async fn publish(&self, outcome: &Outcome) -> Result<(), PublishError>;
}

/// An EventBridge event bus.
pub struct EventBus {
    client: aws_sdk_eventbridge::Client,
    bus: String,
}

impl EventBus {
    pub fn new(client: aws_sdk_eventbridge::Client, bus: impl Into<String>) -> Self {
        Self {
            client,
            bus: bus.into(),
        }
    }

    fn failed(&self, failure: AwsFailure) -> PublishError {
        PublishError {
            bus: self.bus.clone(),
            failure,
        }
    }
}

#[async_trait]
impl Outcomes for EventBus {
    async fn publish(&self, outcome: &Outcome) -> Result<(), PublishError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .detail(outcome.detail().to_string())
            .build();
        let answer = self
            .client
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|error| self.failed(describe(&error)))?;
        // PutEvents answers 200 even when it took none of the entries.
        match answer.entries().iter().find_map(|entry| entry.error_code()) {
            None if answer.failed_entry_count() == 0 => Ok(()),
            code => Err(self.failed(entry_failure(code))),
        }
    }
}

fn entry_failure(code: Option<&str>) -> AwsFailure {
    let code = code.unwrap_or("no reason given");
    let transient = [
        "ThrottlingException",
        "InternalFailure",
        "InternalException",
        "no reason given",
    ]
    .contains(&code);
    AwsFailure {
        code: code.to_owned(),
        request_id: None,
        transient,
    }
}

#[cfg(test)]
mod tests;
