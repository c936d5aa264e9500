use super::{Entry, State};
use crate::graph::LogicalName;
use crate::resources::{Given, Outputs};
use serde::{Deserialize, Serialize};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "record",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Record {
    /// A run starts.
    Began {
        /// Number of the run.
        run: u64,
        /// Environment.
        env: String,
        /// `deploy`, `destroy`.
        verb: String,
        /// When, RFC 3339.
        at: String,
        /// Version of payhook.
        version: String,
        /// Where.
        given: Given,
    },
    /// From here on a rollback goes back to what stood at the end of an earlier run.
    Returning {
        /// Number of that run.
        run: u64,
    },
    /// A mutating call is about to be sent; durable before it.
    Intent {
        /// Which resource.
        resource: LogicalName,
        /// `create`, `update`, `delete`, ...
        action: String,
    },
    /// The same for a resource that is not on record yet: what will be there if the call is the last that happens.
    Making {
        /// Which resource.
        resource: LogicalName,
        /// What is to stand.
        entry: Entry,
    },
    /// AWS refused to make a resource: nothing of it is there.
    Unmade {
        /// Which resource.
        resource: LogicalName,
    },
    /// A resource stands as described; durable before anything relies on it.
    Put {
        /// Which resource.
        resource: LogicalName,
        /// What stands.
        entry: Entry,
        /// False while further calls are to come.
        done: bool,
    },
    /// A resource has been replaced and its predecessor is to be deleted.
    Retired {
        /// Which resource.
        resource: LogicalName,
    },
    /// A predecessor was found that state had lost, and is to be deleted.
    Found {
        /// Which resource.
        resource: LogicalName,
        /// What was found.
        entry: Entry,
    },
    /// A resource stands and is not ours any more.
    Forgotten {
        /// Which resource.
        resource: LogicalName,
    },
    /// A resource is gone.
    Deleted {
        /// Which resource.
        resource: LogicalName,
    },
    /// A predecessor is gone.
    DeletedRetired {
        /// Which resource.
        resource: LogicalName,
        /// The predecessor's name in the cloud.
        physical: String,
        /// The predecessor's outputs.
        outputs: Outputs,
    },
    /// A run ends.
    Ended {
        /// Number of the run.
        run: u64,
        /// When, RFC 3339.
        at: String,
        /// How.
        ending: Ending,
    },
    /// Everything so far, in one line.
    Snapshot {
        /// The state.
        state: Box<State>,
    },
    /// The state lives in another backend from here on.
    Moved {
        /// `local`, `s3`.
        to: String,
    },
    /// The state came from another backend, and counts here once that one's counts no more.
    Arrived {
        /// `local`, `s3`.
        from: String,
        /// The state.
        state: Box<State>,
    },
    /// What has arrived counts from here on.
    Settled,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// Everything is in place (or gone, after a destroy).
    Completed,
    /// Some steps failed.
    Failed,
    /// Interrupted.
    Cancelled,
}
