//! What this run has made or changed, which others may see late.

use super::Engine;
use crate::graph::LogicalName;
use crate::plan::Step;
use crate::resources::{Kind, latency};
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Something made or changed in this run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    pub kind: Kind,
    /// When AWS had it.
    pub since: Instant,
}

impl Fresh {
    /// How long it usually takes until others see it.
    pub fn usual(&self) -> Duration {
        latency(self.kind).visible
    }

    /// When others usually see it.
    pub fn due(&self) -> Instant {
        self.since + self.usual()
    }
}

impl Engine<'_> {
    /// Remembers what a step has made or changed.
    pub(super) fn freshen(&self, step: &Step, since: Instant) {
        let kind = step.kind;
        self.fresh()
            .insert(step.resource.clone(), Fresh { kind, since });
    }

    /// What a step uses that was made or changed in this run.
    pub(super) fn fresh_uses(&self, step: &Step) -> Vec<Fresh> {
        let fresh = self.fresh();
        let used = step.dependencies.iter();
        used.filter_map(|name| fresh.get(name).copied()).collect()
    }

    fn fresh(&self) -> MutexGuard<'_, HashMap<LogicalName, Fresh>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
