//! What a destroy has to delete: what state knows, and what is there and ours although state has lost it.

use super::{Facts, Foreign, PlanError, tag};
use crate::graph::{Graph, LogicalName, Node};
use crate::resources::{Kind, Seen, definition};
use crate::state::{Entry, State};
use std::collections::{BTreeMap, BTreeSet};

/// What is ours.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    /// Resources in their places, by name.
    pub entries: Vec<(LogicalName, Entry)>,
    /// What has been replaced and still stands, or may.
    pub retired: Vec<(LogicalName, Entry)>,
}

impl Owned {
    /// With what only a search has found: in its place, or beside what stands there.
    pub fn and(mut self, strays: &[(LogicalName, Entry)]) -> Self {
        for (name, entry) in strays {
            match self.entries.iter().any(|(other, _)| other == name) {
                true => self.retired.push((name.clone(), entry.clone())),
                false => self.entries.push((name.clone(), entry.clone())),
            }
        }
        self
    }
}

/// Every resource that is ours: those in state, then those that state has lost.
///
/// `seen` holds what a read of every declared resource showed. What AWS does not tag is ours when something that it
/// depends on is; a setting of the account alone proves nothing.
pub fn owned(
    graph: &Graph,
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
    facts: &Facts,
) -> Result<Owned, PlanError> {
    let mut owned: BTreeMap<LogicalName, Entry> = state.entries.clone();
    let mut retired = state.retired.clone();
    let replaced = retired.iter().map(|(name, _)| name);
    let mut known: BTreeSet<LogicalName> = owned.keys().chain(replaced).cloned().collect();
    for name in graph.order()?.sorted() {
        let (Some(node), Some(seen)) = (graph.get(name), seen.get(name)) else {
            continue;
        };
        let ours = match &seen.tags {
            Some(tags) => facts.owns(name, tags),
            None => node
                .dependencies()
                .iter()
                .any(|needed| known.contains(needed)),
        };
        if ours {
            known.insert(name.clone());
        }
        if ours && !owned.contains_key(name) {
            let mut entry = found(node, seen, facts)?;
            let making = state.making.get(name);
            let same = |one: &Entry| {
                one.stands_for(entry.kind, &entry.physical) && one.stands_in(&entry.properties)
            };
            if making.is_some_and(|making| !same(making)) {
                // What was being made in its place is to go as well, and nobody has looked for that.
                let mut retired_before = retired.iter();
                if !retired_before.any(|(other, old)| other == name && same(old)) {
                    retired.push((name.clone(), entry));
                }
                continue;
            }
            // It may still use what it used when it was made, whatever is declared by now.
            let former = making
                .into_iter()
                .flat_map(|made| made.dependencies.iter().cloned());
            entry.dependencies.extend(former);
            owned.insert(name.clone(), entry);
        }
    }
    for (name, entry) in &mut owned {
        let guard = definition(entry.kind).guard();
        if let (Some(guard), Some(seen)) = (guard, seen.get(name)) {
            // Somebody may have switched it on since; what is lifted is what stands.
            entry.properties[guard.property] = seen.properties[guard.property].clone();
        }
    }
    // Cut off while it was made: no longer declared since, so that nobody has looked for it, or not to be seen yet.
    for (name, entry) in &state.making {
        if !owned.contains_key(name) {
            owned.insert(name.clone(), entry.clone());
        }
    }
    Ok(Owned {
        entries: owned.into_iter().collect(),
        retired,
    })
}

/// What stands under a name of ours, where its tags say that it is not ours; what has no tags says nothing.
pub(super) fn stranger(node: &Node, kind: Kind, seen: &Seen, facts: &Facts) -> Option<Foreign> {
    let tags = seen.tags.as_ref()?;
    if facts.owns(&node.name, tags) {
        return None;
    }
    let owner = match (tags.get(tag::STACK), tags.get(tag::ENV)) {
        (Some(stack), Some(env)) => format!("its tags say stack `{stack}`, environment `{env}`"),
        _ => "it carries no ownership tags of payhook".to_owned(),
    };
    Some(Foreign {
        resource: node.name.clone(),
        kind,
        physical: node.physical.clone(),
        owner,
    })
}

fn found(node: &Node, seen: &Seen, facts: &Facts) -> Result<Entry, PlanError> {
    let kind = Kind::parse(node.kind).ok_or_else(|| PlanError::Kind(node.kind.to_owned()))?;
    Ok(Entry {
        kind,
        physical: node.physical.clone(),
        properties: seen.properties.clone(),
        outputs: seen.outputs.clone(),
        tags: facts.tags_of(&node.name),
        dependencies: node.dependencies(),
        accepted: None,
    })
}
