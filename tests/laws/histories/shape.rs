//! Graphs of every kind of resource: taken from the real stack one by one, and wired anew.

use crate::drift::{fits, others};
use crate::world::config;
use payhook::graph::{Graph, LogicalName, Node, given};
use payhook::resources::{Kind, definition};
use payhook::stack::Stack;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A place in the graph for a resource of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slot {
    pub kind: Kind,
    /// Which of several resources it uses.
    pub wiring: u8,
}

/// What is wanted of the places: one infra.toml.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// A bit for each place that is taken.
    pub declared: u8,
    /// Which property has another value, for each place; 0 for none.
    pub tweaks: Vec<u8>,
    /// Moves some to other resources than before.
    pub wiring: u8,
    /// Whether there is a tag of the user's.
    pub tagged: bool,
    /// A bit for each place whose resource has its second name.
    #[serde(default)]
    pub renamed: u8,
}

/// Another value of a property.
#[derive(Clone, Debug)]
pub struct Change {
    pub pointer: String,
    pub value: Value,
    declarable: bool,
}

struct Template {
    kind: Kind,
    physical: String,
    properties: Value,
    changes: Vec<Change>,
}

struct Templates {
    of: Vec<Template>,
    /// Kinds of the real stack's resources, by name.
    kinds: BTreeMap<String, Kind>,
}

fn templates() -> &'static Templates {
    static ONCE: OnceLock<Templates> = OnceLock::new();
    ONCE.get_or_init(|| {
        let stack = Stack::payment_webhooks(&config()).graph;
        let kind = |node: &Node| Kind::parse(node.kind).expect("a known kind");
        let first = |wanted: &Kind| stack.nodes().find(|node| kind(node) == *wanted);
        Templates {
            of: Kind::ALL
                .iter()
                .map(|kind| template(*kind, first(kind).expect("the stack has every kind")))
                .collect(),
            kinds: stack
                .nodes()
                .map(|n| (n.name.to_string(), kind(n)))
                .collect(),
        }
    })
}

fn template(kind: Kind, node: &Node) -> Template {
    let rules = definition(kind);
    let properties = rules.canonical(&node.properties);
    let mut leaves = Vec::new();
    plain_leaves("", &properties, &mut leaves);
    let changes = leaves.into_iter().filter_map(|(pointer, leaf)| {
        let property = pointer.split('/').nth(1).unwrap_or_default();
        if leaf == node.physical.as_str() || rules.unread().contains(&property) {
            return None;
        }
        let value = others(&leaf).into_iter().find(|other| {
            let mut changed = properties.clone();
            set(&mut changed, &pointer, other);
            rules.canonical(&changed) != properties && fits(kind, &changed)
        })?;
        let declarable = property != "unmanaged";
        Some(Change {
            pointer,
            value,
            declarable,
        })
    });
    Template {
        kind,
        physical: node.physical.clone(),
        changes: changes.collect(),
        properties,
    }
}

/// Values that are neither references nor members of lists.
fn plain_leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) if is_reference(value) || object.is_empty() && path.is_empty() => {}
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                plain_leaves(&format!("{path}/{key}"), value, found);
            }
        }
        Value::Array(_) => {}
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

fn is_reference(value: &Value) -> bool {
    let object = value.as_object();
    object.is_some_and(|o| o.len() == 1 && o.keys().all(|key| key.starts_with('$')))
}

/// Sets a property, if it is there.
pub fn set(properties: &mut Value, pointer: &str, value: &Value) {
    if let Some(place) = properties.pointer_mut(pointer) {
        *place = value.clone();
    }
}

pub fn name(slot: usize) -> String {
    format!("r{slot}")
}

/// One of the changes that can happen to what stands in a place.
pub fn change(slots: &[Slot], slot: usize, which: u8) -> Option<&'static Change> {
    let changes = &template_of(&slots[slot]).changes;
    (!changes.is_empty()).then(|| &changes[usize::from(which) % changes.len()])
}

fn template_of(slot: &Slot) -> &'static Template {
    let mut of = templates().of.iter();
    let template = of.find(|template| template.kind == slot.kind);
    template.expect("every kind has one")
}

/// All that could be declared: what is, what stands although its state is lost, and whatever else.
pub fn everything(slots: &[Slot], wanted: &Wanted, lost: Option<&Wanted>) -> Graph {
    let all = Wanted {
        declared: u8::MAX,
        ..wanted.clone()
    };
    let mut everything = graph(slots, &all);
    for known in lost.into_iter().chain([wanted]) {
        for node in graph(slots, known).nodes() {
            everything.insert(node.clone());
        }
    }
    everything
}

