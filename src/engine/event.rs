use crate::graph::LogicalName;
use crate::plan::Action;
use crate::resources::Kind;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One line of what the engine does; the same for the terminal, CI logs and JSON lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// A run starts.
    RunStarted {
        /// Version of the stream: [`Event::VERSION`].
        version: u32,
        /// `deploy`, `destroy`.
        verb: String,
        /// Environment.
        env: String,
        /// Steps that change something.
        steps: usize,
    },
    /// A step starts.
    StepStarted {
        /// Which resource.
        resource: LogicalName,
        /// Its kind.
        kind: Kind,
        /// Its name in the cloud.
        physical: String,
        /// What is done.
        action: Action,
    },
    /// A step waits for AWS.
    StepWaiting {
        /// Which resource.
        resource: LogicalName,
        /// What for: "role to be assumable by Lambda".
        waiting_for: String,
        /// Milliseconds waited so far.
        waited_ms: u64,
    },
    /// A call is repeated after a throttle or a failure of the server.
    StepRetried {
        /// Which resource.
        resource: LogicalName,
        /// AWS error code.
        code: String,
        /// How many times so far.
        attempt: usize,
    },
    /// A step is done.
    StepDone {
        /// Which resource.
        resource: LogicalName,
        /// Its kind.
        kind: Kind,
        /// What was done.
        action: Action,
        /// Milliseconds it took.
        elapsed_ms: u64,
    },
    /// A step failed.
    StepFailed {
        /// Which resource.
        resource: LogicalName,
        /// Its kind.
        kind: Kind,
        /// What was tried.
        action: Action,
        /// Why, in words.
        error: String,
    },
    /// A step was not started because something it needs failed, or because of an interrupt.
    StepSkipped {
        /// Which resource.
        resource: LogicalName,
        /// What would have been done.
        action: Action,
        /// Why not.
        why: String,
    },
    /// A run ends.
    RunEnded {
        /// `deploy`, `destroy`.
        verb: String,
        /// `completed`, `failed`, `cancelled`.
        ending: String,
        /// Milliseconds it took.
        elapsed_ms: u64,
    },
    /// Something the user should know.
    Notice {
        /// What.
        text: String,
    },
}

impl Event {
    /// Grows when a line or field goes or comes to mean something else; additions leave it.
    pub const VERSION: u32 = 1;
}

/// Who is told of events.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// Tells nobody.
pub fn discard() -> Sink {
    Arc::new(|_| {})
}
