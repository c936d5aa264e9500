//! What this process has tried to make, for kinds that AWS makes in the background and may then call failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// When each thing was first tried; a failure found at the start of a run is not one of this run's.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<HashMap<String, Instant>>>);

impl Attempts {
    /// Notes that something is being tried; only the first time counts.
    pub fn begin(&self, what: &str) {
        let mut begun = self.0.lock().unwrap_or_else(|e| e.into_inner());
        begun.entry(what.to_owned()).or_insert_with(Instant::now);
    }

    /// How long ago something was first tried; `None` when this process never did.
    pub fn since(&self, what: &str) -> Option<Duration> {
        let begun = self.0.lock().unwrap_or_else(|e| e.into_inner());
        begun.get(what).map(Instant::elapsed)
    }
}
