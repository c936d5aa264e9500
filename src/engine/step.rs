//! One step: put or delete until it is settled, with a record before and after.

use super::look::{hidden_again, invisible};
use super::retry::{Patience, Verdict};
use super::{Cause, Engine};
use crate::plan::{Action, Step, known_by_content};
use crate::resources::{
    Address, Class, CloudError, Condition, Delete, Kind, Outputs, Put, Replace, Seen, Tags,
    definition, tag,
};
use crate::state::{Entry, Record};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// One put under way.
struct Underway {
    at: Address,
    seen: Option<Seen>,
    /// Whether it may be there although no read has shown it: a create was sent of which nothing was heard.
    doubt: bool,
    /// Whether AWS has said that it made it.
    made: bool,
    /// When AWS had it, so far.
    since: Option<Instant>,
}

impl Engine<'_> {
    /// Makes a resource as wanted and returns its outputs.
    pub(super) async fn put(
        &self,
        step: &Step,
        properties: Value,
        seen: Option<Seen>,
    ) -> Result<Outputs, Cause> {
        let mut underway = Underway {
            at: address(step, properties),
            seen,
            // An earlier run may have sent it.
            doubt: self.is_open(step),
            made: false,
            since: None,
        };
        self.retire_predecessor(step, &underway.at.properties)
            .await?;
        self.note(self.intent(step, &underway.at)).await?;
        if let Some(uses) = self.new_uses(step) {
            self.note(uses).await?;
        }
        let result = self.drive(step, &mut underway).await;
        let refused = matches!(result, Err(Cause::Call(_) | Cause::Settle { .. }));
        if refused && underway.is_certainly_absent() {
            self.note(Record::Unmade {
                resource: step.resource.clone(),
            })
            .await?;
        }
        result
    }

    async fn drive(&self, step: &Step, underway: &mut Underway) -> Result<Outputs, Cause> {
        let rules = definition(step.kind);
        let mut patience = Patience::using(self.fresh_uses(step));
        // Only the first wait is for what the published duration is of.
        let mut poll = rules.poll().expecting(step.settling());
        loop {
            if let Some(Condition::Settling(what)) = underway.seen.as_ref().map(|s| &s.condition) {
                underway.seen = self
                    .until_settled(&underway.at, poll, what, underway.made)
                    .await?;
                underway.since = Some(Instant::now());
                poll = rules.poll();
            }
            if underway.must_be_looked_for() {
                self.settle_doubt(underway).await?;
            }
            let at = &mut underway.at;
            match self.cloud.put(at, underway.seen.as_ref()).await {
                Ok(Put::Done(outputs)) => {
                    self.freshen(step, underway.since.unwrap_or_else(Instant::now));
                    self.put_record(step, at, outputs.clone(), true).await?;
                    return Ok(outputs);
                }
                Ok(Put::Made(outputs)) => {
                    underway.since = Some(Instant::now());
                    at.outputs.clone_from(&outputs);
                    self.put_record(step, at, outputs, false).await?;
                    (underway.made, underway.doubt) = (true, true);
                    underway.seen = self.until_visible(at).await?;
                }
                Ok(Put::Waiting(what)) => {
                    underway.seen = self.until_settled(at, poll, what, underway.made).await?;
                    underway.since = Some(Instant::now());
                    poll = rules.poll();
                }
                Err(error) => {
                    let absent = underway.seen.is_none();
                    underway.doubt |= !absent || may_have_worked(&error);
                    let verdict = patience.judge(&error, rules.settle(), absent);
                    self.bear(at, &error, verdict).await?;
                    underway.seen = self.look(at).await?;
                }
            }
        }
    }

    /// Looks until whatever was sent would have shown itself.
    async fn settle_doubt(&self, underway: &mut Underway) -> Result<(), Cause> {
        let hidden = self.cloud.hidden(underway.at.kind);
        underway.seen = self.search(&underway.at, hidden).await?;
        if underway.seen.is_none() && underway.made {
            return Err(invisible(hidden));
        }
        underway.doubt = underway.seen.is_some();
        Ok(())
    }

    /// Whether a run before this one left off in the middle of it.
    fn is_open(&self, step: &Step) -> bool {
        let state = self.lock();
        state.open.contains(&step.resource) || state.making.contains_key(&step.resource)
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

    /// What is on record with what it is about to use as well: an update that takes effect and is cut off then must not
    /// have what it uses deleted under it.
    fn new_uses(&self, step: &Step) -> Option<Record> {
        let mut entry = self.lock().entries.get(&step.resource)?.clone();
        if step.dependencies.is_subset(&entry.dependencies) {
            return None;
        }
        entry.dependencies.extend(step.dependencies.iter().cloned());
        Some(Record::Put {
            resource: step.resource.clone(),
            entry,
            done: false,
        })
    }

    /// What a create-first replace supersedes moves aside in state before its successor is recorded; so does what was
    /// only about to be made under another name or elsewhere, when nothing more was heard of it.
    async fn retire_predecessor(&self, step: &Step, properties: &Value) -> Result<(), Cause> {
        let create_first = step.action == Action::Replace
            && definition(step.kind).replace() == Replace::CreateFirst;
        let other = |entry: &Entry| !entry.stands_for(step.kind, &step.physical);
        let moved = {
            let state = self.lock();
            match state.entries.get(&step.resource) {
                Some(entry) => create_first || other(entry),
                None => {
                    let making = state.making.get(&step.resource);
                    making.is_some_and(|making| other(making) || !making.stands_in(properties))
                }
            }
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
        let at = address(step, properties);
        let canonical = definition(step.kind).canonical(&at.properties);
        let known = self
            .lock()
            .entries
            .get(&step.resource)
            .is_some_and(|entry| {
                entry.physical == step.physical
                    && entry.properties == canonical
                    && entry.outputs == step.outputs
                    && entry.dependencies == step.dependencies
                    && entry.tags == step.tags
                    && entry.accepted.is_none()
            });
        let open = self.lock().open.contains(&step.resource);
        if !known || open {
            self.retire_predecessor(step, &at.properties).await?;
            self.put_record(step, &at, step.outputs.clone(), true)
                .await?;
        }
        Ok(step.outputs.clone())
    }

    /// Deletes a resource and waits until it is gone; as it was seen, or as a look shows it.
    pub(super) async fn delete(&self, step: &Step, seen: Option<Seen>) -> Result<(), Cause> {
        let at = address(step, step.properties.clone());
        // What was made a moment ago may not be shown yet; before it has had the time to show itself it is not gone.
        let mut hidden = match self.is_open(step) || only_meant(step) {
            true => self.cloud.hidden(step.kind),
            false => hidden_again(self.cloud, step.kind),
        };
        self.note(Record::Intent {
            resource: step.resource.clone(),
            action: "delete".to_owned(),
        })
        .await?;
        if step.retired && self.is_live(step) {
            return self.deleted(step).await;
        }
        let rules = definition(step.kind);
        let mut patience = Patience::default();
        // A setting of the account may be somebody else's by now.
        let mut known = seen.filter(|_| step.kind != Kind::ApiAccount);
        loop {
            let of_before = known.is_some();
            let seen = match known.take() {
                Some(seen) => seen,
                None => match self.search(&at, hidden).await? {
                    Some(seen) => seen,
                    None => break,
                },
            };
            hidden = Duration::ZERO;
            let taken = self.is_successor(step, &seen) || self.is_taken_over(step, &seen);
            if taken || self.is_of_others(step, &seen) {
                break;
            }
            match self.cloud.delete(&at, &seen).await {
                Ok(Delete::Gone) => break,
                Ok(Delete::Waiting(what)) => {
                    let poll = rules.poll().expecting(step.settling());
                    self.until_gone(&at, poll, what).await?;
                    break;
                }
                Err(error) if error.is_absent() => break,
                Err(error) => match patience.judge(&error, rules.settle(), false) {
                    // It may have been changed since it was seen, such as protected.
                    Verdict::Stop(_) if of_before && error.class == Class::Invalid => {}
                    verdict => self.bear(&at, &error, verdict).await?,
                },
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
                && live.stands_in(&step.properties)
                && (by_name || live.outputs == step.outputs)
        })
    }

    /// Whether what stands in the place of something that was only about to be made is not ours.
    fn is_of_others(&self, step: &Step, seen: &Seen) -> bool {
        let only_meant = self.lock().making.contains_key(&step.resource) || only_meant(step);
        let ours = |tags: &Tags| {
            let mut proofs = [tag::STACK, tag::ENV, tag::RESOURCE].into_iter();
            proofs.all(|key| tags.get(key) == step.tags.get(key))
        };
        only_meant && seen.tags.as_ref().is_some_and(|tags| !ours(tags))
    }

    /// Whether what was found is not the predecessor that was to go, which is gone already, but what has taken its place:
    /// where names are not unique, it is found by tags or content as well.
    fn is_successor(&self, step: &Step, seen: &Seen) -> bool {
        let nameless = step.retired && !definition(step.kind).unique() && !seen.outputs.is_empty();
        let state = self.lock();
        let live = state.entries.get(&step.resource);
        nameless && live.is_some_and(|live| live.kind == step.kind && live.outputs == seen.outputs)
    }

    /// Whether another resource has taken it over: what bears no tags is found by its content, whatever we call it.
    fn is_taken_over(&self, step: &Step, seen: &Seen) -> bool {
        if !known_by_content(step.kind) || seen.outputs.is_empty() {
            return false;
        }
        let state = self.lock();
        let mut others = state.entries.iter();
        others.any(|(name, other)| {
            *name != step.resource
                && other.kind == step.kind
                && other.outputs == seen.outputs
                && !state.open.contains(name)
        })
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
        self.record(record).await.map_err(Cause::State)
    }
}

impl Underway {
    /// Whether making it now might make a second one.
    fn must_be_looked_for(&self) -> bool {
        self.doubt && self.seen.is_none() && !definition(self.at.kind).unique()
    }

    /// Whether nothing of it can be there: one call makes all of a kind whose names are not unique.
    fn is_certainly_absent(&self) -> bool {
        !self.doubt && self.seen.is_none() && !definition(self.at.kind).unique()
    }
}

/// Whether a predecessor to be deleted may never have been made: nothing was heard of it.
fn only_meant(step: &Step) -> bool {
    step.retired && step.outputs.is_empty()
}

/// Whether a call may have taken effect although it was not answered well.
fn may_have_worked(error: &CloudError) -> bool {
    error.class == Class::Unavailable
}

fn address(step: &Step, properties: Value) -> Address {
    Address {
        kind: step.kind,
        logical: step.resource.clone(),
        physical: step.physical.clone(),
        properties,
        outputs: step.outputs.clone(),
        tags: step.tags.clone(),
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
