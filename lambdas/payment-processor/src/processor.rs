//! One event: lease, confirm, move the head, publish, mark.
//!
//! Every step is idempotent and only the last one marks the event, so that a run that stops anywhere is completed by
//! the next one; at worst the same outcome is published again under the same id.

use std::sync::Arc;

use jiff::SignedDuration;
use payments::clock::Clock;
use payments::event::Status;
use payments::head::{Change, Head};
use payments::logging::{Log, identifier};
use payments::metrics::{self, Metric, UNKNOWN_PROVIDER};
use payments::outcome::{Outcome, Outcomes, outcome_id};
use payments::providers;
use payments::store::{End, EventItem, Finish, Ignored, Key, Lease, Leased, Processing, Store};
use serde_json::Value;

use crate::confirm::Believed;
use crate::input::Input;
use crate::{Answer, Confirmation, Failure};

/// How often the head is read again after somebody else wrote it first.
const HEAD_TRIES: u32 = 20;

/// Everything the function needs, made once per process.
pub struct Processor {
    pub environment: String,
    pub lease: SignedDuration,
    /// How long items are kept; for ever if absent.
    pub retention: Option<SignedDuration>,
    pub store: Arc<dyn Store>,
    pub confirmation: Confirmation,
    pub outcomes: Arc<dyn Outcomes>,
    pub clock: Clock,
    pub log: Log,
}

/// What Lambda says about one invocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invocation<'a> {
    pub request_id: &'a str,
    pub trace_header: Option<&'a str>,
}

impl Processor {
    /// Processes one stream record; a record that is no new event, or is done already, changes nothing.
    pub async fn process(
        &self,
        payload: &Value,
        invocation: Invocation<'_>,
    ) -> Result<Answer, Failure> {
        let log = self
            .log
            .invocation(invocation.trace_header, invocation.request_id);
        let input = match Input::read(payload) {
            Ok(input) => input,
            Err(failure) => return Err(fail(&log, UNKNOWN_PROVIDER, "", failure)),
        };
        let Some(key) = input.event else {
            log.info(
                "record skipped",
                &[("paymentId", &identifier(&input.payment_id))],
            );
            return Ok(Answer::skipped(input.payment_id));
        };
        // A retry of the same execution continues at once what a killed invocation left; another execution waits.
        let owner = input.execution.as_deref().unwrap_or(invocation.request_id);
        let failure = match self.lease(&key, owner).await {
            Ok(Leased::Taken(event)) => {
                return self.work(&log, owner, *event, input.is_last_try).await;
            }
            Ok(Leased::Finished(event)) => {
                log.following(event.trace_id.as_deref())
                    .info("event was processed before", &about(&event).fields());
                return Ok(Answer::of(&event));
            }
            Ok(Leased::Held) => Failure::Leased,
            Ok(Leased::Missing) => Failure::Missing,
            Err(failure) => failure,
        };
        let provider = key.payment_id.split(':').next().unwrap_or(UNKNOWN_PROVIDER);
        Err(fail(&log, provider, &key.payment_id, failure))
    }

    async fn lease(&self, key: &Key, owner: &str) -> Result<Leased, Failure> {
        let now = (self.clock)();
        let until = now.checked_add(self.lease).unwrap_or(now);
        Ok(self
            .store
            .lease(
                key,
                &Lease {
                    owner: owner.to_owned(),
                    now,
                    until,
                },
            )
            .await?)
    }

    async fn work(
        &self,
        log: &Log,
        owner: &str,
        event: EventItem,
        is_last_try: bool,
    ) -> Result<Answer, Failure> {
        let log = log.following(event.trace_id.as_deref());
        let started = (self.clock)();
        match self.settle(&log, owner, &event, is_last_try).await {
            Ok(done) => {
                let waited = started.duration_since(event.received_at).as_millis();
                let ignored = done.processing == Processing::Ignored;
                log.info(
                    if ignored {
                        "event ignored"
                    } else {
                        "payment processed"
                    },
                    &about(&done).fields(),
                );
                let counted = if ignored {
                    Metric::PaymentIgnored
                } else {
                    Metric::PaymentProcessed
                };
                let millis = (self.clock)().duration_since(started).as_millis();
                let millis = u64::try_from(millis).unwrap_or(0);
                let mut values = vec![(counted, 1), (Metric::ProcessingMillis, millis)];
                // What failed before and is replayed has waited for a person, not for the stream.
                if event.processing == Processing::Received {
                    values.push((Metric::StreamLagMillis, u64::try_from(waited).unwrap_or(0)));
                }
                metrics::emit(&log, &done.provider, &values);
                Ok(Answer::of(&done))
            }
            Err(failure) => {
                // Without this the lease just runs out, so that failing here too loses nothing but time.
                let _ = self.store.release(&event.key, owner).await;
                Err(fail(&log, &event.provider, &event.key.payment_id, failure))
            }
        }
    }

