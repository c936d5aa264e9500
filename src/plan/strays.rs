//! What is ours although neither the graph nor the state tells of it: the state was lost, and what was declared has changed
//! since.

use super::{Facts, PlanError, known_by_content, owned, physical_address};
use crate::graph::{Graph, LogicalName, Node};
use crate::resources::{Address, Kind, Outputs, Seen, Tagged, definition};
use crate::state::{Entry, State};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A value this short may stand in properties without being an output of another resource.
const SHORT: usize = 8;

/// What to look for by name: everything declared and, of what could be, all that a search by tags does not list, with
/// what proves that it is ours.
pub fn by_name(graph: &Graph, everything: &Graph) -> Graph {
    let mut looked = graph.clone();
    let unlisted = everything.nodes().filter(|node| {
        Kind::parse(node.kind).is_some_and(|kind| !kind.is_listed())
            && graph.get(&node.name).is_none()
    });
    let mut open: Vec<&Node> = unlisted.collect();
    while let Some(node) = open.pop() {
        if looked.get(&node.name).is_none() {
            let needed = node.dependencies();
            open.extend(needed.iter().filter_map(|name| everything.get(name)));
            looked.insert(node.clone());
        }
    }
    looked
}

/// Of what a search lists, that which is neither on record nor was seen under its name.
pub fn unknown(
    hits: Vec<Tagged>,
    graph: &Graph,
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
) -> Vec<Tagged> {
    let retired = state.retired.iter().map(|(_, entry)| entry);
    let on_record: Vec<&Entry> = state.entries.values().chain(retired).collect();
    let known = |hit: &Tagged| {
        let recorded = |e: &&Entry| hit.is(e.kind, &e.properties, &e.outputs);
        let making = state.making.get(&hit.logical);
        let shown = graph
            .get(&hit.logical)
            .filter(|n| n.kind == hit.kind.as_str());
        let shown = shown.and_then(|node| seen.get(&node.name));
        on_record.iter().any(recorded)
            || shown.is_some_and(|seen| hit.is(hit.kind, &seen.properties, &seen.outputs))
            || making
                .is_some_and(|e| e.kind == hit.kind && hit.name().is_none_or(|n| n == e.physical))
    };
    hits.into_iter().filter(|hit| !known(hit)).collect()
}

/// Where to read what a search lists: what its ARN does not tell is taken from a resource of its kind.
pub fn address_of_tagged(
    hit: &Tagged,
    everything: &Graph,
    facts: &Facts,
) -> Result<Address, PlanError> {
    let kin = || {
        everything
            .nodes()
            .filter(|node| node.kind == hit.kind.as_str())
    };
    let like = kin()
        .find(|node| node.name == hit.logical)
        .or_else(|| kin().next());
    let mut at = match like {
        Some(node) => physical_address(node, facts, &|_| None)?,
        None => Address {
            kind: hit.kind,
            logical: hit.logical.clone(),
            physical: String::new(),
            properties: hit.properties.clone(),
            outputs: Outputs::new(),
            tags: facts.tags_of(&hit.logical),
        },
    };
    at.logical = hit.logical.clone();
    at.tags = facts.tags_of(&hit.logical);
    at.outputs = hit.outputs.clone();
    if let Some(name) = hit.name() {
        at.physical = name.to_owned();
    }
    if let (Value::Object(properties), Some(told)) =
        (&mut at.properties, hit.properties.as_object())
    {
        properties.extend(told.clone());
    }
    Ok(at)
}

/// What a search has listed and a read has shown.
#[derive(Clone, Debug)]
pub struct Standing {
    /// As it was listed.
    pub hit: Tagged,
    /// Its name in the cloud.
    pub physical: String,
    /// As it stands.
    pub seen: Seen,
}

impl Standing {
    /// What a read has shown, where that is what was listed and its tags prove that it is ours.
    pub fn of(hit: Tagged, at: &Address, seen: Seen, facts: &Facts) -> Option<Self> {
        let ours = seen
            .tags
            .as_ref()
            .is_some_and(|tags| facts.owns(&hit.logical, tags));
        // Where names are not unique, a read may find another one by its tags.
        let same = hit.is(hit.kind, &seen.properties, &seen.outputs);
        let name = seen.properties.get("name").and_then(Value::as_str);
        let physical = name.unwrap_or(&at.physical).to_owned();
        (ours && same).then_some(Self {
            hit,
            physical,
            seen,
        })
    }

    /// Whether it is what the graph declares: a read by name may not show it yet.
    pub fn is_declared(&self, graph: &Graph) -> bool {
        graph.get(&self.hit.logical).is_some_and(|node| {
            let many = !definition(self.hit.kind).unique();
            node.kind == self.hit.kind.as_str() && (many || node.physical == self.physical)
        })
    }
}

