//! The payments table: every event once, one head per payment.

pub mod attention;
mod batch;
mod bodies;
mod body;
mod conflict;
mod cursor;
mod dynamo;
mod erasure;
mod event_item;
mod everything;
mod head_item;
mod memory;
mod mismatch_item;
mod search;
mod standing;
mod timeline;
mod transaction;

use async_trait::async_trait;
use jiff::Timestamp;

pub use bodies::{Bodies, BodyBucket, MemoryBodies, body_client};
pub use body::{Body, Packed, objects_of, open};
pub use conflict::{Conflict, Resolved};
pub use dynamo::DynamoStore;
pub use erasure::settled_at;
pub use event_item::{EventItem, ITEM_LIMIT, ItemTooLarge};
pub use everything::{Everything, MarkerItem, Record};
pub use memory::MemoryStore;
pub use search::{Found, Search};
pub use standing::Standing;
pub use timeline::Timeline;
pub use transaction::marker_id;

use crate::aws::AwsFailure;
use crate::event::Status;
use crate::head::Head;
use crate::outcome::Mismatch;

/// How many milliseconds an event may be moved to find a free sort key.
const FREE_KEY_TRIES: i64 = 1_000;

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// The table's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// `{provider}:{provider's payment id}`.
    pub payment_id: String,
    /// Milliseconds since 1970; 0 is the head.
    pub timestamp: i64,
}

/// How far an event got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processing {
    Received,
    Processed,
    Ignored,
    Failed,
}

impl Processing {
    /// The value of the attribute `processing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }

    /// Every value, in the order in which an event can get there.
    pub const ALL: [Self; 4] = [Self::Received, Self::Processed, Self::Ignored, Self::Failed];

    /// Reads the value of the attribute `processing`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// Whether nothing is left to do.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Processed | Self::Ignored)
    }
}

/// Why an event that is settled moved no payment, where that is not its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It told only that the provider's list of events has grown; what is in the list are events of their own.
    ListRead,
    /// Nobody signed it, and the provider's API knows no such payment.
    UnknownAtGateway,
}

impl Ignored {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::ListRead, Self::UnknownAtGateway];

    /// The value of the attribute `ignoredBecause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListRead => "list-read",
            Self::UnknownAtGateway => "unknown-at-gateway",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ListRead => "it told of news, which were fetched and are events of their own",
            Self::UnknownAtGateway => {
                "nobody signed it, and the provider's API knows no such payment"
            }
        }
    }

    /// Reads the value of the attribute `ignoredBecause`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// What became of an event offered to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    New(Key),
    /// The same event was stored before.
    Duplicate(Key),
    /// An event of the same id and another body was stored before; that one stays.
    Conflict(Key),
}

/// What an insert found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// Nothing: the item is written.
    New,
    /// Another item at the same key.
    KeyTaken(Box<EventItem>),
    /// That the event was stored before, wherever that is.
    Known(Marker),
}

/// What is remembered of an event by its id alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Where the event is.
    pub key: Key,
    /// The event's [identity](EventItem::identity).
    pub digest: String,
}

/// Who processes an event, and until when nobody else may.
#[derive(Clone, Debug)]
pub struct Lease {
    pub owner: String,
    pub now: Timestamp,
    pub until: Timestamp,
}

/// Answer to a request for a lease.
#[derive(Clone, Debug)]
pub enum Leased {
    /// The event is ours until the lease ends.
    Taken(Box<EventItem>),
    /// The event needs nothing more.
    Finished(Box<EventItem>),
    /// Somebody else works on it.
    Held,
    /// There is no such event.
    Missing,
}

/// How processing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    pub at: Timestamp,
    pub end: End,
}

/// What processing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The payment's status after the event, and the id of the published outcome.
    Processed {
        status: Status,
        outcome_id: String,
        /// Where the provider's API said something else; somebody has to look at that.
        mismatch: Option<Mismatch>,
    },
    /// Nothing moved; the reason where it is not the event's type.
    Ignored(Option<Ignored>),
}

