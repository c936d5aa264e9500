//! Shows a run while it goes on, and turns its end into a result.

use super::explain::{RunCancelled, RunFailed};
use super::{Context, Ui};
use crate::engine::{Engine, Event, Outcome, Run, Sink, discard};
use crate::graph::LogicalName;
use crate::plan::Plan;
use crate::resources::{Given, Seen};
use crate::view::progress::{Board, Live, Show, Steady, sink};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FINISHING: &str =
    "Finishing what is in flight, then leaving; a second Ctrl-C leaves at once.";

/// Applies a plan while showing it; answers with the time it took.
pub async fn apply(
    context: &Context,
    engine: &mut Engine<'_>,
    plan: &Plan,
    seen: &BTreeMap<LogicalName, Seen>,
    verb: &str,
    given: &Given,
) -> anyhow::Result<Duration> {
    let run = Run {
        verb: verb.to_owned(),
        env: context.env().to_owned(),
        given: given.clone(),
        at: context.now().to_string(),
    };
    let start = Instant::now();
    let outcome = if plan.is_empty() {
        engine.sink = discard();
        engine.apply(plan, seen, run).await?
    } else {
        engine.sink = sink(show(&context.ui));
        let in_flight = context.interrupt.finish_what_is_in_flight();
        let finishing = tokio::spawn(say_finishing(
            context.interrupt.token.clone(),
            engine.sink.clone(),
        ));
        let outcome = engine.apply(plan, seen, run).await;
        finishing.abort();
        engine.sink = discard();
        drop(in_flight);
        outcome?
    };
    match outcome {
        Outcome::Completed => Ok(start.elapsed()),
        Outcome::Failed(errors) => Err(RunFailed(errors).into()),
        Outcome::Cancelled => Err(RunCancelled.into()),
    }
}

async fn say_finishing(token: tokio_util::sync::CancellationToken, sink: Sink) {
    token.cancelled().await;
    sink(Event::Notice {
        text: FINISHING.to_owned(),
    });
}

fn show(ui: &Ui) -> Arc<dyn Show> {
    let board = Board::new(ui.note_paint());
    match (ui.is_json(), ui.is_live()) {
        (true, _) => Arc::new(Lines(ui.clone())),
        (false, true) => Arc::new(Live::new(board)),
        (false, false) => {
            let ui = ui.clone();
            Arc::new(Steady::new(board, Box::new(move |line| ui.note(line))))
        }
    }
}

/// Every event as a line of JSON.
struct Lines(Ui);

impl Show for Lines {
    fn take(&self, event: Event) {
        self.0.json(&event);
    }
}
