//! Which steps can start now: pure bookkeeping that looks at every edge of a plan once.

use crate::plan::{Plan, StepId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Steps of a plan by what they still wait for, those with the longest way behind them first.
pub(super) struct Ready {
    /// How many steps each still waits for.
    open: Vec<usize>,
    /// Which steps wait for each.
    behind: Vec<Vec<StepId>>,
    /// How long it takes from the start of each to the end of everything that waits for it.
    remaining: Vec<Duration>,
    free: BinaryHeap<(Duration, Reverse<StepId>)>,
}

impl Ready {
    /// Nothing has been started yet.
    pub fn of(plan: &Plan) -> Self {
        let mut behind = vec![Vec::new(); plan.steps.len()];
        for step in &plan.steps {
            for before in &step.after {
                behind[*before].push(step.id);
            }
        }
        let mut ready = Self {
            open: plan.steps.iter().map(|step| step.after.len()).collect(),
            remaining: remaining(plan, &behind),
            behind,
            free: BinaryHeap::new(),
        };
        for step in plan.steps.iter().filter(|step| step.after.is_empty()) {
            ready.free(step.id);
        }
        ready
    }

    /// The next step to start, if any can.
    pub fn next(&mut self) -> Option<StepId> {
        self.free.pop().map(|(_, Reverse(id))| id)
    }

    /// How long it takes from the start of a step to the end of everything that waits for it.
    pub fn remaining(&self, id: StepId) -> Duration {
        self.remaining[id]
    }

    /// A step has ended well; what waits for one that failed never becomes free.
    pub fn done(&mut self, id: StepId) {
        for waiting in std::mem::take(&mut self.behind[id]) {
            self.open[waiting] -= 1;
            if self.open[waiting] == 0 {
                self.free(waiting);
            }
        }
    }

    fn free(&mut self, id: StepId) {
        self.free.push((self.remaining[id], Reverse(id)));
    }
}

/// Every step stands after all it waits for, so that one pass from the last to the first is enough.
fn remaining(plan: &Plan, behind: &[Vec<StepId>]) -> Vec<Duration> {
    let mut remaining = vec![Duration::ZERO; plan.steps.len()];
    for step in plan.steps.iter().rev() {
        let longest = behind[step.id].iter().map(|id| remaining[*id]).max();
        remaining[step.id] = step.estimate() + longest.unwrap_or_default();
    }
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::destroy;
    use crate::resources::{Kind, Outputs, Tags};
    use crate::state::Entry;

    fn entry(kind: Kind, dependencies: &[&str]) -> Entry {
        Entry {
            kind,
            physical: String::new(),
            properties: serde_json::Value::Null,
            outputs: Outputs::new(),
            tags: Tags::new(),
            dependencies: dependencies.iter().map(|d| (*d).into()).collect(),
            accepted: None,
        }
    }

    fn started(entries: &[(&str, Kind, &[&str])], fails: &str) -> Vec<String> {
        let owned: Vec<_> = entries
            .iter()
            .map(|(name, kind, needs)| ((*name).into(), entry(*kind, needs)))
            .collect();
        let plan = destroy(&owned, &[]);
        let mut ready = Ready::of(&plan);
        let mut started = Vec::new();
        while let Some(id) = ready.next() {
            started.push(plan.steps[id].resource.to_string());
            if plan.steps[id].resource.as_str() != fails {
                ready.done(id);
            }
        }
        started
    }

    #[test]
    fn the_step_with_the_longest_time_behind_it_starts_first_however_few_steps_that_are() {
        // Three roles are quick; one queue takes half a minute to be gone.
        let entries: &[(&str, Kind, &[&str])] = &[
            ("a", Kind::Role, &[]),
            ("b", Kind::Role, &["a"]),
            ("c", Kind::Role, &["b"]),
            ("queue", Kind::Queue, &[]),
        ];
        assert_eq!(started(entries, ""), ["queue", "c", "b", "a"]);
    }

    #[test]
    fn what_waits_for_a_failed_step_is_never_started_and_the_rest_is() {
        let entries: &[(&str, Kind, &[&str])] = &[
            ("a", Kind::Role, &[]),
            ("b", Kind::Role, &["a"]),
            ("c", Kind::Role, &["a"]),
        ];
        assert_eq!(started(entries, "b"), ["b", "c"]);
    }
}
