//! State in a local directory: a journal file and a lock that dies with its process.

mod disk;
mod generations;
mod lock;
mod writer;

use super::{Holder, Line, Record, State, StateError, Store, decode, fold, guard};
use async_trait::async_trait;
use lock::Lock;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use writer::{Files, Head, JOURNAL, Writer};

/// The state of one environment in a local directory.
///
/// Layout: `ENV/journal`, `ENV/head` (number of the last record), `ENV/lock`, `ENV/history/NUMBER` (earlier journals).
#[derive(Debug)]
pub struct LocalStore {
    env: String,
    folder: PathBuf,
    work: Arc<Mutex<Work>>,
}

/// What only one thread at a time may do; empty for a store that only reads.
#[derive(Debug, Default)]
struct Work {
    held: Option<Held>,
    writer: Option<Writer>,
}

#[derive(Debug)]
struct Held {
    lock: Lock,
    files: Files,
}

impl LocalStore {
    /// Opens for reading only; takes no lock and makes no file.
    pub fn read_only(root: &Path, env: &str) -> Self {
        Self {
            env: env.to_owned(),
            folder: root.join(env),
            work: Arc::default(),
        }
    }

    /// Opens for writing under the environment's lock.
    ///
    /// The lock is the kernel's: it ends with the process that holds it, however that ends.
    pub fn locked(root: &Path, env: &str, holder: &Holder) -> Result<Self, StateError> {
        let store = Self::read_only(root, env);
        disk::make_folder(&store.folder)?;
        let (lock, clean) = Lock::take(&store.folder, env, holder)?;
        if !clean {
            // Whoever had the lock before did not give it back; should it still run, it writes where nobody reads.
            writer::rehome(&store.folder)?;
        }
        let files = Files::open(&store.folder)?;
        if !lock.is_ours() {
            return Err(store.fenced());
        }
        let work = Work {
            held: Some(Held { lock, files }),
            writer: None,
        };
        Ok(Self {
            work: Arc::new(Mutex::new(work)),
            ..store
        })
    }

    /// Who holds the lock, if anybody does.
    pub fn holder(root: &Path, env: &str) -> Result<Option<Holder>, StateError> {
        Lock::look(&root.join(env))
    }

    /// Takes the lock away from whoever has it; from then on nothing they write counts.
    pub fn unlock(root: &Path, env: &str, by: &Holder) -> Result<(), StateError> {
        Lock::replace(&root.join(env), by)
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.join(JOURNAL)
    }

    /// Folds the journal into the state; a missing journal is an empty state.
    pub fn load(&self) -> Result<State, StateError> {
        let place = self.journal_path().display().to_string();
        guard(fold(self.lines()?.0), &self.env, &place)
    }

    /// The journal's records and how many of its bytes they are.
    fn lines(&self) -> Result<(Vec<Line>, usize), StateError> {
        let path = self.journal_path();
        // In this order: a writer at work in another process moves the head only after the journal.
        let head = Head::read(&self.folder)?;
        let Some(bytes) = disk::read(&path)? else {
            return Ok((Vec::new(), 0));
        };
        let (lines, valid) = decode(&bytes)
            .and_then(|decoded| head.check(&decoded.0).map(|()| decoded))
            .map_err(|source| StateError::Journal {
                place: path.display().to_string(),
                source,
            })?;
        Ok((lines, valid))
    }

    fn append_now(&self, record: &Record) -> Result<(), StateError> {
        let mut work = self.work.lock().unwrap_or_else(|e| e.into_inner());
        let Work {
            held: Some(Held { lock, files }),
            writer,
        } = &mut *work
        else {
            return Err(self.fenced());
        };
        let writer = match writer {
            Some(writer) => writer,
            None => {
                let (lines, valid) = self.lines()?;
                writer.insert(Writer::open(files, &self.folder, &lines, valid)?)
            }
        };
        writer.append(record)?;
        // Only now is it sure that nobody took the lock over before the record was there to be read.
        match lock.is_ours() && writer.is_current() {
            true => Ok(()),
            false => Err(writer.stop(self.fenced())),
        }
    }

    fn fenced(&self) -> StateError {
        StateError::Fenced {
            env: self.env.clone(),
        }
    }

    /// Folds a long journal into one snapshot line; the old journal stays in `history`.
    pub fn compact(&self, longer_than: usize) -> Result<(), StateError> {
        let mut work = self.work.lock().unwrap_or_else(|e| e.into_inner());
        let Work {
            held: Some(Held { lock, files }),
            writer,
        } = &mut *work
        else {
            return Ok(());
        };
        if !lock.is_ours() || writer.as_ref().is_none_or(Writer::is_stopped) {
            return Ok(());
        }
        let (lines, _) = self.lines()?;
        if lines.len() > longer_than {
            generations::begin(&self.folder, &self.journal_path(), lines)?;
            (*files, *writer) = (Files::open(&self.folder)?, None);
        }
        Ok(())
    }
}

/// Lines after which a journal is folded into one snapshot line.
const LONG: usize = 2_000;

#[async_trait]
impl Store for LocalStore {
    async fn load(&self) -> Result<State, StateError> {
        LocalStore::load(self)
    }

    async fn history(&self) -> Result<Vec<Line>, StateError> {
        let mut lines = generations::read(&self.folder)?;
        let (last, _) = self.lines()?;
        generations::join(&mut lines, last);
        Ok(lines)
    }

    /// Waits for the disk on a thread of its own, so that other steps go on meanwhile.
    async fn append(&self, record: &Record) -> Result<(), StateError> {
        let store = Self {
            env: self.env.clone(),
            folder: self.folder.clone(),
            work: self.work.clone(),
        };
        let record = record.clone();
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || store.append_now(&record))
            .await
            .unwrap_or_else(|stopped| Err(StateError::io("append to", &folder)(stopped.into())))
    }

    async fn finish(&self) -> Result<(), StateError> {
        self.compact(LONG)
    }

    async fn release(&self) -> Result<(), StateError> {
        let mut work = self.work.lock().unwrap_or_else(|e| e.into_inner());
        work.writer = None;
        match work.held.take() {
            Some(held) => held.lock.give_back(),
            None => Ok(()),
        }
    }
}
