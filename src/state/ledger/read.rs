//! Reads the newest snapshot and what came after it.

use super::super::{JournalError, fold};
use super::segment::{self, Segment};
use super::{
    Line, Objects, SEGMENTS, SNAPSHOTS, State, StateError, number, numbered, patiently, remote,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

/// Objects read at once.
const AT_ONCE: usize = 16;

/// What a ledger holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Every record, from the snapshot on.
    pub lines: Vec<Line>,
    /// The last slot that is written.
    pub slot: u64,
    /// The slots that came after the last snapshot.
    pub since_snapshot: u64,
    /// The slots that snapshots end with.
    pub snapshots: Vec<u64>,
}

impl Contents {
    /// The state that the records amount to.
    pub fn state(&self) -> State {
        fold(self.lines.iter().cloned())
    }

    /// The number of the last record.
    pub fn last(&self) -> u64 {
        self.lines.last().map_or(0, |line| line.number)
    }
}

/// Which snapshot to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The newest: all that the state needs.
    Newest,
    /// The oldest that is kept: all that is known.
    Oldest,
}

/// Reads all that counts.
pub async fn read(objects: &dyn Objects, env: &str, from: From) -> Result<Contents, StateError> {
    // In this order: a writer adds a snapshot before it removes what the snapshot covers.
    let segments = slots(objects, SEGMENTS).await?;
    let snapshots = slots(objects, SNAPSHOTS).await?;
    let start = match from {
        From::Newest => snapshots.last(),
        From::Oldest => snapshots.first(),
    };
    let mut contents = Contents {
        slot: start.copied().unwrap_or(0),
        since_snapshot: 0,
        snapshots: snapshots.clone(),
        lines: Vec::new(),
    };
    if let Some(start) = start {
        contents.lines = fetch(objects, env, SNAPSHOTS, *start).await?.lines;
    }
    let wanted = segments.into_iter().filter(|slot| *slot > contents.slot);
    let segments: Vec<Segment> = stream::iter(wanted)
        .map(|slot| fetch(objects, env, SEGMENTS, slot))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    for segment in segments {
        add(&mut contents, segment, objects)?;
    }
    contents.since_snapshot = contents.slot - snapshots.last().copied().unwrap_or(0);
    Ok(contents)
}

fn add(contents: &mut Contents, segment: Segment, objects: &dyn Objects) -> Result<(), StateError> {
    let last = contents.last();
    let first = segment.lines.first().map_or(last + 1, |line| line.number);
    if segment.head.slot != contents.slot + 1 || first != last + 1 {
        return Err(StateError::Journal {
            place: objects.place(&numbered(SEGMENTS, segment.head.slot)),
            source: JournalError::Missing {
                slot: contents.slot + 1,
            },
        });
    }
    contents.slot = segment.head.slot;
    contents.lines.extend(segment.lines);
    Ok(())
}

async fn slots(objects: &dyn Objects, prefix: &str) -> Result<Vec<u64>, StateError> {
    let names = patiently(objects, || objects.list(prefix))
        .await
        .map_err(remote("list", objects, prefix))?;
    Ok(names
        .iter()
        .filter_map(|name| number(prefix, name))
        .collect())
}

async fn fetch(
    objects: &dyn Objects,
    env: &str,
    prefix: &str,
    slot: u64,
) -> Result<Segment, StateError> {
    let name = numbered(prefix, slot);
    let place = objects.place(&name);
    let object = patiently(objects, || objects.get(&name))
        .await
        .map_err(remote("read", objects, &name))?;
    match object {
        Some(object) => segment::parse(&object.bytes, slot, env, &place),
        None => Err(StateError::Journal {
            place,
            source: JournalError::Missing { slot },
        }),
    }
}
