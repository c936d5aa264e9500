//! Follows one event from the table to the end of its processing, and shows each hop with its time.

use super::{Exit, Ui};
use crate::resources::{Aws, During};
use crate::view::Tone;
use jiff::Timestamp;
use payments::event::{PaymentEvent, Status};
use payments::store::{DynamoStore, EventItem, Processing, Store};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Time between two looks at the table.
const LOOK: Duration = Duration::from_millis(200);
/// Executions that are looked through for the one of the event.
const EXECUTIONS: i32 = 5;

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

/// Says each hop with the time since the start.
pub struct Hops<'a> {
    ui: &'a Ui,
    start: Instant,
    clock: Timestamp,
}

impl<'a> Hops<'a> {
    /// The clock starts now.
    pub fn start(ui: &'a Ui, clock: Timestamp) -> Self {
        Self {
            ui,
            start: Instant::now(),
            clock,
        }
    }

    /// A hop that just happened.
    pub fn say(&mut self, hop: &str, detail: &str, more: Value) {
        self.at(self.start.elapsed(), hop, detail, more);
    }

    /// A hop at a time that AWS tells.
    fn told(&mut self, at: f64, hop: &str, detail: &str) {
        let since = at - self.clock.as_second() as f64;
        self.at(
            Duration::from_secs_f64(since.max(0.0)),
            hop,
            detail,
            json!({}),
        );
    }

    fn at(&mut self, at: Duration, hop: &str, detail: &str, more: Value) {
        if self.ui.is_json() {
            let mut line = json!({"event": "hop", "hop": hop, "elapsedMs": at.as_millis() as u64});
            if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
                line.extend(more);
            }
            return self.ui.json(&line);
        }
        let time = self
            .ui
            .paint()
            .tone(Tone::Dim, format!("{:>7.2} s", at.as_secs_f64()));
        self.ui.say(format!("{time}  {hop:<18} {detail}"));
    }

    /// What to do when it went wrong.
    pub fn hint(&mut self, hint: &str) {
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
    event: &PaymentEvent,
    hops: &mut Hops<'_>,
) -> anyhow::Result<Exit> {
    let store = DynamoStore::new(aws.dynamodb.clone(), route.table);
    let payment_id = event.payment_id();
    let mut stored = false;
    while hops.start.elapsed() < route.patience {
        let found = find(&store, &payment_id, &event.event_id).await?;
        if let (Some(item), false) = (&found, stored) {
            stored = true;
            hops.say(
                "stored",
                &item.key.payment_id,
                json!({"paymentId": item.key.payment_id, "timestamp": item.key.timestamp}),
            );
        }
        if let Some(item) = found.filter(|item| item.processing != Processing::Received) {
            execution(aws, route, &event.event_id, hops).await;
            return Ok(ended(&item, hops));
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

async fn find(
    store: &DynamoStore,
    payment_id: &str,
    event_id: &str,
) -> anyhow::Result<Option<EventItem>> {
    let events = store.events(payment_id).await?;
    Ok(events.into_iter().find(|item| item.event_id == event_id))
}

fn ended(item: &EventItem, hops: &mut Hops<'_>) -> Exit {
    let status = item.status.map(Status::as_str);
    let outcome = item.outcome_id.as_deref();
    let more = json!({"status": status, "outcomeId": outcome, "failure": item.failure});
    let published = outcome.map_or_else(String::new, |id| format!(", outcome {id} published"));
    match item.processing {
        Processing::Failed => {
            let why = item.failure.as_deref().unwrap_or("for an unknown reason");
            hops.say("failed", why, more);
            hops.hint("the item's `failure` and the failed execution say more");
            Exit::Failed
        }
        Processing::Ignored => {
            hops.say("ignored", "its type says nothing about a payment", more);
            Exit::Done
        }
        Processing::Processed | Processing::Received => {
            hops.say(
                "processed",
                &format!("{}{published}", status.unwrap_or("no status")),
                more,
            );
            Exit::Done
        }
    }
}

/// The execution that had the event in its input, as far as it is easily found.
async fn execution(aws: &Aws, route: &Route<'_>, event_id: &str, hops: &mut Hops<'_>) {
    let request = aws
        .sfn
        .list_executions()
        .state_machine_arn(route.state_machine)
        .max_results(EXECUTIONS);
    let Ok(list) = request.send().await else {
        return;
    };
    for execution in list.executions() {
        let request = aws
            .sfn
            .describe_execution()
            .execution_arn(execution.execution_arn());
        let Ok(found) = request.send().await else {
            return;
        };
        if !found.input().is_some_and(|input| input.contains(event_id)) {
            continue;
        }
        hops.told(
            found.start_date().as_secs_f64(),
            "execution started",
            execution.name(),
        );
        if let Some(stop) = found.stop_date() {
            hops.told(
                stop.as_secs_f64(),
                "execution ended",
                found.status().as_str(),
            );
        }
        return;
    }
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
        format!("look at the executions of {}", route.state_machine),
        "a larger --timeout waits longer; retries alone can take a minute".to_owned(),
    ]
}
