//! Drift: what the cloud shows otherwise than it was recorded.

use super::change::{Change, changes};
use super::visible::{tags_value, visible};
use crate::graph::LogicalName;
use crate::resources::{Condition, Definition, Kind, Seen, definition};
use crate::state::{Accepted, Entry, State};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that was changed behind payhook's back.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Resources that are not as recorded.
    pub drifted: Vec<Drifted>,
    /// How many are.
    pub as_recorded: usize,
    /// Resources in the middle of which the last run stopped: what differs there is its own doing.
    pub unfinished: Vec<LogicalName>,
    /// Properties that this endpoint does not show, by resource.
    pub unseen: BTreeMap<LogicalName, Vec<String>>,
}

impl Drift {
    /// Whether nothing has drifted.
    pub fn is_empty(&self) -> bool {
        self.drifted.is_empty()
    }
}

/// One resource that was changed behind payhook's back.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drifted {
    /// Which resource.
    pub resource: LogicalName,
    /// Its kind.
    pub kind: Kind,
    /// Its name in the cloud.
    pub physical: String,
    /// Whether it is not there any more.
    pub gone: bool,
    /// What AWS says of it, where it is not simply ready for use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Properties, tags and identities that differ.
    pub changes: Vec<Departure>,
}

/// One property that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Departure {
    /// Path of the property; tags stand below `tags`, identities that AWS chose below `outputs`.
    pub property: String,
    /// As recorded; `None` when it was not there.
    pub recorded: Option<Value>,
    /// As it is; `None` when it is not there any more.
    pub live: Option<Value>,
}

/// Compares what was recorded with what a read of it showed; a resource that is missing in `seen` is gone.
pub fn drift(state: &State, seen: &BTreeMap<LogicalName, Seen>) -> Drift {
    let mut drift = Drift::default();
    for (name, entry) in &state.entries {
        if state.open.contains(name) {
            drift.unfinished.push(name.clone());
            continue;
        }
        let seen = seen.get(name);
        if let Some(seen) = seen.filter(|seen| !seen.unseen.is_empty()) {
            drift.unseen.insert(name.clone(), seen.unseen.clone());
        }
        match drifted(name, entry, seen) {
            Some(found) => drift.drifted.push(found),
            None => drift.as_recorded += 1,
        }
    }
    drift
}

fn drifted(name: &LogicalName, entry: &Entry, seen: Option<&Seen>) -> Option<Drifted> {
    let condition = seen.and_then(|seen| match &seen.condition {
        Condition::Settled => None,
        Condition::Settling(what) => Some(format!("AWS is at work on it: waits for {what}")),
        Condition::Failed(why) => Some(why.clone()),
    });
    let found = Drifted {
        resource: name.clone(),
        kind: entry.kind,
        physical: entry.physical.clone(),
        gone: seen.is_none(),
        condition,
        changes: seen.map(|seen| departures(entry, seen)).unwrap_or_default(),
    };
    (found.gone || found.condition.is_some() || !found.changes.is_empty()).then_some(found)
}

fn departures(entry: &Entry, seen: &Seen) -> Vec<Departure> {
    let rules = definition(entry.kind);
    let live = visible(rules, seen, Some(entry), &Value::Null);
    let accepted = entry.accepted.as_ref();
    let properties = since(
        &rules.canonical(&entry.properties),
        accepted.map(|accepted| rules.canonical(&accepted.properties)),
        &live,
    );
    let mut found: Vec<Departure> = properties.into_iter().map(departure).collect();
    if let (true, Some(tags)) = (rules.tagged(), &seen.tags) {
        let tags = since(
            &tags_value(&entry.tags),
            accepted.map(|accepted| tags_value(&accepted.tags)),
            &tags_value(tags),
        );
        found.extend(tags.into_iter().map(|change| below("tags", change)));
    }
    found.extend(identities(rules, entry, seen));
    found
}

/// What differs from what was applied, unless it was accepted as it is.
fn since(applied: &Value, accepted: Option<Value>, live: &Value) -> Vec<Change> {
    let from_applied = changes(applied, live);
    let Some(accepted) = accepted else {
        return from_applied;
    };
    let mut found = changes(&accepted, live);
    // Whatever is back as it was applied is no drift, although something else had been accepted.
    found.retain(|change| {
        let same = |other: &Change| other.is_of(&change.property) || change.is_of(&other.property);
        from_applied.iter().any(same)
    });
    found
}

/// Another value means that a resource of the same name was made anew.
fn identities<'a>(
    rules: &'static dyn Definition,
    entry: &'a Entry,
    seen: &'a Seen,
) -> impl Iterator<Item = Departure> + 'a {
    rules.identity().iter().filter_map(|output| {
        let (recorded, live) = (entry.outputs.get(*output)?, seen.outputs.get(*output)?);
        (recorded != live).then(|| Departure {
            property: format!("outputs.{output}"),
            recorded: Some(recorded.clone().into()),
            live: Some(live.clone().into()),
        })
    })
}

fn departure(change: Change) -> Departure {
    Departure {
        property: change.property,
        recorded: change.before,
        live: change.after,
    }
}

fn below(path: &str, change: Change) -> Departure {
    let property = format!("{path}.{}", change.property);
    departure(Change { property, ..change })
}

/// The entry once what is there counts as known: what was applied stays on record beside it.
pub fn accept(entry: &Entry, seen: &Seen) -> Entry {
    let rules = definition(entry.kind);
    let properties = rules.canonical(&visible(rules, seen, Some(entry), &Value::Null));
    let tags = match &seen.tags {
        Some(tags) if rules.tagged() => tags.clone(),
        _ => entry.tags.clone(),
    };
    let differs = !changes(&rules.canonical(&entry.properties), &properties).is_empty()
        || tags_value(&tags) != tags_value(&entry.tags);
    Entry {
        outputs: seen.outputs.clone(),
        accepted: differs.then_some(Accepted { properties, tags }),
        ..entry.clone()
    }
}
