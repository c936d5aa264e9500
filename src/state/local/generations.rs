//! Earlier journals, kept beside the current one.

use super::super::{encode, fold, mend};
use super::{Line, Record, StateError, disk};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Earlier journals that are kept.
const KEPT: usize = 10;

/// Begins a journal that holds one snapshot of these lines; the one they stand in becomes an earlier one.
pub(super) fn begin(folder: &Path, journal: &Path, lines: Vec<Line>) -> Result<(), StateError> {
    let number = lines.last().map_or(1, |line| line.number + 1);
    let state = Box::new(fold(lines));
    let history = folder.join("history");
    disk::make_folder(&history)?;
    keep(journal, &history.join(format!("{number:012}")), &history)?;
    let snapshot = encode(number, &Record::Snapshot { state });
    disk::replace(journal, snapshot.as_bytes(), folder)?;
    prune(&history)
}

/// Keeps a journal under a second name, or as a copy where the file system has no second names.
fn keep(journal: &Path, kept: &Path, history: &Path) -> Result<(), StateError> {
    match fs::hard_link(journal, kept) {
        Ok(()) => disk::sync(history),
        // A crash came between this and the new journal, and nothing has been written since.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => {
            let bytes = fs::read(journal).map_err(StateError::io("read", journal))?;
            disk::replace(kept, &bytes, history)
        }
    }
}

fn prune(history: &Path) -> Result<(), StateError> {
    let kept = files(history)?;
    let surplus = kept.len().saturating_sub(KEPT);
    kept.iter()
        .take(surplus)
        .try_for_each(|path| fs::remove_file(path).map_err(StateError::io("remove", path)))
}

/// The records of the earlier journals.
pub(super) fn read(folder: &Path) -> Result<Vec<Line>, StateError> {
    let mut lines = Vec::new();
    for path in files(&folder.join("history"))? {
        let mut bytes = disk::read(&path)?.unwrap_or_default();
        let more = mend(&mut bytes).map_err(|source| StateError::Journal {
            place: path.display().to_string(),
            source,
        })?;
        join(&mut lines, more);
    }
    Ok(lines)
}

/// Adds the lines that are not there yet: a crash can leave the same lines in two journals.
pub(super) fn join(lines: &mut Vec<Line>, more: Vec<Line>) {
    let last = lines.last().map_or(0, |line| line.number);
    lines.extend(more.into_iter().filter(|line| line.number > last));
}

/// Earlier journals, the oldest first.
fn files(history: &Path) -> Result<Vec<PathBuf>, StateError> {
    let entries = match fs::read_dir(history) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StateError::io("read", history)(error)),
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(StateError::io("read", history))?;
    files.retain(|path| path.extension().is_none());
    files.sort();
    Ok(files)
}
