//! The order in which steps are numbered: links only lead from a step to those of smaller numbers.

use super::destroy::dependents_first;
use super::link::Former;
use super::{Action, Step};
use crate::graph::LogicalName;
use std::collections::{BTreeMap, BTreeSet};

/// Deletes before their puts, dependents before what they depend on; the puts; then all other deletes.
///
/// `in_place` says whether a delete is of what state has in its resource's place, which a put would otherwise move aside.
pub(super) fn sequence(
    puts: Vec<Step>,
    deletes: Vec<Step>,
    former: &Former,
    in_place: &dyn Fn(&Step) -> bool,
) -> Vec<Step> {
    let early = early(&puts, &deletes, former);
    let numbered = deletes.into_iter().enumerate();
    let (first, last): (Vec<_>, Vec<_>) = numbered.partition(|(i, _)| early.contains(i));
    let plain = |steps: Vec<(usize, Step)>| steps.into_iter().map(|(_, step)| step).collect();
    let mut first: Vec<Step> = plain(first);
    for step in &mut first {
        step.retired &= !in_place(step);
    }
    let mut steps = dependents_first(first);
    steps.extend(puts);
    steps.extend(dependents_first(plain(last)));
    for (id, step) in steps.iter_mut().enumerate() {
        step.id = id;
    }
    steps
}

/// Which deletes must be done before the puts: those that make room for a successor of the same name, and those of what
/// uses what goes so early.
fn early(puts: &[Step], deletes: &[Step], former: &Former) -> BTreeSet<usize> {
    let actions: BTreeMap<&LogicalName, Action> =
        puts.iter().map(|p| (&p.resource, p.action)).collect();
    let makes_room = |d: &Step| !d.retired && actions.get(&d.resource) == Some(&Action::Replace);
    let first = (0..deletes.len()).filter(|i| makes_room(&deletes[*i]));
    let mut early: BTreeSet<usize> = first.collect();
    if early.is_empty() {
        return early;
    }
    // What a put lets go of can only be deleted after it.
    let let_go: BTreeSet<&LogicalName> = former
        .iter()
        .filter(|(name, _)| actions.contains_key(*name))
        .flat_map(|(_, needed)| needed.iter().copied().flatten())
        .collect();
    let mut users: BTreeMap<&LogicalName, Vec<usize>> = BTreeMap::new();
    for (i, delete) in deletes.iter().enumerate() {
        // A predecessor still uses what it was made with, whatever its successor uses.
        let moves_over = actions.contains_key(&delete.resource) && !delete.retired;
        let stays = moves_over || let_go.contains(&delete.resource);
        for needed in delete.dependencies.iter().filter(|_| !stays) {
            users.entry(needed).or_default().push(i);
        }
    }
    let mut waiting: Vec<usize> = early.iter().copied().collect();
    while let Some(i) = waiting.pop() {
        for user in users.get(&deletes[i].resource).into_iter().flatten() {
            if early.insert(*user) {
                waiting.push(*user);
            }
        }
    }
    early
}
