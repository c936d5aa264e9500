//! The plan of a deploy.

use super::facts::Facts;
use super::link::{Former, link};
use super::owned::stranger;
use super::sequence::sequence;
use super::strays::uses_of_found;
use super::visible::{tags_value, visible};
use super::{Action, Change, Foreign, Plan, PlanError, Step, UNOBSERVABLE, changes};
use crate::graph::{Graph, LogicalName, Node, OutputRef, resolve};
use crate::resources::{Address, Condition, Definition, Kind, Outputs, Replace, Seen, definition};
use crate::state::{Entry, State};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The address under which a declared resource is looked for, as far as its properties can be resolved.
pub fn physical_address(
    node: &Node,
    facts: &Facts,
    known: &dyn Fn(&OutputRef) -> Option<String>,
) -> Result<Address, PlanError> {
    let kind = Kind::parse(node.kind).ok_or_else(|| PlanError::Kind(node.kind.to_owned()))?;
    let flat = facts.flat();
    let lookup = |r: &OutputRef| flat.get(&r.to_string()).cloned().or_else(|| known(r));
    Ok(Address {
        kind,
        logical: node.name.clone(),
        physical: node.physical.clone(),
        properties: resolve(&node.properties, &lookup).value,
        outputs: Outputs::new(),
        tags: facts.tags_of(&node.name),
    })
}

/// Makes the plan that brings the cloud to the graph.
///
/// `seen` holds what a read of every declared resource showed; a resource that is missing in it counts as absent.
pub fn build(
    graph: &Graph,
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
    facts: &Facts,
) -> Result<Plan, PlanError> {
    let order = graph.order()?;
    let mut builder = Builder::new(state, seen, facts);
    for name in order.sorted() {
        if let Some(node) = graph.get(name) {
            builder.declare(node)?;
        }
    }
    builder.remove_undeclared(graph);
    if !builder.foreign.is_empty() {
        return Err(PlanError::Foreign(builder.foreign));
    }
    Ok(Plan {
        steps: builder.finish(),
        facts: facts.flat(),
    })
}

struct Builder<'a> {
    state: &'a State,
    /// What state knows to be replaced, by resource.
    retired: HashMap<&'a LogicalName, Vec<&'a Entry>>,
    seen: &'a BTreeMap<LogicalName, Seen>,
    facts: &'a Facts,
    flat: BTreeMap<String, String>,
    known: BTreeMap<LogicalName, Outputs>,
    puts: BTreeMap<LogicalName, Step>,
    sorted: Vec<LogicalName>,
    deletes: Vec<Step>,
    foreign: Vec<Foreign>,
}

/// What comparing one resource came to.
struct Finding {
    action: Action,
    reason: String,
    changes: Vec<Change>,
    known: Outputs,
}

impl<'a> Builder<'a> {
    fn new(state: &'a State, seen: &'a BTreeMap<LogicalName, Seen>, facts: &'a Facts) -> Self {
        let mut retired: HashMap<_, Vec<_>> = HashMap::new();
        for (name, entry) in &state.retired {
            retired.entry(name).or_default().push(entry);
        }
        Self {
            state,
            retired,
            seen,
            facts,
            flat: facts.flat(),
            known: BTreeMap::new(),
            puts: BTreeMap::new(),
            sorted: Vec::new(),
            deletes: Vec::new(),
            foreign: Vec::new(),
        }
    }

    fn declare(&mut self, node: &Node) -> Result<(), PlanError> {
        let kind = Kind::parse(node.kind).ok_or_else(|| PlanError::Kind(node.kind.to_owned()))?;
        let rules = definition(kind);
        let lookup = |r: &OutputRef| {
            self.flat
                .get(&r.to_string())
                .or_else(|| self.known.get(&r.resource)?.get(&r.output))
                .cloned()
        };
        let desired = rules.canonical(&resolve(&node.properties, &lookup).value);
        let entry = self.state.entries.get(&node.name);
        // An entry of another kind or name is a predecessor: its place is taken by a new resource.
        let other = |e: &&Entry| !e.stands_for(kind, &node.physical);
        let moved = entry.filter(other);
        let entry = entry.filter(|_| moved.is_none());
        let making = self.state.making.get(&node.name);
        let meant = making.filter(|making| other(making) || !making.stands_in(&desired));
        let finding = match self.seen.get(&node.name) {
            None => self.absent(rules, &desired, entry),
            Some(seen) => {
                if entry.is_none() && !self.is_ours(node, kind, seen) {
                    return Ok(());
                }
                self.present(node, rules, &desired, entry, seen)
            }
        };
        self.push(node, kind, rules, finding, entry, moved.or(meant));
        Ok(())
    }

