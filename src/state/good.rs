//! The last successful deploys, folded from the records that are written anyway: a way back costs no bytes per step.

use super::{Entry, State};
use crate::graph::LogicalName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Successful deploys that are remembered.
const KEPT: usize = 3;
/// Runs that end with everything as somebody wanted it.
const WANTED: [&str; 2] = ["deploy", ROLLBACK];
const ROLLBACK: &str = "rollback";
const DESTROY: &str = "destroy";

/// Everything as it stood at the end of a successful deploy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Good {
    /// Number of the run.
    pub run: u64,
    /// When it ended, RFC 3339.
    pub at: String,
    /// What stood.
    pub entries: BTreeMap<LogicalName, Entry>,
}

/// The way back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The last successful deploys, the newest last.
    pub good: Vec<Good>,
    /// Whether the newest of them is what stands; not so from the first change of a run until its good end.
    pub stands: bool,
    /// Whether the last deploy was taken back; a rollback is then not one step more.
    #[serde(default)]
    pub returned: bool,
    /// What the last run was.
    pub verb: String,
}

impl Way {
    /// From what stands; nothing earlier is known.
    pub fn starting(run: u64, at: String, entries: BTreeMap<LogicalName, Entry>) -> Self {
        Self {
            good: vec![Good { run, at, entries }],
            stands: true,
            ..Self::default()
        }
    }

    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn begin(&mut self, verb: String) {
        let leaves = WANTED.contains(&verb.as_str()) || verb == DESTROY;
        self.stands &= !leaves;
        self.returned &= !leaves || verb == ROLLBACK;
        self.verb = verb;
    }

    /// What was deployed after a run is not gone back to again.
    pub(super) fn return_to(&mut self, run: u64) {
        self.good.retain(|good| good.run <= run);
        self.stands = false;
        self.returned = true;
    }

    fn end(&mut self, run: u64, at: String, entries: BTreeMap<LogicalName, Entry>) {
        self.stands = true;
        match self.good.last_mut() {
            // It is the same deploy again, whatever AWS made anew for it.
            Some(last) if self.returned || last.entries == entries => last.entries = entries,
            _ => self.good.push(Good { run, at, entries }),
        }
        let surplus = self.good.len().saturating_sub(KEPT);
        self.good.drain(..surplus);
    }
}

impl State {
    /// Takes the good end of a run into account.
    pub(super) fn ended_well(&mut self, run: u64, at: String) {
        let wanted = WANTED.contains(&self.way.verb.as_str());
        if wanted || self.way.verb == DESTROY {
            self.open.clear();
            self.making.clear();
        }
        if self.is_empty() {
            self.way = Way::default();
        }
        if self.is_empty() || !wanted {
            return;
        }
        self.way.end(run, at, self.entries.clone());
    }
}