impl End {
    /// How far the event got with it.
    pub fn processing(&self) -> Processing {
        match self {
            Self::Processed { .. } => Processing::Processed,
            Self::Ignored(_) => Processing::Ignored,
        }
    }
}

/// A call to the table that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the table {table} did not take {operation}: {failure}")]
    Aws {
        table: String,
        operation: &'static str,
        failure: AwsFailure,
    },
    #[error("the bucket {bucket} did not take {operation}: {failure}")]
    Bucket {
        bucket: String,
        operation: &'static str,
        failure: AwsFailure,
    },
    #[error(
        "the stored body of event {event} is damaged: it is not what its digest says; restore the table or the bucket, or \
         fetch the event from the provider"
    )]
    Damaged { event: String },
    #[error(
        "no free sort key within {FREE_KEY_TRIES} ms for an event of one payment; \
         look for a provider that sends many events of one payment at one instant"
    )]
    NoFreeKey,
    #[error(
        "an item of {table} has no usable attribute {attribute}; it was not written by this version of payhook"
    )]
    Unreadable {
        table: String,
        attribute: &'static str,
    },
}

impl StoreError {
    /// Whether the same call may work a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Aws { failure, .. } | Self::Bucket { failure, .. } if failure.transient)
    }
}

/// The operations on the table; each is one conditional write, so that any of them can be the last one before a crash.
#[async_trait]
pub trait Store: Send + Sync {
    /// Writes the item, unless its key is taken or its event is known.
    async fn insert(&self, item: &EventItem) -> Result<Inserted, StoreError>;

    /// What is remembered of an event by its id, if it was ever stored.
    async fn known(&self, provider: &str, event_id: &str) -> Result<Option<Marker>, StoreError>;

    /// Reserves an event for one owner; the same owner may take its lease again.
    async fn lease(&self, key: &Key, lease: &Lease) -> Result<Leased, StoreError>;

    /// Gives a lease back early; does nothing when it is no longer the owner's.
    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreError>;

    /// Ends the processing of a leased event; false when the lease was lost.
    async fn finish(&self, key: &Key, owner: &str, finish: &Finish) -> Result<bool, StoreError>;

    /// Reads the payment's head as of now.
    async fn head(&self, payment_id: &str) -> Result<Option<Head>, StoreError>;

    /// Writes the head unless somebody else wrote its version first; false then.
    async fn put_head(&self, payment_id: &str, head: &Head) -> Result<bool, StoreError>;

    /// How far a provider's list of events has been read; `None` before the first time.
    async fn cursor(&self, provider: &str) -> Result<Option<u64>, StoreError>;

    /// Remembers that everything up to this place of the list is stored; false when the list was read as far before.
    async fn advance(&self, provider: &str, to: u64) -> Result<bool, StoreError>;

    /// Remembers that an event came again with another content; the same content again changes nothing.
    async fn record(&self, conflict: &Conflict) -> Result<(), StoreError>;

    /// What came again with another content of a payment's events, in order of arrival.
    async fn conflicts(&self, payment_id: &str) -> Result<Vec<Conflict>, StoreError>;

    /// All events of a payment in order of their keys, without bodies.
    async fn events(&self, payment_id: &str) -> Result<Vec<EventItem>, StoreError>;
}

/// Stores an event exactly once: at its own time, or at the next free millisecond when other events are there.
pub async fn store_once(store: &dyn Store, mut item: EventItem) -> Result<Stored, StoreError> {
    let first = item.key.timestamp;
    while item.key.timestamp < first + FREE_KEY_TRIES {
        let (digest, key) = match store.insert(&item).await? {
            Inserted::New => return Ok(Stored::New(item.key)),
            Inserted::Known(marker) => (marker.digest, marker.key),
            Inserted::KeyTaken(other) if other.event_id != item.event_id => {
                item.key.timestamp += 1;
                continue;
            }
            // Stored before events had markers.
            Inserted::KeyTaken(same) => (same.identity().to_owned(), same.key),
        };
        return Ok(match digest == item.identity() {
            true => Stored::Duplicate(key),
            false => Stored::Conflict(key),
        });
    }
    Err(StoreError::NoFreeKey)
}