/// What can be wanted of the places while nobody knows what stands: what no search lists is found by its name and by
/// what it stands in alone, so those stay as they were.
pub fn recognisable(slots: &[Slot], before: &Wanted, wanted: &Wanted) -> Wanted {
    let unlisted = slots.iter().enumerate();
    let unlisted = unlisted.filter(|(_, slot)| !slot.kind.is_listed());
    let kept: u8 = unlisted.clone().map(|(index, _)| 1 << index).sum();
    let mut wanted = Wanted {
        wiring: before.wiring,
        renamed: before.renamed & kept | wanted.renamed & !kept,
        ..wanted.clone()
    };
    let stood = graph(slots, before);
    let moved = |wanted: &Wanted| {
        let stands = graph(slots, wanted);
        let moves = |index: usize, slot: &Slot| {
            let name = LogicalName::from(name(index).as_str());
            let (Some(was), Some(is)) = (stood.get(&name), stands.get(&name)) else {
                return false;
            };
            let mut found_by = definition(slot.kind).found_by().iter();
            found_by.any(|property| was.properties[*property] != is.properties[*property])
        };
        unlisted.clone().find(|(index, slot)| moves(*index, slot))
    };
    while let Some((index, _)) = moved(&wanted) {
        wanted.declared &= !(1 << index);
    }
    wanted
}

/// The graph of what is wanted.
pub fn graph(slots: &[Slot], wanted: &Wanted) -> Graph {
    let mut graph = Graph::new();
    let mut taken: Vec<(usize, Kind)> = Vec::new();
    let mut frozen: BTreeSet<usize> = BTreeSet::new();
    for (index, slot) in slots.iter().enumerate() {
        let template = template_of(slot);
        let kind = template.kind;
        // An account has one logging role.
        let another = kind == Kind::ApiAccount && taken.iter().any(|(_, other)| *other == kind);
        if wanted.declared >> index & 1 == 0 || another {
            continue;
        }
        let mut properties = template.properties.clone();
        tweak(&mut properties, template, wanted.tweaks.get(index).copied());
        let second = if wanted.renamed >> index & 1 == 0 {
            ""
        } else {
            "-b"
        };
        let physical = format!("{}-{index}{second}", template.physical);
        let chosen = usize::from(slot.wiring.wrapping_add(wanted.wiring));
        let used = |wanted: Kind| {
            let fits = |(other, of): &&(usize, Kind)| {
                // An API has one deployment at a time.
                *of == wanted && !(kind == Kind::ApiDeployment && frozen.contains(other))
            };
            let candidates: Vec<usize> = taken.iter().filter(fits).map(|(i, _)| *i).collect();
            (!candidates.is_empty()).then(|| candidates[chosen % candidates.len()])
        };
        rewire(&mut properties, &|reference| {
            let (resource, output) = reference.split_once('.')?;
            let kind = templates().kinds.get(resource)?;
            Some(match used(*kind) {
                Some(slot) => reference_to(&format!("{}.{output}", name(slot))),
                None => Value::from(format!("arn:aws:none:::of-{index}-{output}")),
            })
        });
        rename(&mut properties, &template.physical, &physical);
        let node = Node {
            name: LogicalName::from(name(index).as_str()),
            kind: kind.as_str(),
            physical,
            properties,
            after: BTreeSet::new(),
        };
        // What AWS does not tag is known as ours by what it depends on.
        if !definition(kind).tagged() && node.dependencies().is_empty() {
            continue;
        }
        if kind == Kind::ApiDeployment {
            frozen.extend(used(Kind::Api));
        }
        taken.push((index, kind));
        graph.insert(node);
    }
    graph
}

fn tweak(properties: &mut Value, template: &Template, which: Option<u8>) {
    let changes: Vec<&Change> = template.changes.iter().filter(|c| c.declarable).collect();
    if let Some(which) = which.filter(|which| *which > 0 && !changes.is_empty()) {
        let change = changes[usize::from(which - 1) % changes.len()];
        set(properties, &change.pointer, &change.value);
    }
}

fn reference_to(output: &str) -> Value {
    serde_json::json!({ "$output": output })
}

/// Replaces references; those to what is known before any resource stay.
fn rewire(value: &mut Value, to: &dyn Fn(&str) -> Option<Value>) {
    if let Some(Value::String(reference)) = value.get("$output") {
        let known = [given::AWS, given::ARTIFACT];
        let of = reference.split('.').next().unwrap_or_default();
        if let (false, Some(other)) = (known.contains(&of), to(reference)) {
            *value = other;
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewire(item, to)),
        Value::Object(object) => object.values_mut().for_each(|value| rewire(value, to)),
        _ => {}
    }
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => *text = to.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(object) => object
            .values_mut()
            .for_each(|value| rename(value, from, to)),
        _ => {}
    }
}
