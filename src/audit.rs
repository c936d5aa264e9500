//! Whether the table holds what it should, and nothing else: each event once, and settled, waiting or in a queue.
//!
//! Everything here is computed from what was read; reading is the command line's.

mod deliveries;
mod fault;
mod outcomes;
mod sent;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use payments::store::{EventItem, Key, Processing};
use serde::Serialize;
use std::collections::BTreeSet;

pub use fault::{Fault, FaultKind};
pub use outcomes::Seen;
pub use sent::{Expected, Lines, Sent};
pub use snapshot::Snapshot;

/// What an audit has to know beside the table.
#[derive(Clone, Debug)]
pub struct Circumstances<'a> {
    /// When the table was read; what arrived later is not judged.
    pub at: Timestamp,
    /// Which arrivals are judged: from then on, and before then.
    pub window: (Option<Timestamp>, Option<Timestamp>),
    /// How long an event may wait before it has to be settled or in a queue.
    pub deadline: SignedDuration,
    /// Providers whose API is asked before an event counts.
    pub confirmed: BTreeSet<String>,
    /// Whether events are deleted after a while.
    pub events_expire: bool,
    /// Events behind messages of the dead-letter queue.
    pub in_queue: &'a BTreeSet<Key>,
    /// Events in the input of executions that run.
    pub running: &'a BTreeSet<Key>,
    /// Events in the input of executions that ended badly.
    pub broken: &'a BTreeSet<Key>,
}

/// Why an event that was stored is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The pipe gave up on it.
    InQueue,
    /// An execution has it.
    Running,
    /// It has time left.
    Pending,
    /// It should be settled by now.
    Overdue,
}

impl Circumstances<'_> {
    fn judges(&self, event: &EventItem) -> bool {
        let at = event.received_at;
        let (from, to) = self.window;
        let expired = event.expires_at.is_some_and(|end| end <= self.at);
        !expired
            && at <= self.at
            && from.is_none_or(|from| from <= at)
            && to.is_none_or(|to| at < to)
    }

    fn waiting(&self, event: &EventItem) -> Waiting {
        if self.in_queue.contains(&event.key) {
            Waiting::InQueue
        } else if self.running.contains(&event.key) {
            Waiting::Running
        } else if self.broken.contains(&event.key) {
            Waiting::Overdue
        } else if self.at.duration_since(event.received_at) <= self.deadline {
            Waiting::Pending
        } else {
            Waiting::Overdue
        }
    }
}

/// How many events stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub events: usize,
    pub processed: usize,
    pub ignored: usize,
    pub failed: usize,
    /// Not settled, and behind a message of the dead-letter queue.
    pub in_queue: usize,
    /// Not settled, in an execution or within the deadline.
    pub pending: usize,
    pub overdue: usize,
    /// When the one that waits longest arrived.
    pub waiting_since: Option<Timestamp>,
    pub payments: usize,
    pub markers: usize,
    /// Deliveries that the sender says it made.
    pub sent: usize,
    /// Outcomes that were seen, and how many of them again.
    pub outcomes: usize,
    pub outcomes_repeated: usize,
}

/// What an audit came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub figures: Figures,
    /// In order of their kinds.
    pub faults: Vec<Fault>,
}

/// Compares everything with everything.
pub fn audit(
    snapshot: &Snapshot,
    now: &Circumstances<'_>,
    sent: Option<&[Sent]>,
    seen: Option<&[Seen]>,
) -> Report {
    let mut faults = table::faults(snapshot, now);
    faults.extend(
        sent.iter()
            .flat_map(|sent| deliveries::faults(snapshot, sent, now)),
    );
    faults.extend(
        seen.iter()
            .flat_map(|seen| outcomes::faults(snapshot, seen, now)),
    );
    faults.sort();
    faults.dedup();
    let mut figures = figures(snapshot, now);
    figures.sent = sent.map_or(0, <[_]>::len);
    figures.outcomes = seen.map_or(0, <[_]>::len);
    figures.outcomes_repeated = seen.map_or(0, outcomes::repeated);
    Report { figures, faults }
}

fn figures(snapshot: &Snapshot, now: &Circumstances<'_>) -> Figures {
    let mut figures = Figures {
        payments: snapshot.heads.len(),
        markers: snapshot.markers.len(),
        ..Figures::default()
    };
    for event in snapshot.events.values().filter(|event| now.judges(event)) {
        figures.events += 1;
        let count = match (event.processing, now.waiting(event)) {
            (Processing::Processed, _) => &mut figures.processed,
            (Processing::Ignored, _) => &mut figures.ignored,
            (Processing::Failed, _) => &mut figures.failed,
            (Processing::Received, waiting) => {
                let since = figures.waiting_since.unwrap_or(event.received_at);
                figures.waiting_since = Some(since.min(event.received_at));
                match waiting {
                    Waiting::InQueue => &mut figures.in_queue,
                    Waiting::Running | Waiting::Pending => &mut figures.pending,
                    Waiting::Overdue => &mut figures.overdue,
                }
            }
        };
        *count += 1;
    }
    figures
}

/// An event as it is named in findings.
fn of_event(event: &EventItem) -> String {
    format!("{} {}", event.provider, event.event_id)
}
