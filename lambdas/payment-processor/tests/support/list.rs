//! Stands for Plaid's API: a list of events that grows, and transfers that are as their last event says.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payments::confirm::{Confirmed, Gateway, GatewayError, Listed, News};
use payments::event::{PaymentEvent, Status};
use payments::secret::SecretValue;

use super::{Steps, eur};

/// Events on one page.
const PAGE: usize = 100;

#[derive(Default)]
pub struct List {
    pub events: Mutex<Vec<Listed>>,
    /// What is answered in place of the pages that are asked for next.
    pub failing: Mutex<Vec<Option<GatewayError>>>,
    /// The places that were asked about.
    pub asked: Mutex<Vec<u64>>,
    pub steps: Mutex<Arc<Steps>>,
}

impl List {
    /// A list of so many events of so many transfers, each pending first and settled in the end.
    pub fn of(events: u64, transfers: u64) -> Arc<Self> {
        let listed = |place: u64| {
            let status = match place + transfers > events {
                true => Status::Settled,
                false => Status::Pending,
            };
            listed(place, &format!("t-{}", place % transfers), status)
        };
        let list = Self::default();
        *list.events.lock().unwrap() = (1..=events).map(listed).collect();
        Arc::new(list)
    }

    async fn step(&self) {
        let steps = self.steps.lock().unwrap().clone();
        steps.step().await;
    }
}

pub fn listed(place: u64, transfer: &str, status: Status) -> Listed {
    Listed {
        place,
        event: PaymentEvent {
            provider: "plaid",
            event_id: place.to_string(),
            event_type: status.as_str().into(),
            // Many events in one second.
            occurred_ms: Some(1_767_225_600_000 + place as i64 / 10 * 1_000),
            provider_payment_id: transfer.into(),
            money: Some(eur(1999)),
            claimed: Some(status),
            signed: true,
            common_digest: Some(format!("{place} {transfer} {status}")),
        },
        raw: format!("{{\"event_id\":{place}}}").into_bytes(),
    }
}

#[async_trait]
impl Gateway for List {
    async fn payment(
        &self,
        id: &str,
        _api_key: &SecretValue,
    ) -> Result<Option<Confirmed>, GatewayError> {
        let last = {
            let events = self.events.lock().unwrap();
            let mut of_transfer = events.iter().rev();
            let last = of_transfer.find(|listed| listed.event.provider_payment_id == id);
            last.and_then(|listed| listed.event.claimed)
        };
        self.step().await;
        let status = last.ok_or(GatewayError::NoSuchPayment)?;
        let amount = Some(eur(1999));
        Ok(Some(Confirmed { status, amount }))
    }

    async fn news(&self, after: u64, _api_key: &SecretValue) -> Result<Option<News>, GatewayError> {
        let failure = {
            self.asked.lock().unwrap().push(after);
            let mut failing = self.failing.lock().unwrap();
            match failing.is_empty() {
                true => None,
                false => failing.remove(0),
            }
        };
        self.step().await;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let events = self.events.lock().unwrap();
        let mut behind = events.iter().filter(|listed| listed.place > after);
        let page = behind.by_ref().take(PAGE).cloned().collect();
        News::new(after, page, behind.next().is_some()).map(Some)
    }

    async fn acknowledge(
        &self,
        _id: &str,
        _api_key: &SecretValue,
        _idempotency_key: &str,
    ) -> Result<(), GatewayError> {
        Ok(())
    }
}
