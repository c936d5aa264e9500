//! State in a local directory: a journal file and a lock that dies with its process.

use super::{JournalError, Record, State, decode, encode};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Lines after which a journal is folded into one snapshot line.
const COMPACT_AFTER: u64 = 2_000;
/// Earlier journals that are kept.
const GENERATIONS: usize = 10;

/// Why state could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The journal is damaged or of a newer format.
    #[error("{path}: {source}", path = path.display())]
    Journal {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: JournalError,
    },
    /// Reading or writing failed.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else is at work.
    #[error("another payhook holds the lock of environment `{env}`: {holder}")]
    Held {
        /// Environment.
        env: String,
        /// Who.
        holder: Box<Holder>,
    },
}

/// Who holds the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Login name.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// `deploy`, `destroy`.
    pub verb: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            user,
            host,
            pid,
            verb,
            since,
        } = self;
        write!(
            f,
            "`{verb}` by {user} on {host}, process {pid}, since {since}"
        )
    }
}

/// The state of one environment in a local directory.
///
/// Layout: `ENV/journal`, `ENV/lock`, `ENV/history/NUMBER` (earlier journals).
#[derive(Debug)]
pub struct LocalStore {
    env: String,
    folder: PathBuf,
    _lock: Option<File>,
    journal: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    next: u64,
}

impl LocalStore {
    /// Opens for reading only; takes no lock and makes no file.
    pub fn read_only(root: &Path, env: &str) -> Self {
        Self {
            env: env.to_owned(),
            folder: root.join(env),
            _lock: None,
            journal: Mutex::new(None),
        }
    }

    /// Opens for writing under the environment's lock.
    ///
    /// The lock is the kernel's: it ends with the process that holds it, however that ends.
    pub fn locked(root: &Path, env: &str, holder: &Holder) -> Result<Self, StateError> {
        let mut store = Self::read_only(root, env);
        fs::create_dir_all(&store.folder).map_err(|e| store.io("make folder", &store.folder, e))?;
        let path = store.folder.join("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|e| store.io("open", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text)
                    .map_err(|e| store.io("read", &path, e))?;
                let holder: Holder = serde_json::from_str(&text).unwrap_or_default();
                return Err(StateError::Held {
                    env: store.env,
                    holder: Box::new(holder),
                });
            }
            Err(TryLockError::Error(e)) => return Err(store.io("lock", &path, e)),
        }
        let text = serde_json::to_string(holder).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(|e| store.io("write", &path, e))?;
        store._lock = Some(file);
        Ok(store)
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.join("journal")
    }

    fn io(&self, what: &'static str, path: &Path, source: io::Error) -> StateError {
        StateError::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// Folds the journal into the state; a missing journal is an empty state.
    pub fn load(&self) -> Result<State, StateError> {
        Ok(fold(self.lines()?.0))
    }

    /// Every record since the last snapshot.
    pub fn history(&self) -> Result<Vec<super::Line>, StateError> {
        Ok(self.lines()?.0)
    }

    fn lines(&self) -> Result<(Vec<super::Line>, usize), StateError> {
        let path = self.journal_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(self.io("read", &path, e)),
        };
        decode(&bytes).map_err(|source| StateError::Journal { path, source })
    }

    /// Appends one record and waits until it is on disk.
    pub fn append(&self, record: &Record) -> Result<(), StateError> {
        let path = self.journal_path();
        let mut guard = self
            .journal
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if guard.is_none() {
            *guard = Some(self.open_journal(&path)?);
        }
        let Some(open) = guard.as_mut() else {
            return Ok(());
        };
        let line = encode(open.next, record);
        open.file
            .write_all(line.as_bytes())
            .and_then(|()| open.file.sync_data())
            .map_err(|e| self.io("append to", &path, e))?;
        open.next += 1;
        Ok(())
    }

    /// Opens the journal at its end, cutting off what a crash left half-written.
    fn open_journal(&self, path: &Path) -> Result<Open, StateError> {
        let (lines, valid) = self.lines()?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(|e| self.io("open", path, e))?;
        file.set_len(valid as u64)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .and_then(|_| file.sync_all())
            .and_then(|()| sync_folder(&self.folder))
            .map_err(|e| self.io("open", path, e))?;
        Ok(Open {
            file,
            next: lines.last().map_or(1, |line| line.number + 1),
        })
    }

    /// Folds a long journal into one snapshot line; the old journal stays in `history`.
    pub fn compact(&self) -> Result<(), StateError> {
        let (lines, _) = self.lines()?;
        if (lines.len() as u64) < COMPACT_AFTER {
            return Ok(());
        }
        let number = lines.last().map_or(1, |line| line.number + 1);
        let snapshot = encode(
            number,
            &Record::Snapshot {
                state: Box::new(fold(lines)),
            },
        );
        let (path, history) = (self.journal_path(), self.folder.join("history"));
        let fresh = self.folder.join("journal.new");
        let write = || -> io::Result<()> {
            fs::create_dir_all(&history)?;
            let mut file = File::create(&fresh)?;
            file.write_all(snapshot.as_bytes())?;
            file.sync_all()?;
            fs::copy(&path, history.join(format!("{number:012}")))?;
            fs::rename(&fresh, &path)?;
            sync_folder(&self.folder)?;
            prune(&history)
        };
        write().map_err(|e| self.io("compact", &path, e))?;
        *self
            .journal
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
        Ok(())
    }
}

fn fold(lines: Vec<super::Line>) -> State {
    let mut state = State::default();
    lines.into_iter().for_each(|line| state.apply(line.record));
    state
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn prune(history: &Path) -> io::Result<()> {
    let mut kept: Vec<PathBuf> = fs::read_dir(history)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    kept.sort();
    let surplus = kept.len().saturating_sub(GENERATIONS);
    kept.iter().take(surplus).try_for_each(fs::remove_file)
}
