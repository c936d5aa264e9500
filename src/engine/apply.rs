//! The scheduler: starts every step whose inputs are ready, those with the longest path behind them first.

use super::ready::Ready;
use super::{Cause, Engine, EngineError, Event, Outcome, StepError};
use crate::graph::{LogicalName, OutputRef, resolve};
use crate::plan::{Action, Plan, Step, StepId};
use crate::resources::{Given, Outputs, Seen, Teller, telling, with_behind};
use crate::state::{Ending, Entry, Record};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::time::Instant;

/// What a run is called and where it happens.
#[derive(Clone, Debug)]
pub struct Run {
    /// `deploy`, `destroy`.
    pub verb: String,
    /// Environment.
    pub env: String,
    /// Account and region.
    pub given: Given,
    /// When, RFC 3339.
    pub at: String,
}

struct Progress<'a> {
    plan: &'a Plan,
    seen: &'a BTreeMap<LogicalName, Seen>,
    outputs: BTreeMap<LogicalName, Outputs>,
    ended: BTreeSet<StepId>,
    started: BTreeSet<StepId>,
    errors: Vec<StepError>,
    interrupted: bool,
    /// Why nothing more is started.
    halted: Option<&'static str>,
    ready: Ready,
}

impl Engine<'_> {
    /// Applies a plan. What does not depend on a failed step is still done.
    pub async fn apply(
        &self,
        plan: &Plan,
        seen: &BTreeMap<LogicalName, Seen>,
        run: Run,
    ) -> Result<Outcome, EngineError> {
        let start = Instant::now();
        let number = self.lock().run + 1;
        let steps = plan.steps.iter().filter(|s| s.mutates()).count();
        self.emit(Event::RunStarted {
            version: Event::VERSION,
            verb: run.verb.clone(),
            env: run.env.clone(),
            steps,
        });
        self.begin(plan, &run, number).await?;
        self.remember_found(plan).await?;
        let mut progress = Progress::new(plan, seen);
        let mut flights = FuturesUnordered::new();
        loop {
            if !self.cancel.is_cancelled() && progress.halted.is_none() {
                while let Some(id) = progress.ready.next() {
                    progress.started.insert(id);
                    let step = &plan.steps[id];
                    let resolved = progress.resolved(step);
                    let seen = progress.seen_for(step);
                    let behind = progress.ready.remaining(id);
                    let result = telling(self.teller(step), self.run_step(step, resolved, seen));
                    let result = with_behind(behind, result);
                    flights.push(async move { (id, result.await) });
                }
            }
            let Some((id, result)) = flights.next().await else {
                break;
            };
            progress.end(id, result);
        }
        drop(flights);
        self.conclude(progress, run, number, start).await
    }

    /// Says of a step what a call of it waits for before it is sent.
    fn teller(&self, step: &Step) -> Teller {
        let (sink, resource) = (self.sink.clone(), step.resource.clone());
        Arc::new(move |name, _| {
            sink(Event::StepWaiting {
                resource: resource.clone(),
                waiting_for: name.to_owned(),
                waited_ms: 0,
            })
        })
    }

    async fn begin(&self, plan: &Plan, run: &Run, number: u64) -> Result<(), EngineError> {
        // A run that finds nothing to do leaves the journal as it is.
        if plan.is_empty() && self.lock().complete {
            return Ok(());
        }
        self.record(Record::Began {
            run: number,
            env: run.env.clone(),
            verb: run.verb.clone(),
            at: run.at.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            given: run.given.clone(),
        })
        .await?;
        Ok(())
    }

    /// Records predecessors that only a look has found: once their successor is on record, nobody looks for them again.
    async fn remember_found(&self, plan: &Plan) -> Result<(), EngineError> {
        for step in self.found_by_reading(plan) {
            let resource = step.resource.clone();
            let entry = Entry {
                kind: step.kind,
                physical: step.physical.clone(),
                properties: step.properties.clone(),
                outputs: step.outputs.clone(),
                tags: step.tags.clone(),
                dependencies: step.dependencies.clone(),
                accepted: None,
            };
            self.record(Record::Found { resource, entry }).await?;
        }
        Ok(())
    }

    fn found_by_reading<'p>(&self, plan: &'p Plan) -> Vec<&'p Step> {
        let state = self.lock();
        let mut retired: HashMap<&LogicalName, Vec<&Entry>> = HashMap::new();
        for (name, entry) in &state.retired {
            retired.entry(name).or_default().push(entry);
        }
        let is_known = |step: &Step| {
            let same =
                |entry: &&Entry| entry.physical == step.physical && entry.outputs == step.outputs;
            let mut retired = retired.get(&step.resource).into_iter().flatten();
            state.entries.contains_key(&step.resource) || retired.any(same)
        };
        let deletes = plan.steps.iter().filter(|s| s.action == Action::Delete);
        deletes.filter(|s| s.retired && !is_known(s)).collect()
    }

    async fn run_step(
        &self,
        step: &Step,
        resolved: Result<serde_json::Value, Cause>,
        seen: Option<Seen>,
    ) -> Result<Outputs, Cause> {
        let start = Instant::now();
        if step.mutates() {
            self.emit(Event::StepStarted {
                resource: step.resource.clone(),
                kind: step.kind,
                physical: step.physical.clone(),
                action: step.action,
            });
        }
        let result = match step.action {
            Action::Delete => self.delete(step, seen).await.map(|()| Outputs::new()),
            Action::Keep => self.keep(step, resolved?).await,
            Action::Adopt if step.changes.is_empty() && is_settled(seen.as_ref()) => {
                self.keep(step, resolved?).await
            }
            _ => self.put(step, resolved?, seen).await,
        };
        if step.mutates() {
            self.emit(match &result {
                Ok(_) => Event::StepDone {
                    resource: step.resource.clone(),
                    kind: step.kind,
                    action: step.action,
                    elapsed_ms: start.elapsed().as_millis() as u64,
                },
                Err(cause) => Event::StepFailed {
                    resource: step.resource.clone(),
                    kind: step.kind,
                    action: step.action,
                    error: cause.to_string(),
                },
            });
        }
        result
    }

    async fn conclude(
        &self,
        progress: Progress<'_>,
        run: Run,
        number: u64,
        start: Instant,
    ) -> Result<Outcome, EngineError> {
        let unfinished = progress.ended.len() < progress.plan.steps.len();
        let cancelled = progress.interrupted || self.cancel.is_cancelled() && unfinished;
        for step in progress.plan.steps.iter().filter(|s| s.mutates()) {
            if !progress.started.contains(&step.id) {
                let why = match (progress.halted, cancelled) {
                    (Some(why), _) => why,
                    (None, true) => "interrupted",
                    (None, false) => "something it needs failed",
                };
                self.emit(Event::StepSkipped {
                    resource: step.resource.clone(),
                    action: step.action,
                    why: why.to_owned(),
                });
            }
        }
        let (ending, word) = match (progress.errors.is_empty(), cancelled) {
            (false, _) => (Ending::Failed, "failed"),
            (true, true) => (Ending::Cancelled, "cancelled"),
            (true, false) => (Ending::Completed, "completed"),
        };
        if self.lock().run == number {
            let at = run.at.clone();
            self.record(Record::Ended {
                run: number,
                at,
                ending,
            })
            .await?;
            self.store.finish().await?;
        }
        self.emit(Event::RunEnded {
            verb: run.verb,
            ending: word.to_owned(),
            elapsed_ms: start.elapsed().as_millis() as u64,
        });
        Ok(match ending {
            Ending::Completed => Outcome::Completed,
            Ending::Cancelled => Outcome::Cancelled,
            Ending::Failed => Outcome::Failed(progress.errors),
        })
    }
}

