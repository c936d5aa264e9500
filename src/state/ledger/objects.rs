//! What a store of objects must be able to do.

use crate::resources::CloudError;
use async_trait::async_trait;
use std::time::Duration;

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its content.
    pub bytes: Vec<u8>,
    /// What changes whenever the content does.
    pub tag: String,
    /// How long ago it was written, by the store's own clock.
    pub age: Duration,
}

/// When a write takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Only if there is no such object.
    Absent,
    /// Only if the object still has this tag.
    Unchanged(String),
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It took place; the object now has this tag.
    Done(String),
    /// The condition did not hold.
    Refused,
}

/// Objects below one environment's prefix, each read and written as a whole.
///
/// Reads and lists see every write that ended before them. An error of class `Unavailable` leaves open whether a write
/// took place.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Reads one object; `None` when there is none.
    async fn get(&self, name: &str) -> Result<Option<Object>, CloudError>;

    /// Writes one object on a condition.
    async fn put(
        &self,
        name: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Written, CloudError>;

    /// Names that begin with `prefix`, in order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, CloudError>;

    /// Deletes one object; already gone is done.
    async fn delete(&self, name: &str) -> Result<(), CloudError>;

    /// Waits between two tries.
    async fn pause(&self, pause: Duration);

    /// Time that has passed in this process since some fixed moment; never less than was waited for.
    fn elapsed(&self) -> Duration;

    /// How an object is called in errors.
    fn place(&self, name: &str) -> String;
}
