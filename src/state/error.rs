use super::{Holder, JournalError};
use crate::resources::CloudError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why state could not be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// The journal is damaged or of a newer format.
    #[error("{place}: {source}")]
    Journal {
        /// Which file or object.
        place: String,
        /// What is wrong.
        source: JournalError,
    },
    /// Reading or writing a file failed.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A call to S3 failed.
    #[error("cannot {what} {place}: {source}")]
    Remote {
        /// What was tried.
        what: &'static str,
        /// On which object or bucket.
        place: String,
        /// What AWS said.
        source: Box<CloudError>,
    },
    /// Somebody else is at work.
    #[error("another payhook holds the lock of environment `{env}`: {holder}{sign}")]
    Held {
        /// Environment.
        env: String,
        /// Who.
        holder: Box<Holder>,
        /// Their last sign of life, where one is known, after a comma.
        sign: String,
    },
    /// Somebody else took the lock over while this process had it.
    #[error(
        "the lock of environment `{env}` was taken over while this process had it; nothing more is written"
    )]
    Fenced {
        /// Environment.
        env: String,
    },
    /// The journal belongs to another environment.
    #[error("{place} is the state of environment `{found}`, not of `{wanted}`")]
    OtherEnvironment {
        /// Which file or object.
        place: String,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// The state lives elsewhere since a `state move`.
    #[error("the state of environment `{env}` was moved to {to}")]
    Moved {
        /// Environment.
        env: String,
        /// `local`, `s3`.
        to: String,
    },
    /// A `state move` was cut off before the state had left where it was.
    #[error(
        "the state of environment `{env}` is on its way here from `{from}`, and the move has not ended"
    )]
    Arriving {
        /// Environment.
        env: String,
        /// `local`, `s3`.
        from: String,
    },
}

impl StateError {
    /// Names the file on an error of the system.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            what,
            path,
            source: Arc::new(source),
        }
    }
}
