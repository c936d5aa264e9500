//! How long a step usually takes, from the published latencies.

use super::{Action, Step};
use crate::resources::latency;
use std::time::Duration;

impl Step {
    /// How long AWS usually needs after the call that makes this change.
    pub fn settling(&self) -> Duration {
        let pace = latency(self.kind);
        match self.action {
            Action::Create | Action::Replace => pace.create,
            Action::Update | Action::Adopt => pace.update,
            Action::Delete => pace.delete,
            Action::Keep => Duration::ZERO,
        }
    }

    /// How long it usually takes until what waits for this step can use what it made.
    pub fn estimate(&self) -> Duration {
        if !self.mutates() {
            return Duration::ZERO;
        }
        let pace = latency(self.kind);
        let visible = match self.action {
            Action::Create | Action::Replace => pace.visible,
            _ => Duration::ZERO,
        };
        pace.call + self.settling() + visible
    }
}
