//! The engine's door to the cloud: AWS and the in-memory cloud stand behind the same trait.

use super::{CloudError, Condition, Delete, Given, Kind, Outputs, Put, Tagged, Tags, definition};
use crate::graph::LogicalName;
use async_trait::async_trait;
use serde_json::Value;
use std::time::Duration;

/// Which resource, with everything known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Kind.
    pub kind: Kind,
    /// Name inside the stack.
    pub logical: LogicalName,
    /// Name in the cloud.
    pub physical: String,
    /// Properties: resolved for a put; for a read or delete as far as they are known.
    pub properties: Value,
    /// Outputs recorded earlier.
    pub outputs: Outputs,
    /// Tags it must carry.
    pub tags: Tags,
}

/// A resource as the cloud shows it, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Properties in canonical form.
    pub properties: Value,
    /// Outputs.
    pub outputs: Outputs,
    /// Its tags; `None` for kinds that are not tagged.
    pub tags: Option<Tags>,
    /// How far along it is.
    pub condition: Condition,
    /// Properties that this endpoint does not show.
    pub unseen: Vec<String>,
    /// Predecessors still there beside it; only looked for where state does not know the resource.
    pub leftovers: Vec<Leftover>,
}

/// A predecessor that a stopped replace has left behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Leftover {
    /// Properties in canonical form.
    pub properties: Value,
    /// Outputs.
    pub outputs: Outputs,
}

impl Seen {
    /// Whether this endpoint shows nothing of a resource with these properties.
    pub fn shows_nothing_of(&self, properties: &Value) -> bool {
        let unseen = |name: &String| self.unseen.contains(name);
        let properties = properties.as_object();
        properties.is_some_and(|p| !p.is_empty() && p.keys().all(unseen))
    }
}

/// Everything the engine asks of a cloud.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Whose account and which region this is.
    async fn given(&self) -> Result<Given, CloudError>;

    /// For how long its reads may not show a resource of this kind that was just made.
    fn hidden(&self, kind: Kind) -> Duration {
        definition(kind).hidden()
    }

    /// Reads one resource; `None` when there is none.
    async fn read(&self, at: &Address) -> Result<Option<Seen>, CloudError>;

    /// Predecessors of a resource that a stopped replace has left beside it.
    async fn leftovers(&self, _at: &Address, _seen: &Seen) -> Result<Vec<Leftover>, CloudError> {
        Ok(Vec::new())
    }

    /// Everything that carries the ownership tags of an environment, as far as a search by tags lists its kind
    /// ([`Kind::is_listed`]). It may lag behind: a read decides what stands.
    async fn tagged(&self, stack: &str, env: &str) -> Result<Vec<Tagged>, CloudError>;

    /// Moves one resource towards its properties.
    async fn put(&self, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError>;

    /// Deletes one resource.
    async fn delete(&self, at: &Address, seen: &Seen) -> Result<Delete, CloudError>;
}
