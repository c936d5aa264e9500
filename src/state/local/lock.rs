//! The lock file: its kernel lock says whether somebody is at work, its text who.

use super::{Holder, StateError, disk};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "lock";

/// The environment's lock, held.
///
/// The lock is on the file that has the name now. Replacing that file takes the lock away from its holder, who notices
/// by [`Lock::is_ours`].
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock; also says whether the one before was given back.
    pub fn take(folder: &Path, env: &str, holder: &Holder) -> Result<(Self, bool), StateError> {
        let path = folder.join(NAME);
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(StateError::io("open", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(StateError::Held {
                        env: env.to_owned(),
                        holder: Box::new(who(&path)),
                        sign: String::new(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(StateError::io("lock", &path)(error));
                }
            }
            let lock = Self {
                file,
                path: path.clone(),
            };
            // Otherwise another file got the name between the two calls.
            if lock.is_ours() {
                let clean = lock
                    .file
                    .metadata()
                    .is_ok_and(|metadata| metadata.len() == 0);
                lock.sign(holder)?;
                return Ok((lock, clean));
            }
        }
    }

    fn sign(&self, holder: &Holder) -> Result<(), StateError> {
        let text = serde_json::to_string(holder).unwrap_or_default();
        self.file
            .set_len(0)
            .and_then(|()| (&self.file).write_all(text.as_bytes()))
            .and_then(|()| self.file.sync_all())
            .map_err(StateError::io("write", &self.path))
    }

    /// Whether nobody has taken it over.
    pub fn is_ours(&self) -> bool {
        disk::has_name(&self.file, &self.path)
    }

    /// Gives it back: the next holder then knows that nothing more is coming.
    pub fn give_back(self) -> Result<(), StateError> {
        self.file
            .set_len(0)
            .map_err(StateError::io("write", &self.path))
    }

    /// Who holds it.
    pub fn look(folder: &Path) -> Result<Option<Holder>, StateError> {
        let path = folder.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StateError::io("open", &path)(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(who(&path))),
            Err(TryLockError::Error(error)) => Err(StateError::io("lock", &path)(error)),
        }
    }

    /// Puts a free lock in place of the one that is held; its text tells the next holder that it was not given back.
    pub fn replace(folder: &Path, by: &Holder) -> Result<(), StateError> {
        let text = serde_json::to_string(by).unwrap_or_default();
        disk::replace(&folder.join(NAME), text.as_bytes(), folder)
    }
}

/// What the holder says of itself; it may be just about to.
fn who(path: &Path) -> Holder {
    for _ in 0..20 {
        let text = std::fs::read(path).unwrap_or_default();
        if let Ok(holder) = serde_json::from_slice(&text) {
            return holder;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Holder::default()
}
