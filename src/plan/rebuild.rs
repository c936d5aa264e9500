//! The state made anew from what stands, when it is lost.

use super::owned::stranger;
use super::visible::visible;
use super::{Facts, Foreign, PlanError};
use crate::graph::{Graph, LogicalName, Node, OutputRef, resolve};
use crate::resources::{Kind, Outputs, Seen, Tags, definition};
use crate::state::{Entry, State};
use std::collections::BTreeMap;

/// What was found.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// Everything that stands and is ours.
    pub state: State,
    /// What stands under names of ours and is not ours.
    pub foreign: Vec<Foreign>,
}

/// Makes the state that a deploy of what stands would have left.
///
/// Numbers of earlier runs, and the waiting days of keys and secrets before their deletion, are known to nobody but the
/// lost state: the first begin anew, the second are taken from the graph.
pub fn rebuild(
    graph: &Graph,
    seen: &BTreeMap<LogicalName, Seen>,
    facts: &Facts,
) -> Result<Rebuilt, PlanError> {
    let mut state = State {
        env: Some(facts.env.clone()),
        given: Some(facts.given.clone()),
        run: 1,
        complete: true,
        ..State::default()
    };
    let mut foreign = Vec::new();
    for name in graph.order()?.sorted() {
        let (Some(node), Some(seen_here)) = (graph.get(name), seen.get(name)) else {
            continue;
        };
        let kind = Kind::parse(node.kind).ok_or_else(|| PlanError::Kind(node.kind.to_owned()))?;
        if let Some(stranger) = stranger(node, kind, seen_here, facts) {
            foreign.push(stranger);
            continue;
        }
        // What AWS does not tag is ours when something that it depends on is.
        let mut needed = node.dependencies().into_iter();
        if seen_here.tags.is_none() && !needed.any(|n| state.entries.contains_key(&n)) {
            continue;
        }
        let found = entry(node, kind, seen_here, seen, facts);
        for leftover in &seen_here.leftovers {
            let old = Entry {
                properties: leftover.properties.clone(),
                outputs: leftover.outputs.clone(),
                ..found.clone()
            };
            state.retired.push((name.clone(), old));
        }
        state.entries.insert(name.clone(), found);
    }
    Ok(Rebuilt { state, foreign })
}

fn entry(
    node: &Node,
    kind: Kind,
    shown: &Seen,
    seen: &BTreeMap<LogicalName, Seen>,
    facts: &Facts,
) -> Entry {
    let rules = definition(kind);
    let flat = facts.flat();
    let lookup = |r: &OutputRef| {
        flat.get(&r.to_string())
            .or_else(|| seen.get(&r.resource)?.outputs.get(&r.output))
            .cloned()
    };
    let desired = rules.canonical(&resolve(&node.properties, &lookup).value);
    let outputs: Outputs = shown.outputs.clone();
    let tags: Tags = match &shown.tags {
        Some(tags) if rules.tagged() => tags.clone(),
        _ => facts.tags_of(&node.name),
    };
    Entry {
        kind,
        physical: node.physical.clone(),
        properties: rules.canonical(&visible(rules, shown, None, &desired)),
        outputs,
        tags,
        dependencies: node.dependencies(),
        accepted: None,
    }
}