    fn absent(&self, rules: &dyn Definition, desired: &Value, entry: Option<&Entry>) -> Finding {
        let reason = match entry {
            None => "not there yet",
            Some(_) => "it was deleted outside payhook",
        };
        Finding {
            action: Action::Create,
            reason: reason.to_owned(),
            changes: vec![],
            known: rules.predicted(desired, &self.facts.given),
        }
    }

    fn is_ours(&mut self, node: &Node, kind: Kind, seen: &Seen) -> bool {
        let stranger = stranger(node, kind, seen, self.facts);
        let ours = stranger.is_none();
        self.foreign.extend(stranger);
        ours
    }

    fn present(
        &self,
        node: &Node,
        rules: &dyn Definition,
        desired: &Value,
        entry: Option<&Entry>,
        seen: &Seen,
    ) -> Finding {
        if seen.shows_nothing_of(desired) {
            return self.unobservable(rules, desired, seen);
        }
        let mut found = changes(&visible(rules, seen, entry, desired), desired);
        if let (true, Some(tags)) = (rules.tagged(), &seen.tags) {
            let wanted = self.facts.tags_of(&node.name);
            found.extend(
                changes(&tags_value(tags), &tags_value(&wanted))
                    .into_iter()
                    .map(|change| Change {
                        property: format!("tags.{}", change.property),
                        ..change
                    }),
            );
        }
        let forced = rules.forced().iter().find_map(|rule| {
            found
                .iter()
                .find(|c| c.is_of(rule.property))
                .map(|c| (c, rule))
        });
        // Already on its way out: a replace that was stopped is taken up where its successor is still to be made.
        if forced.is_some() && entry.is_none() && self.is_retired(&node.name, &seen.outputs) {
            return self.absent(rules, desired, entry);
        }
        let predicted = rules.predicted(desired, &self.facts.given);
        let (action, reason) = match (&seen.condition, forced) {
            (_, Some((change, rule))) => (
                Action::Replace,
                format!("{} changes: {}", change.property, rule.rule),
            ),
            (Condition::Failed(why), None) => {
                (Action::Update, format!("AWS reports it as failed: {why}"))
            }
            (Condition::Settling(what), None) if found.is_empty() && entry.is_some() => {
                (Action::Update, format!("waits for {what}"))
            }
            (_, None) if entry.is_none() => (
                Action::Adopt,
                "it is there and its tags say that it is ours".to_owned(),
            ),
            (_, None) if found.is_empty() => (Action::Keep, "as wanted".to_owned()),
            (_, None) => (Action::Update, listed(&found)),
        };
        let known = match action {
            Action::Replace => predicted,
            _ => {
                let mut known = seen.outputs.clone();
                for (property, output) in rules.renews() {
                    if found.iter().any(|c| c.is_of(property)) {
                        known.remove(*output);
                    }
                }
                known.extend(predicted);
                known
            }
        };
        Finding {
            action,
            reason,
            changes: found,
            known,
        }
    }

    /// Whether it is a predecessor that state knows and still has to delete.
    fn is_retired(&self, name: &LogicalName, outputs: &Outputs) -> bool {
        let mut retired = self.retired.get(name).into_iter().flatten();
        retired.any(|entry| entry.outputs == *outputs)
    }

    fn unobservable(&self, rules: &dyn Definition, desired: &Value, seen: &Seen) -> Finding {
        let mut known = seen.outputs.clone();
        known.extend(rules.predicted(desired, &self.facts.given));
        Finding {
            action: Action::Keep,
            reason: UNOBSERVABLE.to_owned(),
            changes: vec![],
            known,
        }
    }

