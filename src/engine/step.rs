//! One step: put or delete until it is settled, with a record before and after.

use super::retry::{Patience, Verdict};
use super::{Cause, Engine, Event};
use crate::plan::{Action, Step};
use crate::resources::{
    Address, CloudError, Condition, Delete, Outputs, Poll, Put, Replace, Seen, Tags, definition,
    tag,
};
use crate::state::{Entry, Record};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long something just made may stay invisible before it counts as not there after all.
const INVISIBLE: Duration = Duration::from_secs(5);
/// The same for something made under an identity that AWS chose: it must never be made twice.
const INVISIBLE_MADE: Duration = Duration::from_secs(120);

impl Engine<'_> {
    /// Makes a resource as wanted and returns its outputs.
    pub(super) async fn put(
        &self,
        step: &Step,
        properties: Value,
        mut seen: Option<Seen>,
    ) -> Result<Outputs, Cause> {
        let mut at = Address {
            kind: step.kind,
            logical: step.resource.clone(),
            physical: step.physical.clone(),
            properties,
            outputs: step.outputs.clone(),
            tags: step.tags.clone(),
        };
        self.retire_predecessor(step).await?;
        self.note(self.intent(step, &at)).await?;
        let rules = definition(step.kind);
        let mut patience = Patience::default();
        let mut made = false;
        loop {
            if let Some(Seen {
                condition: Condition::Settling(what),
                ..
            }) = &seen
            {
                seen = self.until_settled(&at, rules.poll(), what, made).await?;
            }
            match self.cloud.put(&at, seen.as_ref()).await {
                Ok(Put::Done(outputs)) => {
                    self.put_record(step, &at, outputs.clone(), true).await?;
                    return Ok(outputs);
                }
                Ok(Put::Made(outputs)) => {
                    made = true;
                    at.outputs = outputs.clone();
                    self.put_record(step, &at, outputs, false).await?;
                    seen = self
                        .until_settled(&at, rules.poll(), "it to be visible", made)
                        .await?;
                }
                Ok(Put::Waiting(what)) => {
                    seen = self.until_settled(&at, rules.poll(), what, made).await?;
                }
                Err(error) => {
                    let absent = seen.is_none();
                    self.bear(&at, &error, patience.judge(&error, rules.settle(), absent))
                        .await?;
                    seen = self.look(&at).await?;
                }
            }
        }
    }

    /// What is about to be done; of something not on record it tells enough to find it again.
    fn intent(&self, step: &Step, at: &Address) -> Record {
        let resource = step.resource.clone();
        match self.lock().entries.contains_key(&resource) {
            true => Record::Intent {
                resource,
                action: step.action.to_string(),
            },
            false => Record::Making {
                resource,
                entry: entry(step, at, step.outputs.clone()),
            },
        }
    }

    /// What a create-first replace supersedes moves aside in state before its successor is recorded.
    async fn retire_predecessor(&self, step: &Step) -> Result<(), Cause> {
        let moved = {
            let state = self.lock();
            state.entries.get(&step.resource).is_some_and(|entry| {
                let create_first = step.action == Action::Replace
                    && definition(step.kind).replace() == Replace::CreateFirst;
                create_first || entry.kind != step.kind || entry.physical != step.physical
            })
        };
        if moved {
            self.note(Record::Retired {
                resource: step.resource.clone(),
            })
            .await?;
        }
        Ok(())
    }

    async fn put_record(
        &self,
        step: &Step,
        at: &Address,
        outputs: Outputs,
        done: bool,
    ) -> Result<(), Cause> {
        let entry = entry(step, at, outputs);
        self.note(Record::Put {
            resource: step.resource.clone(),
            entry,
            done,
        })
        .await
    }

    /// Takes what is there into state without a call, where state does not say so yet.
    pub(super) async fn keep(&self, step: &Step, properties: Value) -> Result<Outputs, Cause> {
        let at = Address {
            kind: step.kind,
            logical: step.resource.clone(),
            physical: step.physical.clone(),
            properties,
            outputs: step.outputs.clone(),
            tags: step.tags.clone(),
        };
        let canonical = definition(step.kind).canonical(&at.properties);
        let known = self
            .lock()
            .entries
            .get(&step.resource)
            .is_some_and(|entry| {
                entry.properties == canonical
                    && entry.outputs == step.outputs
                    && entry.dependencies == step.dependencies
                    && entry.tags == step.tags
                    && entry.accepted.is_none()
            });
        let open = self.lock().open.contains(&step.resource);
        if !known || open {
            self.put_record(step, &at, step.outputs.clone(), true)
                .await?;
        }
        Ok(step.outputs.clone())
    }

    /// Deletes a resource and waits until it is gone.
    pub(super) async fn delete(&self, step: &Step) -> Result<(), Cause> {
        let at = Address {
            kind: step.kind,
            logical: step.resource.clone(),
            physical: step.physical.clone(),
            properties: step.properties.clone(),
            outputs: step.outputs.clone(),
            tags: step.tags.clone(),
        };
        if step.retired && self.is_live(step) {
            return self.deleted(step).await;
        }
        self.note(Record::Intent {
            resource: step.resource.clone(),
            action: "delete".to_owned(),
        })
        .await?;
        let rules = definition(step.kind);
        let mut patience = Patience::default();
        while let Some(seen) = self.look(&at).await? {
            if self.is_of_others(step, &seen) {
                break;
            }
            match self.cloud.delete(&at, &seen).await {
                Ok(Delete::Gone) => break,
                Ok(Delete::Waiting(what)) => {
                    self.until_gone(&at, rules.poll(), what).await?;
                    break;
                }
                Err(error) if error.is_absent() => break,
                Err(error) => {
                    self.bear(&at, &error, patience.judge(&error, rules.settle(), false))
                        .await?;
                }
            }
        }
        self.deleted(step).await
    }

    /// Whether what was to be deleted is in use again: a change taken back finds its old resource by name or content.
    fn is_live(&self, step: &Step) -> bool {
        let state = self.lock();
        let by_name = definition(step.kind).replace() == Replace::DeleteFirst;
        state.entries.get(&step.resource).is_some_and(|live| {
            live.kind == step.kind
                && live.physical == step.physical
                && (by_name || live.outputs == step.outputs)
        })
    }

    /// Whether what stands in the place of something that was only about to be made is not ours.
    fn is_of_others(&self, step: &Step, seen: &Seen) -> bool {
        let only_meant = self.lock().making.contains_key(&step.resource);
        let ours = |tags: &Tags| {
            let mut proofs = [tag::STACK, tag::ENV, tag::RESOURCE].into_iter();
            proofs.all(|key| tags.get(key) == step.tags.get(key))
        };
        only_meant && seen.tags.as_ref().is_some_and(|tags| !ours(tags))
    }

    async fn deleted(&self, step: &Step) -> Result<(), Cause> {
        let resource = step.resource.clone();
        self.note(match step.retired {
            false => Record::Deleted { resource },
            true => Record::DeletedRetired {
                resource,
                physical: step.physical.clone(),
                outputs: step.outputs.clone(),
            },
        })
        .await
    }

    async fn note(&self, record: Record) -> Result<(), Cause> {
        self.record(record)
            .await
            .map_err(|error| Cause::State(error.to_string()))
    }

    /// Reads until AWS has finished; `None` when it is not there.
    async fn until_settled(
        &self,
        at: &Address,
        poll: Poll,
        what: &'static str,
        made: bool,
    ) -> Result<Option<Seen>, Cause> {
        let start = Instant::now();
        let mut what = what;
        for round in 0.. {
            self.wait(at, poll, what, round, start).await?;
            let invisible = if made { INVISIBLE_MADE } else { INVISIBLE };
            match self.look(at).await? {
                None if start.elapsed() < invisible => {}
                None if made => return Err(timeout("it to be visible", start)),
                None => return Ok(None),
                Some(seen) => match seen.condition {
                    Condition::Settling(now) => what = now,
                    Condition::Settled | Condition::Failed(_) => return Ok(Some(seen)),
                },
            }
        }
        Err(timeout(what, start))
    }

    async fn until_gone(&self, at: &Address, poll: Poll, what: &'static str) -> Result<(), Cause> {
        let start = Instant::now();
        for round in 0.. {
            self.wait(at, poll, what, round, start).await?;
            match self.look(at).await? {
                None => return Ok(()),
                Some(Seen {
                    condition: Condition::Failed(why),
                    ..
                }) => {
                    return Err(Cause::Call(CloudError::new(
                        "payhook",
                        crate::resources::Class::Failed,
                        "delete-failed",
                        why,
                    )));
                }
                Some(_) => {}
            }
        }
        Err(timeout(what, start))
    }

    async fn wait(
        &self,
        at: &Address,
        poll: Poll,
        what: &str,
        round: usize,
        start: Instant,
    ) -> Result<(), Cause> {
        let pause = poll.schedule.pause(round);
        if start.elapsed() + pause > poll.budget() {
            return Err(timeout(what, start));
        }
        self.waiting(at, what, start.elapsed());
        self.pause(pause).await
    }

    /// Sleeps; an interrupt ends it, since whatever is under way has been recorded.
    async fn pause(&self, pause: Duration) -> Result<(), Cause> {
        tokio::select! {
            () = sleep(pause) => Ok(()),
            () = self.cancel.cancelled() => Err(Cause::Interrupted),
        }
    }

    fn waiting(&self, at: &Address, what: &str, waited: Duration) {
        self.emit(Event::StepWaiting {
            resource: at.logical.clone(),
            waiting_for: what.to_owned(),
            waited_ms: waited.as_millis() as u64,
        });
    }

    /// Acts on a judgement: pauses, or gives up.
    async fn bear(&self, at: &Address, error: &CloudError, verdict: Verdict) -> Result<(), Cause> {
        match verdict {
            Verdict::Stop(cause) => Err(cause),
            Verdict::Again {
                pause,
                waiting_for,
                attempt,
                waited,
            } => {
                match waiting_for {
                    Some(what) => self.waiting(at, what, waited),
                    None => self.emit(Event::StepRetried {
                        resource: at.logical.clone(),
                        code: error.code.clone(),
                        attempt,
                    }),
                }
                self.pause(pause).await
            }
        }
    }

    /// Reads through throttles and failures of the server.
    async fn look(&self, at: &Address) -> Result<Option<Seen>, Cause> {
        let rules = definition(at.kind);
        let mut patience = Patience::default();
        loop {
            match self.cloud.read(at).await {
                Ok(seen) => return Ok(seen),
                Err(error) => {
                    self.bear(at, &error, patience.judge(&error, rules.settle(), false))
                        .await?;
                }
            }
        }
    }
}

fn entry(step: &Step, at: &Address, outputs: Outputs) -> Entry {
    Entry {
        kind: step.kind,
        physical: step.physical.clone(),
        properties: definition(step.kind).canonical(&at.properties),
        outputs,
        tags: step.tags.clone(),
        dependencies: step.dependencies.clone(),
        accepted: None,
    }
}

fn timeout(what: &str, start: Instant) -> Cause {
    Cause::Timeout {
        what: what.to_owned(),
        waited: start.elapsed(),
    }
}
