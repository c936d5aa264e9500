//! What a destroy leaves standing.

use crate::graph::LogicalName;
use crate::resources::Kind;
use crate::state::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What is owned, divided into what is deleted and what stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Division {
    /// To be deleted.
    pub deleted: Vec<(LogicalName, Entry)>,
    /// To be left standing and forgotten.
    pub retained: Vec<(LogicalName, Entry)>,
}

/// Leaves standing what is chosen and, since it would be worth nothing without it, all that it depends on.
pub fn divide(
    owned: Vec<(LogicalName, Entry)>,
    chosen: impl Fn(&LogicalName, Kind) -> bool,
) -> Division {
    let mut retained: BTreeSet<LogicalName> = owned
        .iter()
        .filter(|(name, entry)| chosen(name, entry.kind))
        .map(|(name, _)| name.clone())
        .collect();
    let entries: BTreeMap<&LogicalName, &Entry> = owned.iter().map(|(n, e)| (n, e)).collect();
    let mut waiting: Vec<LogicalName> = retained.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let needed = entries.get(&name).map(|entry| &entry.dependencies);
        for needed in needed.into_iter().flatten() {
            if retained.insert(needed.clone()) {
                waiting.push(needed.clone());
            }
        }
    }
    let (retained, deleted) = owned
        .into_iter()
        .partition(|(name, _)| retained.contains(name));
    Division { deleted, retained }
}
