//! The plan of a destroy, and the order of deletes.

use super::{Action, Plan, Step};
use crate::graph::LogicalName;
use crate::resources::definition;
use crate::state::Entry;
use std::collections::BTreeSet;

pub(super) fn delete_step(name: &LogicalName, entry: &Entry, reason: &str) -> Step {
    let rules = definition(entry.kind);
    let guard = rules
        .guard()
        .filter(|guard| entry.properties[guard.property] == true);
    let reason = match guard {
        Some(guard) => format!("{reason}; {}", guard.lifted),
        None => reason.to_owned(),
    };
    Step {
        id: 0,
        resource: name.clone(),
        kind: entry.kind,
        physical: entry.physical.clone(),
        action: Action::Delete,
        reason,
        changes: vec![],
        loses: rules.holds().map(str::to_owned),
        after: BTreeSet::new(),
        properties: entry.properties.clone(),
        tags: entry.tags.clone(),
        outputs: entry.outputs.clone(),
        dependencies: entry.dependencies.clone(),
        retired: false,
    }
}

/// Deletes everything owned, each resource after all that depends on it.
pub fn destroy(owned: &[(LogicalName, Entry)], retired: &[(LogicalName, Entry)]) -> Plan {
    let steps = owned
        .iter()
        .map(|(name, entry)| delete_step(name, entry, "the stack is destroyed"))
        .chain(retired.iter().map(|(name, entry)| {
            let step = delete_step(name, entry, "it has been replaced");
            Step {
                retired: true,
                ..step
            }
        }));
    let mut steps = dependents_first(steps.collect());
    let links: Vec<_> = steps
        .iter()
        .map(|s| (s.resource.clone(), s.dependencies.clone()))
        .collect();
    for (id, step) in steps.iter_mut().enumerate() {
        step.id = id;
        let before = links[..id].iter().enumerate();
        step.after = before
            .filter(|(_, (_, needs))| needs.contains(&step.resource))
            .map(|(i, _)| i)
            .collect();
    }
    Plan {
        steps,
        ..Plan::default()
    }
}

/// Sorts deletes so that dependents stand before what they depend on.
pub(super) fn dependents_first(mut steps: Vec<Step>) -> Vec<Step> {
    let mut sorted: Vec<Step> = Vec::with_capacity(steps.len());
    while !steps.is_empty() {
        let free = steps.iter().position(|step| {
            !steps.iter().any(|other| {
                other.resource != step.resource && other.dependencies.contains(&step.resource)
            })
        });
        // State written by payhook holds no cycles; a cycle edited in by hand is cut anywhere rather than refused.
        sorted.push(steps.remove(free.unwrap_or(0)));
    }
    sorted
}
