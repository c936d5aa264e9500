//! Files and folders that are there after a power cut once a call has returned.

use super::StateError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bytes of a file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::io("read", path)(error)),
    }
}

/// Makes a folder and those above it.
pub(super) fn make_folder(folder: &Path) -> Result<(), StateError> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|ancestor| !ancestor.exists())
        .collect();
    fs::create_dir_all(folder).map_err(StateError::io("make folder", folder))?;
    // A folder is there to stay once the folder that holds its name is on disk.
    for parent in missing.iter().filter_map(|made| made.parent()) {
        let parent = match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        };
        sync(parent)?;
    }
    Ok(())
}

/// Waits until the names in a folder are on disk.
pub(super) fn sync(folder: &Path) -> Result<(), StateError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StateError::io("write", folder))
}

/// Puts a file with this content in place of whatever has the path, all or nothing.
pub(super) fn replace(path: &Path, bytes: &[u8], folder: &Path) -> Result<(), StateError> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(StateError::io("write", &fresh))?;
    fs::rename(&fresh, path).map_err(StateError::io("replace", path))?;
    sync(folder)
}

/// Whether an open file is the one that has the name now.
pub(super) fn has_name(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let open = file.metadata().map(identity);
    let named = fs::metadata(path).map(identity);
    matches!((open, named), (Ok(open), Ok(named)) if open == named)
}

/// Gives a file another identity: whoever still has it open writes into a copy that nobody reads any more.
pub(super) fn rehome(path: &Path, folder: &Path) -> Result<(), StateError> {
    match read(path)? {
        Some(bytes) => replace(path, &bytes, folder),
        None => Ok(()),
    }
}
