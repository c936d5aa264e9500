//! The outcomes that were seen on the bus, against the table.

use super::Circumstances;
use super::fault::{Fault, FaultKind};
use super::of_event;
use super::sent::Lines;
use super::snapshot::Snapshot;
use payments::outcome::outcome_id;
use payments::store::{EventItem, Processing};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One outcome as it was published; EventBridge may deliver it more than once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The same for all publications of one event.
    pub outcome_id: String,
    pub provider: String,
    pub payment_id: String,
    pub event_id: String,
}

impl Seen {
    /// Reads lines of outcome events as EventBridge delivers them, or of their details alone.
    pub fn read_lines(text: &str) -> Lines<Seen> {
        let lines = (1..).zip(text.lines());
        let read = |(number, line): (usize, &str)| {
            let wrong = |error: serde_json::Error| (number, error.to_string());
            let mut value: serde_json::Value = serde_json::from_str(line).map_err(wrong)?;
            // What `listen` writes has the event below `outcome`.
            for inside in ["outcome", "detail"] {
                if let Some(found) = value.get_mut(inside) {
                    value = found.take();
                }
            }
            serde_json::from_value(value).map_err(wrong)
        };
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        lines.map(read).collect()
    }
}

/// How often outcomes were seen again.
pub fn repeated(seen: &[Seen]) -> usize {
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    seen.len() - different.len()
}

/// Every difference between the outcomes that were seen and the table.
pub fn faults(snapshot: &Snapshot, seen: &[Seen], now: &Circumstances<'_>) -> Vec<Fault> {
    let mut by_id = BTreeMap::<&str, Vec<&Seen>>::new();
    for one in seen {
        by_id.entry(&one.outcome_id).or_default().push(one);
    }
    let mut faults = Vec::new();
    let processed =
        |event: &&EventItem| event.processing == Processing::Processed && now.judges(event);
    for event in snapshot.events.values().filter(processed) {
        let own = outcome_id(&event.provider, &event.event_id);
        if !by_id.contains_key(own.as_str()) {
            faults.push(Fault {
                kind: FaultKind::OutcomeMissing,
                subject: of_event(event),
                detail: format!("is processed, and its outcome {own} was not seen"),
                partitions: vec![event.key.payment_id.clone()],
            });
        }
    }
    let events = snapshot.by_id();
    for one in by_id.values().flatten() {
        let own = one.outcome_id == outcome_id(&one.provider, &one.event_id);
        let known = events
            .get(&(one.provider.as_str(), one.event_id.as_str()))
            .is_some_and(|items| {
                items
                    .iter()
                    .any(|item| item.key.payment_id == one.payment_id)
            });
        if !(own && known) {
            faults.push(Fault {
                kind: FaultKind::OutcomeOfNothing,
                subject: format!("outcome {}", one.outcome_id),
                detail: match own {
                    true => format!(
                        "is of the event {} of {}, which is not in the table",
                        one.event_id, one.payment_id
                    ),
                    false => format!("is not the id of the outcome of {}", one.event_id),
                },
                partitions: vec![one.payment_id.clone()],
            });
        }
    }
    faults.dedup();
    faults
}
