//! Appends to the journal file, one line at a time, each on disk before the next.

use super::super::{JournalError, encode};
use super::{Line, Record, StateError, disk};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The journal and its head as they were named when the lock was taken.
///
/// Whoever takes the lock over gives both names to new files, so that nothing written to these counts any more.
#[derive(Debug)]
pub(super) struct Files {
    journal: File,
    head: File,
}

impl Files {
    /// Opens them, making those that are missing.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let open = |name| {
            let path = folder.join(name);
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(StateError::io("open", &path))
        };
        let files = Self {
            journal: open(JOURNAL)?,
            head: open(Head::NAME)?,
        };
        disk::sync(folder)?;
        Ok(files)
    }
}

/// Gives the names to new files with the same content.
pub(super) fn rehome(folder: &Path) -> Result<(), StateError> {
    disk::rehome(&folder.join(JOURNAL), folder)?;
    disk::rehome(&folder.join(Head::NAME), folder)
}

/// Name of the journal in an environment's folder.
pub(super) const JOURNAL: &str = "journal";

/// The journal, ready at its end.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    head: File,
    path: PathBuf,
    length: u64,
    next: u64,
    stopped: Option<StateError>,
}

impl Writer {
    /// Cuts off what a crash left half-written.
    pub fn open(
        files: &Files,
        folder: &Path,
        lines: &[Line],
        valid: usize,
    ) -> Result<Self, StateError> {
        let path = folder.join(JOURNAL);
        let open = || -> io::Result<(File, File, u64)> {
            let mut file = files.journal.try_clone()?;
            let mut length = valid as u64;
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            if ends_without_line_feed(&file, length)? {
                file.write_all(b"\n")?;
                length += 1;
            }
            file.sync_all()?;
            Ok((file, files.head.try_clone()?, length))
        };
        let (file, head, length) = open().map_err(StateError::io("open", &path))?;
        Ok(Self {
            file,
            head,
            path,
            length,
            next: lines.last().map_or(1, |line| line.number + 1),
            stopped: None,
        })
    }

    /// Appends one record and waits until it is on disk.
    pub fn append(&mut self, record: &Record) -> Result<(), StateError> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        let line = encode(self.next, record);
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            let error = StateError::io("append to", &self.path)(error);
            return Err(match self.cut_back() {
                // A full disk may have room later; the line that did not fit has left no trace.
                Ok(()) => error,
                Err(_) => self.stop(error),
            });
        }
        if let Err(error) = self.file.sync_data() {
            // What a failed sync has left on disk is unknown, and a second one would say nothing about it.
            let error = StateError::io("append to", &self.path)(error);
            return Err(self.stop(error));
        }
        self.length += line.len() as u64;
        Head::write(&self.head, self.next);
        self.next += 1;
        Ok(())
    }

    /// Whether what is appended here is what others read.
    pub fn is_current(&self) -> bool {
        disk::has_name(&self.file, &self.path)
    }

    /// Refuses every further record, for this reason.
    pub fn stop(&mut self, why: StateError) -> StateError {
        self.stopped.get_or_insert(why).clone()
    }

    /// Whether nothing more is written.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    fn cut_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }
}

fn ends_without_line_feed(file: &File, length: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != *b"\n")
}

/// The number of the last record, beside the journal: it tells a journal that lost its end from one that ends there.
#[derive(Debug)]
pub(super) struct Head(Option<u64>);

impl Head {
    const NAME: &str = "head";

    /// Reads it; a missing or damaged one says nothing, and the journal speaks for itself.
    pub fn read(folder: &Path) -> Result<Self, StateError> {
        let bytes = disk::read(&folder.join(Self::NAME))?;
        Ok(Self(bytes.as_deref().and_then(Self::parse)))
    }

    fn parse(bytes: &[u8]) -> Option<u64> {
        let (sum, number) = std::str::from_utf8(bytes)
            .ok()?
            .trim_end()
            .split_once(' ')?;
        let expected = format!("{:08x}", crc32fast::hash(number.as_bytes()));
        (sum == expected).then(|| number.parse().ok()).flatten()
    }

    /// Moves on. Not waited for, and a failure is passed over: it then says less than it could, never anything wrong.
    fn write(file: &File, number: u64) {
        let number = format!("{number:020}");
        let sum = crc32fast::hash(number.as_bytes());
        let _ = file.write_all_at(format!("{sum:08x} {number}\n").as_bytes(), 0);
    }

    /// Refuses a journal that lacks records at its end.
    pub fn check(&self, lines: &[Line]) -> Result<(), JournalError> {
        let found = lines.last().map_or(0, |line| line.number);
        match self.0 {
            Some(written) if written > found => Err(JournalError::Shorter { found, written }),
            _ => Ok(()),
        }
    }
}
