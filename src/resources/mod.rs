//! The kinds of resources: what each needs, gives, and how a change of it lands; below that its calls to AWS.
//!
//! A new kind is one new file and one line in `registry.rs`.

mod attempts;
mod aws;
mod cloud;
#[cfg(test)]
mod emulated;
mod error;
mod latency;
mod pace;
mod registry;
#[cfg(test)]
pub(crate) mod scripted;
mod settle;
mod tagged;
mod tags;
mod together;
mod turns;
mod unmanaged;
mod veil;

pub mod alarm;
pub mod api;
pub mod api_account;
pub mod api_deployment;
pub mod api_stage;
pub mod bucket;
pub mod dashboard;
pub mod event_bus;
pub mod function;
pub mod key;
pub mod key_alias;
pub mod log_group;
pub mod permission;
pub mod pipe;
pub mod policy;
pub mod queue;
pub mod role;
pub mod secret;
pub mod state_machine;
pub mod table;
pub mod topic;

use crate::graph::Declared;
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use attempts::Attempts;
pub use aws::Aws;
pub use cloud::{Address, Cloud, Leftover, Seen};
pub use error::{Class, CloudError, During};
pub use latency::{Latency, latency, sees_late};
pub use pace::{Pace, RATES, Rate, Teller, telling, with_behind};
pub use registry::{Definition, Kind, definition, definitions};
pub use settle::{Of, Poll, Schedule, Settle};
pub use tagged::Tagged;
pub use tags::tag;
pub use turns::Turns;
pub use unmanaged::Unmanaged;

/// Tags of a resource, by key.
pub type Tags = BTreeMap<String, String>;

/// What a resource gives to others once it exists, by output name.
pub type Outputs = BTreeMap<String, String>;

/// Where the stack lives; known before any resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `eu-central-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Given {
    /// An ARN of this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }
}

/// A property that AWS cannot change in place, and the rule that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// Property, as in the kind's serialised form; covers everything below it.
    pub property: &'static str,
    /// Why a change of it needs a new resource.
    pub rule: &'static str,
}

/// A setting by which AWS itself refuses to delete a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Property, as in the kind's serialised form; true while AWS refuses.
    pub property: &'static str,
    /// What a delete does about it, as a plan says it.
    pub lifted: &'static str,
}

/// How a new resource takes the place of an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replace {
    /// The name is fixed: delete, wait until gone, create.
    DeleteFirst,
    /// No name clash: create, move everything over, delete.
    CreateFirst,
}

/// What a kind says about itself; pure.
pub trait Resource:
    Declared + Serialize + DeserializeOwned + Clone + Send + Sync + 'static
{
    /// Properties whose change needs a replace.
    const FORCED: &'static [Forced] = &[];
    /// How a replace is done.
    const REPLACE: Replace = Replace::DeleteFirst;
    /// What a delete would lose, for kinds that hold data.
    const HOLDS: Option<&'static str> = None;
    /// The setting by which AWS itself refuses a delete, which therefore switches it off first.
    const GUARD: Option<Guard> = None;
    /// Whether AWS keeps tags for it.
    const TAGGED: bool = true;
    /// Properties that AWS takes but never shows; compared with what was last applied.
    const UNREAD: &'static [&'static str] = &[];
    /// Refusals that pass by themselves.
    const SETTLE: &'static [Settle] = &[];
    /// How often to look while a change takes effect, and for how long.
    const POLL: Poll = Poll::QUICK;
    /// Outputs that an update gives a new value: (changed property, output).
    const RENEWS: &'static [(&'static str, &'static str)] = &[];
    /// Properties without which it cannot be looked for: it stands inside what they name.
    const FOUND_BY: &'static [&'static str] = &[];
    /// Outputs that AWS chose; another value means that it was made anew under the same name.
    const IDENTITY: &'static [&'static str] = &[];
    /// Whether AWS refuses a second one of the same name. Where it does not, a create of which nothing was heard is looked
    /// for before it is sent again.
    const UNIQUE: bool = true;
    /// For how long reads may not show one that was just made, in seconds.
    const HIDDEN_SECONDS: u64 = 5;

    /// Outputs that follow from name and properties alone, before the resource exists.
    fn predicted(&self, _given: &Given) -> Outputs {
        Outputs::new()
    }

    /// One form for all equal spellings: sets sorted, defaults filled in.
    fn canonical(self) -> Self {
        self
    }
}

/// Where a resource is and what is wanted of it.
#[derive(Clone, Debug)]
pub struct At<R> {
    /// Name inside the stack.
    pub logical: String,
    /// Properties: resolved for a put; for a read or delete as far as they are known.
    pub properties: R,
    /// Outputs recorded earlier; empty when state is lost.
    pub outputs: Outputs,
    /// Tags the resource must carry: ownership first, then the user's.
    pub tags: Tags,
}

/// How far along a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is under way.
    Settled,
    /// AWS is still working; names what is waited for.
    Settling(&'static str),
    /// AWS gave up; says why in AWS's words.
    Failed(String),
}

/// A resource as AWS shows it.
#[derive(Clone, Debug)]
pub struct Observed<R> {
    /// Properties in the same terms as the declared ones.
    pub properties: R,
    /// Outputs.
    pub outputs: Outputs,
    /// Its tags; `None` for kinds that AWS does not tag.
    pub tags: Option<Tags>,
    /// How far along it is.
    pub condition: Condition,
    /// Properties that this endpoint does not show although AWS does; taken as last applied.
    pub unseen: Vec<&'static str>,
}

impl<R> Observed<R> {
    /// A settled resource of which everything was seen.
    pub fn settled(properties: R, outputs: Outputs, tags: Option<Tags>) -> Self {
        Self {
            properties,
            outputs,
            tags,
            condition: Condition::Settled,
            unseen: Vec::new(),
        }
    }

    /// A resource of a service that this emulator does not have; `all` names every property.
    pub fn unobservable(properties: R, outputs: Outputs, all: &[&'static str]) -> Self {
        Self {
            unseen: all.to_vec(),
            ..Self::settled(properties, outputs, None)
        }
    }
}

/// What one put did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// The resource is as wanted and ready for use.
    Done(Outputs),
    /// It now exists under an identity that AWS chose: record these outputs durably before anything else, then read and
    /// put again. For kinds without unique names, where a lost identity would mean a second resource.
    Made(Outputs),
    /// One more round is needed: wait until it has settled, read, put again.
    Waiting(&'static str),
}

/// What one delete did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delete {
    /// Nothing of it is left.
    Gone,
    /// AWS is still deleting; names what is waited for.
    Waiting(&'static str),
}

/// A kind's calls to AWS. None of them sleeps: waiting and retrying belong to the engine.
///
/// `put` is one path for create, update, adopt and repair: it compares what is wanted with what was observed and makes
/// the next calls towards it. Cut anywhere and run again it must reach the same end.
#[async_trait]
pub trait Live: Resource {
    /// Reads the resource; `None` when there is none, or AWS only holds its name (a key or secret about to be deleted).
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError>;

    /// Others of the same stack and resource that a stopped replace has left beside `observed`.
    async fn leftovers(
        _aws: &Aws,
        _at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Vec<Observed<Self>>, CloudError> {
        Ok(Vec::new())
    }

    /// Moves the resource towards `at.properties` and `at.tags`.
    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError>;

    /// Deletes it; already gone is done. `observed` is what a read just showed.
    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError>;
}
