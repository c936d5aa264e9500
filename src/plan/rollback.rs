//! The plan of a rollback: back to what stood at the end of a successful deploy, without asking infra.toml.

use super::revert::recorded;
use super::{Facts, Plan, PlanError, build, tag};
use crate::graph::{Graph, LogicalName};
use crate::resources::{Given, Seen, Tags};
use crate::state::{Good, State};
use std::collections::BTreeMap;

/// The deploy that a rollback goes back to; `None` when there is none on record.
///
/// After a run that did not end well it is the last successful deploy, and so it is after a rollback; otherwise the last
/// one before it that wanted something else.
pub fn target<'a>(state: &'a State, given: &Given) -> Option<&'a Good> {
    let mut good = state.way.good.iter().rev();
    let newest = good.next()?;
    if !state.way.stands || state.way.returned {
        return Some(newest);
    }
    let standing = wanted(newest, given);
    good.find(|earlier| wanted(earlier, given) != standing)
}

/// Makes the plan that brings the cloud back to a deploy; what has been added since goes.
pub fn rollback(
    good: &Good,
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
    facts: &Facts,
) -> Result<Plan, PlanError> {
    build(&graph(good, &facts.given), state, seen, facts)
}

/// Everything that stood, with references in place of values that AWS chose.
pub fn graph(good: &Good, given: &Given) -> Graph {
    recorded(&good.entries, given)
}

/// The user's tags at that deploy; a deploy gives every resource the same ones.
pub fn tags(good: &Good) -> Tags {
    let first = good.entries.values().next();
    let ours = [tag::STACK, tag::ENV, tag::RESOURCE];
    let tags = first.into_iter().flat_map(|entry| &entry.tags);
    tags.filter(|(key, _)| !ours.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn wanted(good: &Good, given: &Given) -> (Tags, BTreeMap<LogicalName, crate::graph::Node>) {
    let graph = graph(good, given);
    let nodes = graph.nodes().map(|node| (node.name.clone(), node.clone()));
    (tags(good), nodes.collect())
}