    async fn settle(
        &self,
        log: &Log,
        owner: &str,
        event: &EventItem,
        is_last_try: bool,
    ) -> Result<EventItem, Failure> {
        let provider = providers::by_key(&event.provider);
        if provider.and_then(|provider| provider.list_notice()) == Some(&*event.event_type) {
            return self.read_list(log, owner, event).await;
        }
        let is_notice = provider.is_some_and(|provider| provider.only_api_knows(&event.event_type));
        if event.event_status.is_none() && !is_notice {
            return self.finish(owner, event, End::Ignored(None)).await;
        }
        let Some(believed) = self.confirmation.believe(event, is_last_try).await? else {
            log.warn(Ignored::UnknownAtGateway.words(), &about(event).fields());
            metrics::emit(log, &event.provider, &[(Metric::NoticeUnknown, 1)]);
            let end = End::Ignored(Some(Ignored::UnknownAtGateway));
            return self.finish(owner, event, end).await;
        };
        if believed.mismatch.is_some() {
            log.warn(
                "the provider's API contradicts the event and is believed",
                &about(event).fields(),
            );
            metrics::emit(log, &event.provider, &[(Metric::ConfirmMismatch, 1)]);
        }
        let (status, previous_status) = self.move_head(event, &believed).await?;
        let outcome = self.outcome(event, believed, status, previous_status);
        self.outcomes.publish(&outcome).await?;
        if is_notice {
            self.confirmation.acknowledge(event).await?;
        }
        let end = End::Processed {
            status,
            outcome_id: outcome.outcome_id,
            mismatch: outcome.mismatch,
        };
        self.finish(owner, event, end).await
    }

    /// Merges the event into the payment's head; returns the status after and before it.
    async fn move_head(
        &self,
        event: &EventItem,
        believed: &Believed,
    ) -> Result<(Status, Option<Status>), Failure> {
        let payment = &event.key.payment_id;
        let change = Change {
            event_id: event.event_id.clone(),
            status: believed.status,
            occurred_at: event.occurred_ms.unwrap_or(0),
            money: believed.money.clone(),
        };
        for _ in 0..HEAD_TRIES {
            let head = self.store.head(payment).await?;
            match Head::after(head.as_ref(), &change, (self.clock)()) {
                None => return Ok(unchanged(head.as_ref(), &change)),
                Some(next) if self.store.put_head(payment, &next).await? => {
                    return Ok((next.status().unwrap_or(change.status), next.previous));
                }
                Some(_) => {}
            }
        }
        Err(Failure::HeadContended)
    }

    fn outcome(
        &self,
        event: &EventItem,
        believed: Believed,
        status: Status,
        previous: Option<Status>,
    ) -> Outcome {
        Outcome {
            outcome_id: outcome_id(&event.provider, &event.event_id),
            environment: self.environment.clone(),
            provider: event.provider.clone(),
            payment_id: event.key.payment_id.clone(),
            provider_payment_id: event.provider_payment_id.clone(),
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            status,
            previous_status: previous,
            amount: believed.money,
            occurred_ms: event.occurred_ms,
            mismatch: believed.mismatch,
        }
    }

    pub(crate) async fn finish(
        &self,
        owner: &str,
        event: &EventItem,
        end: End,
    ) -> Result<EventItem, Failure> {
        let at = (self.clock)();
        let finish = Finish { at, end };
        if self.store.finish(&event.key, owner, &finish).await? {
            return Ok(event.clone().ended(finish.end));
        }
        // Either the reply to this very call was lost on the way, or another execution took over and is done or not.
        match self.lease(&event.key, owner).await? {
            Leased::Finished(done) => Ok(*done),
            _ => Err(Failure::LeaseLost),
        }
    }
}

/// Status after and before an event whose change the head holds already: this event, in a run that stopped after that,
/// or one that says nothing new.
fn unchanged(head: Option<&Head>, change: &Change) -> (Status, Option<Status>) {
    let status = head.and_then(Head::status);
    let previous = match head {
        Some(head) if head.last_event_id == change.event_id => head.previous,
        _ => status,
    };
    (status.unwrap_or(change.status), previous)
}

/// The fields of an event that a log may show.
pub(crate) struct About<'a> {
    provider: &'a str,
    payment: std::borrow::Cow<'a, str>,
    event: std::borrow::Cow<'a, str>,
    kind: std::borrow::Cow<'a, str>,
    status: &'a str,
}

pub(crate) fn about(event: &EventItem) -> About<'_> {
    About {
        provider: &event.provider,
        payment: identifier(&event.key.payment_id),
        event: identifier(&event.event_id),
        kind: identifier(&event.event_type),
        status: event.status.map_or("", Status::as_str),
    }
}

impl About<'_> {
    pub(crate) fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("provider", self.provider),
            ("paymentId", &self.payment),
            ("eventId", &self.event),
            ("eventType", &self.kind),
            ("status", self.status),
        ]
    }
}

/// Logs and counts a run that failed, whether or not it will be tried again.
fn fail(log: &Log, provider: &str, payment_id: &str, failure: Failure) -> Failure {
    let (payment, detail) = (identifier(payment_id), failure.to_string());
    let fields = [
        ("provider", provider),
        ("paymentId", &*payment),
        ("reason", failure.error_type()),
        ("detail", detail.as_str()),
    ];
    match failure {
        Failure::Leased => log.info("event is being processed already", &fields),
        Failure::NotKnownYet => log.info("event waits for its payment to be known", &fields),
        _ => {
            log.error("event not processed", &fields);
            metrics::emit(log, provider, &[(Metric::PaymentFailed, 1)]);
        }
    }
    failure
}
