//! A plan that somebody approved, to be applied later: it permits what it lists and nothing else. Pure.
//!
//! A deploy always makes its own plan from what is there; an approved one is only held against it. What somebody writes
//! into the file by hand can therefore permit something, and never make it happen.

use super::{Action, Change, Plan, Step};
use crate::graph::{OutputRef, resolve};
use crate::resources::Given;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Format of the file.
const VERSION: u32 = 1;

/// The plan of a deploy, and where it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    version: u32,
    /// Environment.
    pub env: String,
    /// Account and region.
    pub given: Given,
    /// When it was made, RFC 3339.
    pub at: String,
    /// What would be done.
    pub plan: Plan,
}

/// Why a file is not an approved plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// It is something else, or cut off.
    #[error("it is not a plan that `payhook preview --out` wrote ({0})")]
    Unreadable(String),
    /// Its format is another one.
    #[error("it has format {found}, and this payhook reads format {VERSION}")]
    Version {
        /// Format of the file.
        found: u64,
    },
}

impl Approved {
    /// The plan of a deploy as it is now.
    pub fn new(env: &str, given: &Given, at: String, plan: Plan) -> Self {
        Self {
            version: VERSION,
            env: env.to_owned(),
            given: given.clone(),
            at,
            plan,
        }
    }

    /// Reads the file's text.
    pub fn parse(text: &[u8]) -> Result<Self, NotApproved> {
        let unreadable = |error: serde_json::Error| NotApproved::Unreadable(error.to_string());
        let value: Value = serde_json::from_slice(text).map_err(unreadable)?;
        let found = value["version"].as_u64();
        if let Some(found) = found.filter(|found| *found != u64::from(VERSION)) {
            return Err(NotApproved::Version { found });
        }
        serde_json::from_value(value).map_err(unreadable)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        format!("{:#}\n", serde_json::json!(self))
    }

    /// What another plan would do beyond this one, a line for each step.
    ///
    /// What is done already, by a run that was cut off for one, may be missing in the other plan.
    pub fn exceeded_by(&self, plan: &Plan) -> Vec<String> {
        let mutating = plan.steps.iter().filter(|step| step.mutates());
        let beyond = mutating.filter(|step| !self.permits(step, plan));
        beyond.map(|step| self.line(step)).collect()
    }

    fn permits(&self, step: &Step, plan: &Plan) -> bool {
        let wanted = |step: &Step, plan: &Plan| known(&step.properties, plan);
        self.of(step).any(|approved| {
            let same_place = approved.kind == step.kind && approved.physical == step.physical;
            let same_wish =
                wanted(approved, &self.plan) == wanted(step, plan) && approved.tags == step.tags;
            match (approved.action, step.action) {
                (Action::Delete, Action::Delete) => same_place,
                // What it replaces may have been retired by a run that was cut off.
                (Action::Replace, Action::Delete) => step.retired && approved.kind == step.kind,
                (_, Action::Delete) | (Action::Delete | Action::Keep, _) => false,
                (Action::Replace, _) => same_place && same_wish,
                // Made in part by a run that was cut off.
                (Action::Create, action) => same_place && same_wish && action != Action::Replace,
                (Action::Update | Action::Adopt, Action::Update | Action::Adopt) => {
                    same_place && same_wish && covers(&approved.changes, &step.changes)
                }
                (Action::Update | Action::Adopt, _) => false,
            }
        })
    }

    fn of<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Step> {
        let steps = self.plan.steps.iter();
        steps.filter(|approved| approved.resource == step.resource && approved.mutates())
    }

    fn line(&self, step: &Step) -> String {
        let Step {
            kind,
            physical,
            action,
            reason,
            ..
        } = step;
        let approved = match self.of(step).next() {
            None => "the approved plan leaves it alone".to_owned(),
            Some(approved) if approved.action == *action => format!(
                "the approved plan has another {action} of it: {}",
                approved.reason
            ),
            Some(approved) => format!("the approved plan has {}", approved.action),
        };
        format!("{action} {kind} {physical} ({reason}); {approved}")
    }
}

/// Whether every change is among the approved ones.
fn covers(approved: &[Change], changes: &[Change]) -> bool {
    changes.iter().all(|change| approved.contains(change))
}

/// Properties with what is known before any resource: the account, and the functions' code.
fn known(properties: &Value, plan: &Plan) -> Value {
    let lookup = |reference: &OutputRef| plan.facts.get(&reference.to_string()).cloned();
    resolve(properties, &lookup).value
}

#[cfg(test)]
mod tests;
