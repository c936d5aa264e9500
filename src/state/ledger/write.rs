//! The one writer: appends segments, folds them into snapshots, and gives signs of life.

use super::lease::{Alive, LEASE, Lease, PATIENCE, pause};
use super::read::{From, read};
use super::segment::{self, Author};
use super::{
    Condition, Holder, Objects, Record, SEGMENTS, SNAPSHOTS, State, StateError, Written,
    is_passing, numbered, patiently, remote,
};
use crate::state::JournalError;
use std::sync::Arc;
use std::time::Duration;

/// Segments after which a run ends with a snapshot.
const LONG: u64 = 64;
/// Snapshots that are kept, with the segments after the oldest of them.
const KEPT: usize = 10;

/// The journal of one environment, open for writing under its lock.
pub struct Ledger {
    objects: Arc<dyn Objects>,
    author: Author,
    lease: Lease,
    state: State,
    /// The last slot that is written.
    slot: u64,
    /// The number of the last record.
    last: u64,
    since_snapshot: u64,
    snapshots: Vec<u64>,
    /// A segment that may or may not have been written.
    unsure: Option<Vec<u8>>,
    stopped: Option<StateError>,
}

/// How the write of something that is written once ended.
enum Once {
    Done,
    /// Somebody else's is there.
    Taken,
}

impl Ledger {
    /// Takes the lock, shuts out whoever had it before without giving it back, and reads what there is.
    ///
    /// `token` must be unlike any other process's; `force` takes the lock even from a live holder.
    pub async fn open(
        objects: Arc<dyn Objects>,
        env: &str,
        holder: &Holder,
        token: &str,
        alive: &Alive,
        force: bool,
    ) -> Result<Self, StateError> {
        let lease = Lease::take(&*objects, env, holder, token, alive, force).await?;
        let mut ledger = Self {
            author: Author {
                env: env.to_owned(),
                epoch: lease.epoch(),
                token: token.to_owned(),
            },
            objects,
            lease,
            state: State::default(),
            slot: 0,
            last: 0,
            since_snapshot: 0,
            snapshots: Vec::new(),
            unsure: None,
            stopped: None,
        };
        match ledger.begin().await {
            Ok(()) => Ok(ledger),
            Err(error) => {
                // What was read has not changed; only the fence is not there yet, if there was to be one.
                if ledger.lease.clean {
                    let slot = ledger.lease.slot;
                    let _ = ledger.lease.give_back(&*ledger.objects, slot).await;
                }
                Err(error)
            }
        }
    }

    async fn begin(&mut self) -> Result<(), StateError> {
        self.take_in().await?;
        while !self.lease.clean {
            match self.write_next(Vec::new()).await? {
                Once::Done => break,
                // The predecessor, or whoever took the lock from us, got one more in.
                Once::Taken => {
                    self.take_in().await?;
                    self.lease.renew(&*self.objects, self.slot).await?;
                }
            }
        }
        Ok(())
    }

    async fn take_in(&mut self) -> Result<(), StateError> {
        let contents = read(&*self.objects, &self.author.env, From::Newest).await?;
        if contents.slot < self.lease.slot {
            return Err(StateError::Journal {
                place: self.objects.place(SEGMENTS),
                source: JournalError::Missing {
                    slot: contents.slot + 1,
                },
            });
        }
        self.state = contents.state();
        self.slot = contents.slot;
        self.last = contents.last();
        self.since_snapshot = contents.since_snapshot;
        self.snapshots = contents.snapshots;
        Ok(())
    }

