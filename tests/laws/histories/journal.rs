//! Where a history's environment keeps its state: a journal of its own, or one that several machines share under a lock.

use super::mishap::Tearing;
use async_trait::async_trait;
use futures_util::FutureExt;
use payhook::memory::{MemoryStore, Power};
use payhook::resources::{Class, CloudError};
use payhook::state::ledger::{Condition, Object, Objects, Written};
use payhook::state::{Holder, Record, S3Store, State, StateError, Store};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const ENV: &str = "dev";
/// How long the store takes for each call.
const CALL: Duration = Duration::from_millis(10);

/// The state of one environment, across all its processes.
#[derive(Clone)]
pub enum Journal {
    Own(MemoryStore),
    Shared(Bucket),
}

/// A process that is killed at a write of its journal.
pub type Death = Option<(u8, Tearing)>;

impl Journal {
    pub fn new(shared: bool) -> Self {
        match shared {
            true => Self::Shared(Bucket::default()),
            false => Self::Own(MemoryStore::new()),
        }
    }

    /// Opens it for a process; of a shared one that takes the lock.
    pub async fn open(&self, death: Death, power: &Power) -> Result<Box<dyn Store>, StateError> {
        match (self, death) {
            (Self::Own(store), Some((at, tear))) => {
                Ok(Box::new(store.crashing(at.into(), tear.tear(), power)))
            }
            (Self::Own(store), None) => Ok(Box::new(store.reopened().on(power))),
            (Self::Shared(bucket), death) => {
                let number = bucket.processes.fetch_add(1, Ordering::SeqCst);
                let view = View {
                    bucket: bucket.clone(),
                    death: death.map(|(at, tear)| (at.into(), tear)),
                    writes: AtomicU64::new(0),
                    power: power.clone(),
                    start: Instant::now(),
                };
                let holder = Holder {
                    pid: number as u32 + 1,
                    ..Holder::default()
                };
                let (view, token) = (Arc::new(view), format!("process-{number}"));
                // Nobody sees whether the holder lives: it may be on another machine.
                let store = S3Store::locked(view, ENV, &holder, &token, &|_| None).await?;
                Ok(Box::new(store))
            }
        }
    }

    /// The state as anybody reads it.
    pub async fn load(&self) -> State {
        let state = match self {
            Self::Own(store) => store.load().await,
            Self::Shared(bucket) => {
                let view = Arc::new(View::of(bucket));
                S3Store::read_only(view, ENV).load().await
            }
        };
        state.expect("the journal is whole")
    }

    /// Puts a record into it.
    pub async fn append(&self, record: &Record) -> Result<(), StateError> {
        let store = self.open(None, &Power::default()).await?;
        store.append(record).await?;
        store.release().await
    }

    /// All that it holds but the lock.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Own(store) => store.bytes(),
            Self::Shared(bucket) => {
                let kept = bucket.kept();
                let parts = kept.iter().filter(|(name, _)| name.contains('/'));
                parts
                    .flat_map(|(name, kept)| [name.as_bytes(), &kept.bytes].concat())
                    .collect()
            }
        }
    }

    pub fn lose(&self) {
        match self {
            Self::Own(store) => store.lose(),
            Self::Shared(bucket) => bucket.kept().clear(),
        }
    }
}

/// Objects in memory, each written as a whole and on a condition.
#[derive(Clone, Default)]
pub struct Bucket {
    kept: Arc<Mutex<BTreeMap<String, Kept>>>,
    processes: Arc<AtomicU64>,
    tags: Arc<AtomicU64>,
}

struct Kept {
    bytes: Vec<u8>,
    tag: String,
    at: Instant,
}

impl Bucket {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bucket as one process sees it, which may be killed at a write of the journal.
struct View {
    bucket: Bucket,
    death: Option<(u64, Tearing)>,
    writes: AtomicU64,
    power: Power,
    start: Instant,
}

impl View {
    fn of(bucket: &Bucket) -> Self {
        Self {
            bucket: bucket.clone(),
            death: None,
            writes: AtomicU64::new(0),
            power: Power::default(),
            start: Instant::now(),
        }
    }

    /// How the process dies at this write, if it does.
    fn dies(&self, name: &str) -> Option<Tearing> {
        if !name.starts_with("journal/") {
            return None;
        }
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        let (at, tear) = self.death?;
        (at == number).then_some(tear)
    }
}

fn over() -> CloudError {
    CloudError::new("memory", Class::Denied, "dead", "the process is no more")
}

#[async_trait]
impl Objects for View {
    async fn get(&self, name: &str) -> Result<Option<Object>, CloudError> {
        sleep(CALL).await;
        let kept = self.bucket.kept();
        Ok(kept.get(name).map(|kept| Object {
            bytes: kept.bytes.clone(),
            tag: kept.tag.clone(),
            age: kept.at.elapsed(),
        }))
    }

    async fn put(
        &self,
        name: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Written, CloudError> {
        if self.power.is_cut() {
            return Err(over());
        }
        // What has been sent arrives.
        sleep(CALL).await;
        let dies = self.dies(name);
        if dies.is_none_or(|tear| matches!(tear, Tearing::All)) {
            let mut kept = self.bucket.kept();
            let there = kept.get(name).map(|kept| &kept.tag);
            let holds = match condition {
                Condition::Absent => there.is_none(),
                Condition::Unchanged(tag) => there == Some(tag),
            };
            if !holds {
                return Ok(Written::Refused);
            }
            let number = self.bucket.tags.fetch_add(1, Ordering::SeqCst);
            let tag = number.to_string();
            let written = Kept {
                bytes: bytes.to_vec(),
                tag: tag.clone(),
                at: Instant::now(),
            };
            kept.insert(name.to_owned(), written);
            if dies.is_none() {
                return Ok(Written::Done(tag));
            }
        }
        let _ = self.power.cut().now_or_never();
        Err(over())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        sleep(CALL).await;
        let kept = self.bucket.kept();
        let names = kept.keys().filter(|name| name.starts_with(prefix));
        Ok(names.cloned().collect())
    }

    async fn delete(&self, name: &str) -> Result<(), CloudError> {
        if self.power.is_cut() {
            return Err(over());
        }
        sleep(CALL).await;
        self.bucket.kept().remove(name);
        Ok(())
    }

    async fn pause(&self, pause: Duration) {
        sleep(pause).await;
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn place(&self, name: &str) -> String {
        format!("memory/{name}")
    }
}
