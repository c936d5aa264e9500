//! Follows one event from the table to the end of its processing, and shows each hop with its time.

use super::{Exit, Ui};
use crate::resources::{Aws, During};
use crate::view::Tone;
use jiff::Timestamp;
use payments::event::{PaymentEvent, Status};
use payments::store::{DynamoStore, EventItem, Ignored, Key, Processing, Store};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Time between two looks at the table.
const LOOK: Duration = Duration::from_millis(200);
/// Executions that are looked through for the one of the event.
const EXECUTIONS: i32 = 20;
/// How long an execution may take to end after its event is processed.
const ENDING: Duration = Duration::from_secs(5);

/// What an event passes on its way.
pub struct Route<'a> {
    /// Name of the table.
    pub table: &'a str,
    /// ARN of the state machine.
    pub state_machine: &'a str,
    /// Name of the pipe.
    pub pipe: &'a str,
    /// How long the whole way may take.
    pub patience: Duration,
}

/// By what an event is known in the table.
pub struct Sought {
    /// Its payment.
    pub payment_id: String,
    /// The provider's id of it; absent where each arrival is an event of its own.
    event_id: Option<String>,
    /// Ids of the payment's events that were there before it.
    before: HashSet<String>,
}

impl Sought {
    /// Looks at the payment before the event is sent.
    pub async fn of(
        store: &DynamoStore,
        event: &PaymentEvent,
        by_arrival: bool,
    ) -> anyhow::Result<Self> {
        let payment_id = event.payment_id();
        let there = match by_arrival {
            true => store.events(&payment_id).await?,
            false => Vec::new(),
        };
        Ok(Self {
            payment_id,
            event_id: (!by_arrival).then(|| event.event_id.clone()),
            before: there.into_iter().map(|item| item.event_id).collect(),
        })
    }

    /// An event that is known by its id.
    pub fn event(payment_id: String, event_id: String) -> Self {
        Self {
            payment_id,
            event_id: Some(event_id),
            before: HashSet::new(),
        }
    }

    /// Whether this is it.
    fn is(&self, item: &EventItem) -> bool {
        match &self.event_id {
            Some(id) => item.event_id == *id,
            None => !self.before.contains(&item.event_id),
        }
    }

    /// How often it is among a payment's events.
    pub fn count(&self, events: &[EventItem]) -> usize {
        events.iter().filter(|item| self.is(item)).count()
    }

    /// The event among those of its payment.
    pub fn among(&self, events: Vec<EventItem>) -> Option<EventItem> {
        events.into_iter().find(|item| self.is(item))
    }
}

/// One hop.
struct Hop<'a> {
    at: Duration,
    hop: &'a str,
    detail: String,
    more: Value,
}

/// Says each hop with the time since the start.
pub struct Hops<'a> {
    ui: &'a Ui,
    start: Instant,
    clock: Timestamp,
    last: Cell<Duration>,
}

impl<'a> Hops<'a> {
    /// The clock starts now.
    pub fn start(ui: &'a Ui) -> Self {
        Self {
            ui,
            start: Instant::now(),
            clock: Timestamp::now(),
            last: Cell::default(),
        }
    }

    /// A hop that just happened.
    pub fn say(&self, hop: &str, detail: &str, more: Value) {
        self.tell(&Hop {
            at: self.start.elapsed(),
            hop,
            detail: detail.to_owned(),
            more,
        });
    }

    /// How long after the start a time is that AWS tells; its clock may be behind ours.
    fn since_start(&self, seconds: f64) -> Duration {
        let start = self.clock.as_millisecond() as f64 / 1e3;
        Duration::from_secs_f64((seconds - start).max(0.0))
    }

    /// Times of AWS are of other clocks and some are whole seconds; what happened later is never shown as earlier.
    fn tell(&self, hop: &Hop<'_>) {
        let at = self.last.get().max(hop.at);
        self.last.set(at);
        let Hop {
            hop, detail, more, ..
        } = hop;
        if self.ui.is_json() {
            let mut line = json!({"event": "hop", "hop": hop, "elapsedMs": at.as_millis() as u64});
            if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
                line.extend(more.clone());
            }
            return self.ui.json(&line);
        }
        let time = format!("{:>7.2} s", at.as_secs_f64());
        let time = self.ui.paint().tone(Tone::Dim, time);
        self.ui.say(format!("{time}  {hop:<18} {detail}"));
    }

    /// What to do when it went wrong.
    pub fn hint(&self, hint: &str) {
        match self.ui.is_json() {
            true => self.ui.json(&json!({"event": "hint", "hint": hint})),
            false => self.ui.error(format!("  -> {hint}")),
        }
    }
}