    /// The state as of the last record.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes records durable, all or none of them.
    pub async fn append(&mut self, records: Vec<Record>) -> Result<(), StateError> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        let result = self.append_unless_stopped(records).await;
        if let Err(error @ StateError::Fenced { .. }) = &result {
            self.stopped = Some(error.clone());
        }
        result
    }

    async fn append_unless_stopped(&mut self, records: Vec<Record>) -> Result<(), StateError> {
        if self.unsure.is_some() {
            self.settle_unsure().await?;
        }
        match self.write_next(records).await? {
            Once::Done => Ok(()),
            Once::Taken => Err(self.fenced()),
        }
    }

    /// Finds out about a write whose end is not known: by making it again.
    async fn settle_unsure(&mut self) -> Result<(), StateError> {
        let Some(bytes) = self.unsure.clone() else {
            return Ok(());
        };
        let place = self.objects.place(&numbered(SEGMENTS, self.slot + 1));
        let segment = segment::parse(&bytes, self.slot + 1, &self.author.env, &place)?;
        let records = segment.lines.into_iter().map(|line| line.record).collect();
        match self.write_next(records).await? {
            Once::Done => Ok(()),
            Once::Taken => Err(self.fenced()),
        }
    }

    /// Writes one segment into the next slot.
    async fn write_next(&mut self, records: Vec<Record>) -> Result<Once, StateError> {
        let (slot, first) = (self.slot + 1, self.last + 1);
        let bytes = segment::compose(&self.author, slot, first, &records);
        self.unsure = Some(bytes.clone());
        let once = self.put_once(&numbered(SEGMENTS, slot), &bytes).await?;
        self.unsure = None;
        if let Once::Done = once {
            self.slot = slot;
            self.last += records.len() as u64;
            self.since_snapshot += 1;
            records.into_iter().for_each(|r| self.state.apply(r));
            // So late an answer may be one about a slot that others have filled and cleared since.
            if self.lease.is_stale(&*self.objects) {
                self.renew().await?;
            }
        }
        Ok(once)
    }

    /// Writes an object that nobody may have written before, through lost answers and passing failures.
    async fn put_once(&self, name: &str, bytes: &[u8]) -> Result<Once, StateError> {
        let start = self.objects.elapsed();
        loop {
            let error = match self.objects.put(name, bytes, &Condition::Absent).await {
                Ok(Written::Done(_)) => return Ok(Once::Done),
                Ok(Written::Refused) => match self.objects.get(name).await {
                    Ok(Some(there)) if there.bytes == bytes => return Ok(Once::Done),
                    Ok(_) => return Ok(Once::Taken),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !is_passing(&error) || self.objects.elapsed() - start > PATIENCE {
                return Err(remote("write", &*self.objects, name)(error));
            }
            self.objects.pause(pause()).await;
        }
    }

    fn fenced(&self) -> StateError {
        StateError::Fenced {
            env: self.author.env.clone(),
        }
    }

    /// How often a sign of life is due.
    pub const BEAT: Duration = Duration::from_secs(LEASE.as_secs() / 5);

    /// Gives a sign of life; an error does not matter until the next append.
    pub async fn renew(&mut self) -> Result<(), StateError> {
        let result = self.lease.renew(&*self.objects, self.slot).await;
        if let Err(error @ StateError::Fenced { .. }) = &result {
            self.stopped.get_or_insert(error.clone());
        }
        result
    }

    /// Folds a long journal into a snapshot, and removes what only older snapshots need than those that are kept.
    pub async fn finish(&mut self) -> Result<(), StateError> {
        self.compact(LONG).await
    }

    /// The same for a journal of at least this many segments.
    pub async fn compact(&mut self, long: u64) -> Result<(), StateError> {
        if self.since_snapshot < long || self.stopped.is_some() || self.unsure.is_some() {
            return Ok(());
        }
        let state = Box::new(self.state.clone());
        let record = Record::Snapshot { state };
        // As of the last record, whose number it has: whoever reads goes on with the one after.
        let bytes = segment::compose(&self.author, self.slot, self.last, &[record]);
        // Somebody else's snapshot of the same slots says the same.
        let (Once::Done | Once::Taken) = self
            .put_once(&numbered(SNAPSHOTS, self.slot), &bytes)
            .await?;
        self.since_snapshot = 0;
        self.snapshots.push(self.slot);
        self.prune().await
    }

    async fn prune(&mut self) -> Result<(), StateError> {
        let surplus = self.snapshots.len().saturating_sub(KEPT);
        let removed: Vec<u64> = self.snapshots.drain(..surplus).collect();
        for slot in &removed {
            self.delete(&numbered(SNAPSHOTS, *slot)).await?;
        }
        let (Some(oldest), false) = (self.snapshots.first().copied(), removed.is_empty()) else {
            return Ok(());
        };
        let objects = self.objects.clone();
        let segments = patiently(&*objects, || objects.list(SEGMENTS))
            .await
            .map_err(remote("list", &*objects, SEGMENTS))?;
        for name in segments {
            if super::number(SEGMENTS, &name).is_some_and(|slot| slot <= oldest) {
                self.delete(&name).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), StateError> {
        let deleted = patiently(&*self.objects, || self.objects.delete(name)).await;
        deleted.map_err(remote("delete", &*self.objects, name))
    }

    /// Gives the lock back, unless something may still be under way: then the next holder shuts it out.
    pub async fn release(&mut self) -> Result<(), StateError> {
        if self.unsure.is_some() || self.stopped.is_some() {
            return Ok(());
        }
        self.lease.give_back(&*self.objects, self.slot).await
    }
}
