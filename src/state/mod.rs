//! What we know we own: the state, and the journal that it is folded from.

mod error;
mod good;
mod holder;
mod journal;
pub mod ledger;
mod local;
mod record;
mod s3;

use crate::graph::LogicalName;
use crate::resources::{Given, Kind, Outputs, Tags, definition};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub use error::StateError;
pub use good::{Good, Way};
pub use holder::Holder;
pub use journal::{JournalError, Line, decode, encode, mend};
pub use ledger::Standing;
pub use local::LocalStore;
pub use record::{Ending, Record};
pub use s3::{Account, Bucket, BucketError, Client, Reach, S3Store};

/// A resource that we own, as it was last applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Kind.
    pub kind: Kind,
    /// Name in the cloud.
    pub physical: String,
    /// Properties last applied, resolved.
    pub properties: Value,
    /// Outputs.
    pub outputs: Outputs,
    /// Tags last applied.
    pub tags: Tags,
    /// Resources it depended on.
    pub dependencies: BTreeSet<LogicalName>,
    /// What was found changed outside payhook and accepted: not drift, although never applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

impl Entry {
    /// Whether it is the resource of this kind and name; a name that AWS lets many have is only what it is called by.
    pub fn stands_for(&self, kind: Kind, physical: &str) -> bool {
        self.kind == kind && (!definition(kind).unique() || self.physical == physical)
    }

    /// Whether it stands in the same other resource as these properties say, for kinds that are found in one.
    pub fn stands_in(&self, properties: &Value) -> bool {
        let mut found_by = definition(self.kind).found_by().iter();
        found_by.all(|property| self.properties.get(*property) == properties.get(*property))
    }
}

/// A resource as it was found when a change made outside payhook was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Properties found.
    pub properties: Value,
    /// Tags found.
    pub tags: Tags,
}

/// All that is known about one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Environment; `None` before the first deploy.
    #[serde(default)]
    pub env: Option<String>,
    /// Where the stack lives; `None` before the first deploy.
    pub given: Option<Given>,
    /// What we own.
    pub entries: BTreeMap<LogicalName, Entry>,
    /// What has been replaced and still waits to be deleted.
    pub retired: Vec<(LogicalName, Entry)>,
    /// Steps begun and not yet ended: what to look at first after a crash.
    pub open: BTreeSet<LogicalName>,
    /// What was about to be made when nothing more was heard of it: it may be there although it is not owned yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub making: BTreeMap<LogicalName, Entry>,
    /// Number of the last run.
    pub run: u64,
    /// Whether the last deploy ended with everything in place.
    pub complete: bool,
    /// The backend that the state was moved to; this copy of it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<String>,
    /// The backend that the state is on its way from; until it has left there, this copy of it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arriving: Option<String>,
    /// Where a rollback leads.
    #[serde(default, skip_serializing_if = "Way::is_unknown")]
    pub way: Way,
}

impl State {
    /// Takes one record into account.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Began {
                run,
                env,
                given,
                verb,
                ..
            } => {
                self.env = Some(env);
                self.run = run;
                self.given = Some(given);
                self.complete = false;
                self.way.begin(verb);
            }
            Record::Returning { run } => {
                self.way.return_to(run);
                self.complete = false;
            }
            Record::Intent { resource, .. } => {
                self.open.insert(resource);
            }
            Record::Making { resource, entry } => {
                self.open.insert(resource.clone());
                self.making.insert(resource, entry);
            }
            Record::Unmade { resource } => {
                self.making.remove(&resource);
                self.open.remove(&resource);
            }
            Record::Put {
                resource,
                entry,
                done,
            } => {
                self.making.remove(&resource);
                self.entries.insert(resource.clone(), entry);
                if done {
                    self.open.remove(&resource);
                }
            }
            Record::Retired { resource } => {
                let entry = self.entries.remove(&resource);
                let entry = entry.or_else(|| self.making.remove(&resource));
                self.retired.extend(entry.map(|entry| (resource, entry)));
            }
            Record::Found { resource, entry } => self.retired.push((resource, entry)),
            Record::Deleted { resource } | Record::Forgotten { resource } => {
                self.entries.remove(&resource);
                self.making.remove(&resource);
                self.open.remove(&resource);
            }
            Record::DeletedRetired {
                resource,
                physical,
                outputs,
            } => {
                self.retired.retain(|(name, entry)| {
                    *name != resource || entry.physical != physical || entry.outputs != outputs
                });
                self.open.remove(&resource);
            }
            Record::Ended { ending, run, at } => {
                self.complete = ending == Ending::Completed;
                if self.complete {
                    self.ended_well(run, at);
                }
            }
            Record::Snapshot { state } => *self = *state,
            Record::Arrived { from, state } => {
                *self = *state;
                self.arriving = Some(from);
            }
            Record::Settled => self.arriving = None,
            Record::Moved { to } => self.moved = Some(to),
        }
    }

    /// Whether all that is ours is on record: since nothing was, a deploy has ended well.
    pub fn knows_all(&self) -> bool {
        !self.is_empty() && !self.way.good.is_empty()
    }

    /// Whether nothing is owned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.retired.is_empty() && self.making.is_empty()
    }
}

/// Folds records into the state that they amount to.
pub fn fold(lines: impl IntoIterator<Item = Line>) -> State {
    let mut state = State::default();
    lines.into_iter().for_each(|line| state.apply(line.record));
    state
}

/// Refuses a state that is another environment's, that lives elsewhere now, or elsewhere still.
fn guard(state: State, env: &str, place: &str) -> Result<State, StateError> {
    match (&state.env, &state.moved) {
        _ if let Some(from) = &state.arriving => Err(StateError::Arriving {
            env: env.to_owned(),
            from: from.clone(),
        }),
        (Some(found), _) if found != env => Err(StateError::OtherEnvironment {
            place: place.to_owned(),
            found: found.clone(),
            wanted: env.to_owned(),
        }),
        (_, Some(to)) => Err(StateError::Moved {
            env: env.to_owned(),
            to: to.clone(),
        }),
        _ => Ok(state),
    }
}

/// Where state is kept; every backend behaves the same.
#[async_trait]
pub trait Store: Send + Sync {
    /// The state as of the last durable record.
    async fn load(&self) -> Result<State, StateError>;

    /// Every record that is still kept, the oldest first, those of earlier generations included.
    async fn history(&self) -> Result<Vec<Line>, StateError>;

    /// Makes one record durable.
    async fn append(&self, record: &Record) -> Result<(), StateError>;

    /// Tidies up after a run.
    async fn finish(&self) -> Result<(), StateError>;

    /// Gives the lock back, if there is one.
    async fn release(&self) -> Result<(), StateError> {
        Ok(())
    }
}