/// Waits until the event is processed.
pub async fn follow(
    aws: &Aws,
    route: &Route<'_>,
    sought: &Sought,
    hops: &Hops<'_>,
) -> anyhow::Result<Exit> {
    let store = DynamoStore::new(aws.dynamodb.clone(), route.table);
    let mut stored = false;
    while hops.start.elapsed() < route.patience {
        let found = sought.among(store.events(&sought.payment_id).await?);
        if let (Some(item), false) = (&found, stored) {
            stored = true;
            hops.tell(&Hop {
                at: hops.since_start(item.received_at.as_millisecond() as f64 / 1e3),
                hop: "stored",
                detail: item.key.payment_id.clone(),
                more: json!({"paymentId": item.key.payment_id, "timestamp": item.key.timestamp}),
            });
        }
        if let Some(item) = found.filter(|item| item.processing != Processing::Received) {
            let execution = execution(aws, route, &item.key, hops).await;
            let (processed, exit) = ended(&item, hops);
            let [started, stopped] = execution.unwrap_or_default();
            let hops_left = [started, Some(processed), stopped];
            hops_left.iter().flatten().for_each(|hop| hops.tell(hop));
            if exit != Exit::Done {
                hops.hint("the item's `failure` and the failed execution say more");
            }
            return Ok(exit);
        }
        sleep(LOOK).await;
    }
    hops.say(
        "given up",
        &format!("after {} s", route.patience.as_secs()),
        json!({}),
    );
    for hint in hints(aws, route, stored).await {
        hops.hint(&hint);
    }
    Ok(Exit::Failed)
}

/// How processing ended, at the time that the item tells.
fn ended(item: &EventItem, hops: &Hops<'_>) -> (Hop<'static>, Exit) {
    let status = item.status.map(Status::as_str);
    let outcome = item.outcome_id.as_deref();
    let published = outcome.map_or_else(String::new, |id| format!(", outcome {id} published"));
    let (hop, detail, exit) = match item.processing {
        Processing::Failed => {
            let why = item.failure.as_deref().unwrap_or("for an unknown reason");
            ("failed", why.to_owned(), Exit::Failed)
        }
        Processing::Ignored => {
            let why = item
                .ignored
                .map_or("its type says nothing about a payment", Ignored::words);
            ("ignored", why.to_owned(), Exit::Done)
        }
        Processing::Processed | Processing::Received => (
            "processed",
            format!("{}{published}", status.unwrap_or("no status")),
            Exit::Done,
        ),
    };
    let at = item.processed_at.map_or(hops.start.elapsed(), |at| {
        hops.since_start(at.as_millisecond() as f64 / 1e3)
    });
    let more = json!({"status": status, "outcomeId": outcome, "failure": item.failure});
    (
        Hop {
            at,
            hop,
            detail,
            more,
        },
        exit,
    )
}

/// Start and end of the execution that had the event's key in its input, as far as they are easily found.
async fn execution(
    aws: &Aws,
    route: &Route<'_>,
    key: &Key,
    hops: &Hops<'_>,
) -> Option<[Option<Hop<'static>>; 2]> {
    let arn = execution_of(aws, route, key).await?;
    let patience = Instant::now() + ENDING;
    loop {
        let request = aws.sfn.describe_execution().execution_arn(&arn);
        let found = request.send().await.ok()?;
        let hop = |time: &aws_smithy_types::DateTime, hop, detail: &str| Hop {
            at: hops.since_start(time.as_secs_f64()),
            hop,
            detail: detail.to_owned(),
            more: json!({"execution": found.name()}),
        };
        let name = found.name().unwrap_or_default();
        let started = hop(found.start_date(), "execution started", name);
        let status = found.status().as_str();
        let stopped = found
            .stop_date()
            .map(|stop| hop(stop, "execution ended", status));
        if stopped.is_some() || Instant::now() > patience {
            return Some([Some(started), stopped]);
        }
        sleep(LOOK).await;
    }
}

/// The pipe hands over keys and not events, so that is what an execution is known by.
async fn execution_of(aws: &Aws, route: &Route<'_>, key: &Key) -> Option<String> {
    let request = aws
        .sfn
        .list_executions()
        .state_machine_arn(route.state_machine)
        .max_results(EXECUTIONS);
    for execution in request.send().await.ok()?.executions() {
        let arn = execution.execution_arn();
        let request = aws.sfn.describe_execution().execution_arn(arn);
        let found = request.send().await.ok()?;
        let input = found.input().unwrap_or_default();
        if input.contains(&key.payment_id) && input.contains(&key.timestamp.to_string()) {
            return Some(arn.to_owned());
        }
    }
    None
}

/// What may hold the event up.
async fn hints(aws: &Aws, route: &Route<'_>, stored: bool) -> Vec<String> {
    if !stored {
        return vec![format!(
            "the API took the event, but the table {} does not have it: look at the validator's log group",
            route.table
        )];
    }
    let pipe = aws
        .pipes
        .describe_pipe()
        .name(route.pipe)
        .send()
        .await
        .during("pipes:DescribePipe");
    let state = match &pipe {
        Ok(pipe) => pipe
            .current_state()
            .map_or("unknown", |state| state.as_str())
            .to_owned(),
        Err(error) => error.to_string(),
    };
    vec![
        format!(
            "the event is stored and waits to be processed; the pipe {} says: {state}",
            route.pipe
        ),
        format!(
            "look at the executions of {}; those of an express workflow are in `payhook logs` alone",
            route.state_machine
        ),
        "a larger --timeout waits longer; retries alone can take a minute".to_owned(),
    ]
}