impl Standing {
    /// Whether it stands under the name of something else that the graph declares: one of the two says what is not so.
    fn is_in_the_place_of_another(&self, graph: &Graph) -> bool {
        let taken = |node: &Node| {
            node.kind == self.hit.kind.as_str()
                && node.physical == self.physical
                && node.name != self.hit.logical
        };
        definition(self.hit.kind).unique() && graph.nodes().any(taken)
    }
}

/// What is ours, and neither declared nor on record, with what it uses as far as that can be told.
///
/// `seen` holds what a read of everything in `looked` showed.
pub fn strays(
    graph: &Graph,
    looked: &Graph,
    everything: &Graph,
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
    standing: Vec<Standing>,
    facts: &Facts,
) -> Result<Vec<(LogicalName, Entry)>, PlanError> {
    let mut strays: Vec<(LogicalName, Entry)> = Vec::new();
    for stray in standing {
        // Names are unique: listed a second time, it is what was seen.
        let same = stray.is_declared(graph) && definition(stray.hit.kind).unique();
        if same || stray.is_in_the_place_of_another(graph) {
            continue;
        }
        let node = everything.get(&stray.hit.logical);
        let entry = Entry {
            kind: stray.hit.kind,
            physical: stray.physical,
            properties: stray.seen.properties,
            outputs: stray.seen.outputs,
            tags: facts.tags_of(&stray.hit.logical),
            dependencies: node.map(Node::dependencies).unwrap_or_default(),
            accepted: None,
        };
        strays.push((stray.hit.logical, entry));
    }
    // What stands under another name than is looked for is proof as well of what depends on it.
    let known = with_strays(state, graph, &strays);
    let owned = owned(looked, &known, seen, facts)?.entries;
    let undeclared = |name: &LogicalName| {
        graph.get(name).is_none()
            && !known.entries.contains_key(name)
            && !state.making.contains_key(name)
    };
    let taken = |entry: &Entry| known_by_content(entry.kind) && is_taken(entry, graph, state, seen);
    let named = owned
        .iter()
        .filter(|(name, entry)| undeclared(name) && !taken(entry))
        .cloned();
    let mut all: Vec<(LogicalName, Entry)> = strays.into_iter().chain(named).collect();
    let others: Vec<(LogicalName, Outputs)> = owned
        .iter()
        .chain(&all)
        .map(|(name, entry)| (name.clone(), entry.outputs.clone()))
        .collect();
    for (name, entry) in &mut all {
        entry
            .dependencies
            .extend(uses(name, &entry.properties, &others));
    }
    Ok(all)
}

/// Whether what was found by its content is what something declared or on record has.
fn is_taken(
    entry: &Entry,
    graph: &Graph,
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
) -> bool {
    let declared = |name: &&LogicalName| {
        let node = graph.get(name);
        node.is_some_and(|node| node.kind == entry.kind.as_str())
    };
    let shown = seen.iter().filter(|(name, _)| declared(name));
    let recorded = state.entries.values().filter(|e| e.kind == entry.kind);
    shown
        .map(|(_, seen)| &seen.outputs)
        .chain(recorded.map(|e| &e.outputs))
        .any(|outputs| *outputs == entry.outputs)
}

/// What each resource uses that stands and is to be put without being on record, of all that is on record.
pub(super) fn uses_of_found<T>(
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
    puts: &BTreeMap<LogicalName, T>,
) -> BTreeMap<LogicalName, BTreeSet<LogicalName>> {
    let unrecorded =
        |name: &LogicalName| puts.contains_key(name) && !state.entries.contains_key(name);
    let goes = |(name, _): &(&LogicalName, &Entry)| !puts.contains_key(*name);
    let others = state.entries.iter().filter(goes);
    let others: Vec<(LogicalName, Outputs)> = others
        .map(|(name, entry)| (name.clone(), entry.outputs.clone()))
        .collect();
    if others.is_empty() {
        return BTreeMap::new();
    }
    let found = seen.iter().filter(|(name, _)| unrecorded(name));
    found
        .map(|(name, seen)| (name.clone(), uses(name, &seen.properties, &others)))
        .collect()
}

/// Whose outputs stand in properties.
fn uses(
    name: &LogicalName,
    properties: &Value,
    others: &[(LogicalName, Outputs)],
) -> BTreeSet<LogicalName> {
    let text = properties.to_string();
    let named = |outputs: &Outputs| {
        let mut values = outputs.values().filter(|value| value.len() > SHORT);
        values.any(|value| text.contains(value.as_str()))
    };
    let used = others
        .iter()
        .filter(|(other, outputs)| other != name && named(outputs));
    used.map(|(other, _)| other.clone()).collect()
}

/// The state with strays on record: what is no longer declared, or, under a name that is taken, what is to go beside it.
pub fn with_strays(state: &State, graph: &Graph, strays: &[(LogicalName, Entry)]) -> State {
    let mut state = state.clone();
    for (name, entry) in strays {
        match graph.get(name).is_some() || state.entries.contains_key(name) {
            false => drop(state.entries.insert(name.clone(), entry.clone())),
            true => state.retired.push((name.clone(), entry.clone())),
        }
    }
    state
}
