//! Applies a plan: every step whose inputs are ready, in parallel, longest path first; emits events.

mod apply;
mod event;
mod fresh;
mod look;
mod observe;
mod ready;
mod retry;
mod step;
mod survey;
#[cfg(test)]
mod verdicts;

use crate::graph::LogicalName;
use crate::plan::{Action, PlanError};
use crate::resources::{Class, Cloud, CloudError, Kind};
use crate::state::{State, StateError, Store};
use fresh::Fresh;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub use apply::Run;
pub use event::{Event, Sink, discard};
pub use observe::{observe, observe_entries};
pub use survey::{Survey, Unsure, left_standing, survey, survey_for_good, survey_if_lost};

/// How a run ended; no caller can forget that it may have been cancelled or failed in part.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// Every step was done.
    Completed,
    /// Some steps failed; what did not depend on them was done.
    Failed(Vec<StepError>),
    /// Interrupted; what was in flight was finished, nothing new was started.
    Cancelled,
}

/// A step that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{action} of {resource} ({kind} `{physical}`): {cause}")]
pub struct StepError {
    /// Which resource.
    pub resource: LogicalName,
    /// Its kind.
    pub kind: Kind,
    /// Its name in the cloud.
    pub physical: String,
    /// What was being done.
    pub action: Action,
    /// Why it failed.
    pub cause: Cause,
}

/// Why a step failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Cause {
    /// A call was refused.
    #[error("{0}")]
    Call(CloudError),
    /// A call was refused until patience ran out.
    #[error("{error}; waited {} s for {what}", .waited.as_secs())]
    Settle {
        /// The last refusal.
        error: Box<CloudError>,
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// What is the matter where it never passes, if more is known than the refusal says.
        otherwise: Option<&'static str>,
    },
    /// A change did not take effect in time.
    #[error("waited {} s for {what}, which did not happen", .waited.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
    },
    /// State could not be written; nothing may be changed without a record of it.
    #[error("state could not be written: {0}")]
    State(StateError),
    /// Stopped on request while waiting; the next run goes on from here.
    #[error("interrupted while waiting; the next run goes on from here")]
    Interrupted,
    /// An output that it needs is unknown.
    #[error("it needs {0}, which is unknown")]
    Open(String),
}

impl Cause {
    /// Why no further step may be started after it, where none may.
    fn ends_the_run(&self) -> Option<&'static str> {
        match self {
            Self::Call(error) if error.class == Class::Credentials => {
                Some("AWS does not accept the credentials any more")
            }
            Self::State(StateError::Fenced { .. }) => Some("the lock was taken over"),
            Self::State(_) => Some("state could not be written"),
            _ => None,
        }
    }
}

/// Why nothing could be planned or applied.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Planning failed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// State could not be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// Reading a resource failed.
    #[error("cannot read {resource} ({kind}): {cause}")]
    Read {
        /// Which resource.
        resource: LogicalName,
        /// Its kind.
        kind: Kind,
        /// Why.
        cause: Cause,
    },
    /// What would be relied on for good could not be found out.
    #[error(transparent)]
    Unsure(#[from] Unsure),
}

/// The engine at work on one environment.
pub struct Engine<'a> {
    /// The cloud.
    pub cloud: &'a dyn Cloud,
    /// Where state is kept.
    pub store: &'a dyn Store,
    /// Who is told.
    pub sink: Sink,
    /// Asks to stop after what is in flight.
    pub cancel: CancellationToken,
    state: Mutex<State>,
    /// What this run has made or changed so far.
    fresh: Mutex<HashMap<LogicalName, Fresh>>,
}

impl<'a> Engine<'a> {
    /// Loads the state and gets ready.
    pub async fn open(
        cloud: &'a dyn Cloud,
        store: &'a dyn Store,
        sink: Sink,
        cancel: CancellationToken,
    ) -> Result<Self, EngineError> {
        let state = Mutex::new(store.load().await?);
        Ok(Self {
            cloud,
            store,
            sink,
            cancel,
            state,
            fresh: Mutex::default(),
        })
    }

    /// The state as of now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Makes a record durable, then takes it into account.
    pub async fn record(&self, record: crate::state::Record) -> Result<(), StateError> {
        self.store.append(&record).await?;
        self.lock().apply(record);
        Ok(())
    }

    fn emit(&self, event: Event) {
        (self.sink)(event);
    }
}

/// A sink that keeps every event, for tests and summaries.
pub fn collect() -> (Sink, Arc<Mutex<Vec<Event>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let into = kept.clone();
    let sink: Sink = Arc::new(move |event| {
        into.lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .push(event);
    });
    (sink, kept)
}
