//! The order of a plan: which steps wait for which.

use super::{Action, Step, StepId, known_by_content};
use crate::graph::LogicalName;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What resources depended on when they were last applied, by resource.
pub(super) type Former<'a> = BTreeMap<&'a LogicalName, Vec<&'a BTreeSet<LogicalName>>>;

/// Steps by the resource that they change, or by one that they need.
#[derive(Default)]
struct Index<'a>(HashMap<&'a LogicalName, Vec<StepId>>);

impl<'a> Index<'a> {
    fn add(&mut self, name: &'a LogicalName, id: StepId) {
        self.0.entry(name).or_default().push(id);
    }

    /// Those that stand before a step.
    fn before(&self, name: &LogicalName, id: StepId) -> impl Iterator<Item = StepId> {
        let found = self.0.get(name).into_iter().flatten().copied();
        found.filter(move |other| *other < id)
    }
}

/// Says which steps wait for which; takes time in proportion to the steps and their edges.
pub(super) fn link(steps: &mut [Step], former: &Former) {
    let after = waits(steps, former);
    for (step, after) in steps.iter_mut().zip(after) {
        step.after = after;
    }
}

fn waits(steps: &[Step], former: &Former) -> Vec<BTreeSet<StepId>> {
    let mut puts = Index::default();
    let mut deletes = Index::default();
    let mut put_users = Index::default();
    let mut delete_users = Index::default();
    for step in steps {
        let (own, users) = match step.action {
            Action::Delete => (&mut deletes, &mut delete_users),
            _ => (&mut puts, &mut put_users),
        };
        own.add(&step.resource, step.id);
        for needed in &step.dependencies {
            users.add(needed, step.id);
        }
        let moved_on = former.get(&step.resource).into_iter().flatten();
        for needed in moved_on.copied().flatten() {
            if step.action != Action::Delete && !step.dependencies.contains(needed) {
                users.add(needed, step.id);
            }
        }
    }
    let waits_of = |step: &Step| {
        let (id, mut after) = (step.id, BTreeSet::new());
        if step.action == Action::Delete {
            // Whatever depended on it and goes too must be gone before.
            after.extend(delete_users.before(&step.resource, id));
            // What is only deleted once everything has moved over, or has let go of it.
            after.extend(put_users.before(&step.resource, id));
            after.extend(puts.before(&step.resource, id));
            // What another one may take over.
            let beside = step
                .dependencies
                .iter()
                .filter(|_| known_by_content(step.kind));
            let beside = beside.flat_map(|needed| put_users.before(needed, id));
            after.extend(beside.filter(|other| steps[*other].kind == step.kind));
        } else {
            for needed in &step.dependencies {
                after.extend(puts.0.get(needed).into_iter().flatten());
            }
            // Delete first, then put under the same name.
            after.extend(deletes.before(&step.resource, id));
        }
        after
    };
    steps.iter().map(waits_of).collect()
}
