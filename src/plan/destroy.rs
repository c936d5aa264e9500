//! The plan of a destroy, and the order of deletes.

use super::link::{Former, link};
use super::{Action, Plan, Step};
use crate::graph::LogicalName;
use crate::resources::definition;
use crate::state::Entry;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

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
    steps.iter_mut().enumerate().for_each(|(id, s)| s.id = id);
    link(&mut steps, &Former::new());
    Plan {
        steps,
        ..Plan::default()
    }
}

/// The same with the reason that goes for strays, which are among them.
pub fn destroy_of(
    owned: &[(LogicalName, Entry)],
    retired: &[(LogicalName, Entry)],
    strays: &[(LogicalName, Entry)],
) -> Plan {
    let mut plan = destroy(owned, retired);
    for step in &mut plan.steps {
        let is_it = |(name, entry): &&(LogicalName, Entry)| {
            (name, entry.kind, &entry.physical) == (&step.resource, step.kind, &step.physical)
                && entry.outputs == step.outputs
        };
        if strays.iter().any(|stray| is_it(&stray)) {
            step.reason = STRAY.to_owned();
        }
    }
    plan
}

/// The reason to delete what nobody declares or has on record.
const STRAY: &str = "its tags say that it is ours, although nothing declares it any more";

/// Sorts deletes so that dependents stand before what they depend on, and otherwise as they come.
pub(super) fn dependents_first(steps: Vec<Step>) -> Vec<Step> {
    let mut at: HashMap<&LogicalName, Vec<usize>> = HashMap::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        at.entry(&step.resource).or_default().push(i);
    }
    let needed = |step: &Step| -> Vec<usize> {
        let others = step.dependencies.iter().filter(|d| **d != step.resource);
        others
            .filter_map(|d| at.get(d))
            .flatten()
            .copied()
            .collect()
    };
    let needs: Vec<Vec<usize>> = steps.iter().map(needed).collect();
    let mut users = vec![0; steps.len()];
    needs.iter().flatten().for_each(|i| users[*i] += 1);
    let free = (0..steps.len()).filter(|i| users[*i] == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
    let mut left: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(left.len());
    // State written by payhook holds no cycles; a cycle edited in by hand is cut anywhere rather than refused.
    let mut anywhere = 0..left.len();
    while let Some(i) = free.pop().map(|Reverse(i)| i).or_else(|| anywhere.next()) {
        let Some(step) = left[i].take() else { continue };
        sorted.push(step);
        for needed in &needs[i] {
            users[*needed] -= 1;
            if users[*needed] == 0 {
                free.push(Reverse(*needed));
            }
        }
    }
    sorted
}
