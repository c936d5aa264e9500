//! One starter or stopper at a time: a lock on a file, which the system releases when its holder ends however it ends.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::local::error::LocalError;

/// As long as an installation may take, and a little more.
pub(super) const LOCK_LIMIT: Duration = Duration::from_secs(900);

/// Held while it lives.
pub(super) struct Exclusive {
    _file: File,
}

impl Exclusive {
    /// Takes the lock; `waiting` hears once, with the holder's pid where known, that someone else has it.
    pub(super) async fn take(
        path: &Path,
        limit: Duration,
        waiting: impl Fn(Option<u32>),
    ) -> Result<Self, LocalError> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(LocalError::io("open", path))?;
        let deadline = Instant::now() + limit;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(LocalError::io("lock", path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(LocalError::Busy {
                        holder: holder(&mut file),
                        waited: limit,
                    });
                }
                Err(TryLockError::WouldBlock) => {}
            }
            if !std::mem::replace(&mut said, true) {
                waiting(holder(&mut file));
            }
            sleep(Duration::from_millis(50)).await;
        }
        sign(&mut file).map_err(LocalError::io("write", path))?;
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_second_taker_waits_says_for_whom_and_gives_up_in_time() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("lock");
        let first = Exclusive::take(&path, LOCK_LIMIT, |_| {})
            .await
            .expect("free");
        let heard = Mutex::new(Vec::new());
        let limit = Duration::from_millis(200);
        let second =
            Exclusive::take(&path, limit, |pid| heard.lock().expect("heard").push(pid)).await;
        assert!(matches!(second.err(), Some(LocalError::Busy { .. })));
        assert_eq!(*heard.lock().expect("heard"), [Some(std::process::id())]);
        drop(first);
        Exclusive::take(&path, limit, |_| {})
            .await
            .expect("free again");
    }
}
