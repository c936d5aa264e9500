//! The order of a plan: which steps wait for which.

use super::{Action, Step, StepId};
use crate::graph::LogicalName;
use std::collections::{BTreeMap, BTreeSet};

/// Says which steps wait for which.
pub(super) fn link(steps: &mut [Step]) {
    let is_delete = |step: &Step| step.action == Action::Delete;
    let put_of: BTreeMap<LogicalName, StepId> = steps
        .iter()
        .filter(|s| !is_delete(s))
        .map(|s| (s.resource.clone(), s.id))
        .collect();
    let deletes: Vec<(StepId, LogicalName, BTreeSet<LogicalName>, bool)> = steps
        .iter()
        .filter(|s| is_delete(s))
        .map(|s| (s.id, s.resource.clone(), s.dependencies.clone(), s.retired))
        .collect();
    let puts: Vec<(StepId, LogicalName, BTreeSet<LogicalName>)> = steps
        .iter()
        .filter(|s| !is_delete(s))
        .map(|s| (s.id, s.resource.clone(), s.dependencies.clone()))
        .collect();
    for step in steps.iter_mut() {
        if !is_delete(step) {
            let needed = step
                .dependencies
                .iter()
                .filter_map(|d| put_of.get(d))
                .copied();
            step.after.extend(needed);
            // Delete first, then put under the same name.
            let own = deletes
                .iter()
                .filter(|(id, name, _, _)| *name == step.resource && *id < step.id);
            step.after.extend(own.map(|(id, ..)| *id));
            continue;
        }
        // Whatever depended on it and goes too must be gone before.
        let gone = deletes
            .iter()
            .filter(|(id, _, needs, _)| *id != step.id && needs.contains(&step.resource));
        step.after
            .extend(gone.filter(|(id, ..)| *id < step.id).map(|(id, ..)| *id));
        let (id, resource) = (step.id, step.resource.clone());
        // What is only deleted once everything has moved over.
        let moved = puts.iter().filter(|(put, name, needs)| {
            *put < id && (needs.contains(&resource) || *name == resource)
        });
        step.after.extend(moved.map(|(put, ..)| *put));
        if !put_of.contains_key(&step.resource) {
            // Nothing declared names it any more; those that did must have let go of it first.
            step.after.extend(
                puts.iter()
                    .filter(|(put, ..)| *put < id)
                    .map(|(put, ..)| *put),
            );
        }
    }
}