    fn push(
        &mut self,
        node: &Node,
        kind: Kind,
        rules: &dyn Definition,
        finding: Finding,
        entry: Option<&Entry>,
        moved: Option<&Entry>,
    ) {
        let outputs = match (finding.action, self.seen.get(&node.name)) {
            (Action::Create | Action::Replace, _) | (_, None) => Outputs::new(),
            (_, Some(seen)) => seen.outputs.clone(),
        };
        if finding.action == Action::Replace {
            let old = self.predecessor(node, kind, entry);
            let step = self.delete_step(&node.name, &old, &finding.reason);
            self.deletes.push(Step {
                retired: rules.replace() == Replace::CreateFirst,
                ..step
            });
        }
        let leftovers = self.seen.get(&node.name).map(|seen| seen.leftovers.clone());
        for leftover in leftovers.into_iter().flatten() {
            if entry.is_none() && !self.is_retired(&node.name, &leftover.outputs) {
                let old = Entry {
                    properties: leftover.properties,
                    outputs: leftover.outputs,
                    ..self.predecessor(node, kind, None)
                };
                let step = self.delete_step(&node.name, &old, "it has been replaced");
                self.deletes.push(Step {
                    retired: true,
                    ..step
                });
            }
        }
        if let Some(old) = moved {
            let reason = format!("`{}` takes its place", node.physical);
            let step = self.delete_step(&node.name, old, &reason);
            self.deletes.push(Step {
                retired: true,
                ..step
            });
        }
        self.known.insert(node.name.clone(), finding.known);
        self.sorted.push(node.name.clone());
        self.puts.insert(
            node.name.clone(),
            Step {
                id: 0,
                resource: node.name.clone(),
                kind,
                physical: node.physical.clone(),
                action: finding.action,
                reason: finding.reason,
                changes: finding.changes,
                loses: None,
                after: BTreeSet::new(),
                properties: node.properties.clone(),
                tags: self.facts.tags_of(&node.name),
                outputs,
                dependencies: node.dependencies(),
                retired: false,
            },
        );
    }

    fn predecessor(&self, node: &Node, kind: Kind, entry: Option<&Entry>) -> Entry {
        let seen = self.seen.get(&node.name);
        entry.cloned().unwrap_or_else(|| Entry {
            kind,
            physical: node.physical.clone(),
            properties: seen.map(|s| s.properties.clone()).unwrap_or_default(),
            outputs: seen.map(|s| s.outputs.clone()).unwrap_or_default(),
            tags: self.facts.tags_of(&node.name),
            dependencies: node.dependencies(),
            accepted: None,
        })
    }

    fn delete_step(&self, name: &LogicalName, entry: &Entry, reason: &str) -> Step {
        super::destroy::delete_step(name, entry, reason)
    }

    fn remove_undeclared(&mut self, graph: &Graph) {
        for (name, entry) in &self.state.entries {
            if graph.get(name).is_none() {
                self.deletes
                    .push(self.delete_step(name, entry, "no longer declared"));
            }
        }
        // Cut off while it was made, and then no longer wanted.
        for (name, entry) in &self.state.making {
            if graph.get(name).is_none() && !self.state.entries.contains_key(name) {
                self.deletes.push(self.delete_step(
                    name,
                    entry,
                    "the last run stopped while making it",
                ));
            }
        }
        for (name, entry) in &self.state.retired {
            let step = self.delete_step(name, entry, "it has been replaced");
            self.deletes.push(Step {
                retired: true,
                ..step
            });
        }
    }

    /// Numbers the steps in a possible order and links them.
    fn finish(self) -> Vec<Step> {
        let mut former = Former::new();
        let State {
            entries, making, ..
        } = self.state;
        for (name, entry) in entries.iter().chain(making) {
            former.entry(name).or_default().push(&entry.dependencies);
        }
        // What stands and is not on record uses what its properties name, whatever is wanted of it.
        let found = uses_of_found(self.state, self.seen, &self.puts);
        for (name, used) in &found {
            former.entry(name).or_default().push(used);
        }
        let mut puts = self.puts;
        let sorted = self.sorted.iter();
        let puts = sorted.filter_map(|name| puts.remove(name)).collect();
        let in_place = |step: &Step| {
            let entry = entries.get(&step.resource);
            let entry = entry.or_else(|| making.get(&step.resource));
            entry.is_some_and(|e| {
                e.stands_for(step.kind, &step.physical) && e.outputs == step.outputs
            })
        };
        let mut steps = sequence(puts, self.deletes, &former, &in_place);
        link(&mut steps, &former);
        steps
    }
}

/// The reason of an update, in one short line.
pub(crate) fn listed(found: &[Change]) -> String {
    let names: Vec<&str> = found.iter().map(|c| c.property.as_str()).collect();
    match names.as_slice() {
        [one] => format!("{one} changes"),
        [one, two] => format!("{one} and {two} change"),
        [one, rest @ ..] => format!("{one} and {} more change", rest.len()),
        [] => String::new(),
    }
}
