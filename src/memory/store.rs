//! State in memory, as the bytes of a journal, with crashes.

use super::Power;
use crate::state::{Line, Record, State, StateError, Store, encode, fold, mend};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A crash of the process at a write of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Before anything is written.
    Before,
    /// After half of the line.
    Torn,
    /// After the whole line, before anybody knows.
    After,
}

/// What is on the disk, and how many lines of it have been counted: an append must not read all that is there.
#[derive(Clone, Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    counted: (usize, u64),
}

impl Kept {
    fn append(&mut self, record: &Record, torn: bool) {
        let (length, mut lines) = self.counted;
        lines += self.bytes[length..].iter().filter(|b| **b == b'\n').count() as u64;
        self.counted = (self.bytes.len(), lines);
        let line = encode(lines + 1, record);
        let length = if torn { line.len() / 2 } else { line.len() };
        self.bytes.extend_from_slice(&line.as_bytes()[..length]);
    }
}

/// A journal in memory; the bytes outlive the crash.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
    crash: Option<(usize, Tear)>,
    power: Power,
    appends: Arc<Mutex<usize>>,
}

impl MemoryStore {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same journal, on which the process dies at the n-th append from now.
    pub fn crashing(&self, append: usize, tear: Tear, power: &Power) -> Self {
        Self {
            kept: self.kept.clone(),
            crash: Some((append, tear)),
            power: power.clone(),
            appends: Arc::default(),
        }
    }

    /// The same journal as written by another process.
    pub fn on(&self, power: &Power) -> Self {
        Self {
            power: power.clone(),
            ..self.clone()
        }
    }

    /// Another journal that is the same up to now.
    pub fn fork(&self) -> Self {
        Self {
            kept: Arc::new(Mutex::new(self.kept().clone())),
            ..Self::default()
        }
    }

    /// The same journal after a restart.
    pub fn reopened(&self) -> Self {
        Self {
            kept: self.kept.clone(),
            crash: None,
            power: Power::default(),
            appends: Arc::default(),
        }
    }

    /// How many appends so far.
    pub fn appends(&self) -> usize {
        *self
            .appends
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The journal as it is on disk.
    pub fn bytes(&self) -> Vec<u8> {
        self.kept().bytes.clone()
    }

    /// Forgets everything.
    pub fn lose(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self) -> Result<State, StateError> {
        Ok(fold(self.history().await?))
    }

    async fn history(&self) -> Result<Vec<Line>, StateError> {
        let mut kept = self.kept();
        kept.counted = (0, 0);
        mend(&mut kept.bytes).map_err(|source| StateError::Journal {
            place: "memory".to_owned(),
            source,
        })
    }

    async fn append(&self, record: &Record) -> Result<(), StateError> {
        self.power.needed().await;
        let number = {
            let mut appends = self
                .appends
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            *appends += 1;
            *appends - 1
        };
        let tear = self
            .crash
            .filter(|(at, _)| *at == number)
            .map(|(_, tear)| tear);
        if tear != Some(Tear::Before) {
            self.kept().append(record, tear == Some(Tear::Torn));
        }
        if tear.is_some() {
            self.power.cut().await;
        }
        Ok(())
    }

    async fn finish(&self) -> Result<(), StateError> {
        Ok(())
    }
}
