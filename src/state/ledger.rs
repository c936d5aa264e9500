//! State as objects that can be written on a condition: a journal of numbered slots, snapshots, and one lock.
//!
//! Two rules make one writer of many:
//! - A slot is written once. Records go into the next free slot, one object at a time, so whoever else writes that slot
//!   ends the line of the slower one for good.
//! - Whoever takes the lock over from somebody who did not give it back writes an empty segment into the next free slot
//!   before reading, the fence. What the predecessor got in before the fence counts; nothing after it can.
//!
//! The lock is only manners: it spares live writers the collision, and names the holder to others.

mod lease;
mod objects;
mod read;
mod segment;
mod write;

use super::{Holder, Line, Record, State, StateError};
use crate::resources::{Class, CloudError};

pub use lease::{Alive, Lease, Standing, look};
pub use objects::{Condition, Object, Objects, Written};
pub use read::{Contents, From, read};
pub use write::Ledger;

/// Name of the lock below an environment's prefix.
const LOCK: &str = "lock";
/// What the names of segments begin with.
const SEGMENTS: &str = "journal/";
/// What the names of snapshots begin with.
const SNAPSHOTS: &str = "snapshots/";

/// A name that sorts as its number does.
fn numbered(prefix: &str, slot: u64) -> String {
    format!("{prefix}{slot:012}")
}

/// The number in such a name.
fn number(prefix: &str, name: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// Names the object on an error of the store.
fn remote(
    what: &'static str,
    objects: &dyn Objects,
    name: &str,
) -> impl FnOnce(CloudError) -> StateError {
    let place = objects.place(name);
    move |source| StateError::Remote {
        what,
        place,
        source: Box::new(source),
    }
}

/// Makes a call that may be made again without harm, through passing failures.
async fn patiently<T, F>(objects: &dyn Objects, call: impl Fn() -> F) -> Result<T, CloudError>
where
    F: Future<Output = Result<T, CloudError>>,
{
    let start = objects.elapsed();
    loop {
        match call().await {
            Err(error) if is_passing(&error) && objects.elapsed() - start < lease::PATIENCE => {
                objects.pause(lease::pause()).await;
            }
            result => return result,
        }
    }
}

/// Whether a failed call may have taken effect, or may succeed if it is made again.
fn is_passing(error: &CloudError) -> bool {
    matches!(
        error.class,
        Class::Unavailable | Class::Throttle | Class::Conflict
    )
}