fn is_settled(seen: Option<&Seen>) -> bool {
    seen.is_some_and(|s| s.condition == crate::resources::Condition::Settled)
}

impl<'a> Progress<'a> {
    fn new(plan: &'a Plan, seen: &'a BTreeMap<LogicalName, Seen>) -> Self {
        Self {
            plan,
            seen,
            outputs: BTreeMap::new(),
            ended: BTreeSet::new(),
            started: BTreeSet::new(),
            errors: Vec::new(),
            interrupted: false,
            halted: None,
            ready: Ready::of(plan),
        }
    }

    fn resolved(&self, step: &Step) -> Result<serde_json::Value, Cause> {
        let lookup = |r: &OutputRef| {
            let fact = self.plan.facts.get(&r.to_string());
            fact.or_else(|| self.outputs.get(&r.resource)?.get(&r.output))
                .cloned()
        };
        let resolution = resolve(&step.properties, &lookup);
        match resolution.open.first() {
            None => Ok(resolution.value),
            Some(open) => Err(Cause::Open(open.to_string())),
        }
    }

    /// What was seen of it, unless a delete in this run has made that untrue.
    fn seen_for(&self, step: &Step) -> Option<Seen> {
        match step.action {
            Action::Create | Action::Replace => None,
            // What was seen is what stands in its place, beside which a predecessor may stand.
            Action::Delete if step.retired => None,
            Action::Delete | Action::Update | Action::Adopt | Action::Keep => {
                self.seen.get(&step.resource).cloned()
            }
        }
    }

    fn end(&mut self, id: StepId, result: Result<Outputs, Cause>) {
        let step = &self.plan.steps[id];
        self.ended.insert(id);
        let cause = match result {
            Ok(outputs) => {
                if step.action != Action::Delete {
                    self.outputs.insert(step.resource.clone(), outputs);
                }
                return self.ready.done(id);
            }
            Err(cause) => cause,
        };
        match cause {
            Cause::Interrupted => self.interrupted = true,
            cause => {
                self.halted = self.halted.or(cause.ends_the_run());
                self.errors.push(StepError {
                    resource: step.resource.clone(),
                    kind: step.kind,
                    physical: step.physical.clone(),
                    action: step.action,
                    cause,
                });
            }
        }
    }
}
