//! What would change: graph x state x what the cloud shows, as plain data. Pure.

mod approved;
mod build;
mod change;
mod destroy;
mod drift;
mod estimate;
mod facts;
mod link;
mod owned;
mod rebuild;
mod retain;
mod revert;
mod rollback;
mod sequence;
mod strays;
mod visible;

use crate::graph::{GraphError, LogicalName};
use crate::resources::{Kind, Outputs, Tags, definition};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use approved::{Approved, NotApproved};
pub(crate) use build::listed;
pub use build::{build, physical_address};
pub use change::{Change, changes};
pub use destroy::{destroy, destroy_of};
pub use drift::{Departure, Drift, Drifted, accept, drift};
pub use facts::Facts;
pub use owned::{Owned, owned};
pub use rebuild::{Rebuilt, rebuild};
pub use retain::{Division, divide};
pub use revert::revert;
pub use rollback::{graph as graph_of, rollback, tags as tags_of, target};
pub use strays::{Standing, address_of_tagged, by_name, strays, unknown, with_strays};

pub use crate::resources::tag;

/// Whether AWS neither names nor tags it, so that it is known as ours by its content and by what it stands in.
pub(crate) fn known_by_content(kind: Kind) -> bool {
    let rules = definition(kind);
    !rules.unique() && !rules.tagged()
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Make a new one in its place.
    Replace,
    /// Delete it.
    Delete,
    /// Take over what is there and ours.
    Adopt,
    /// Leave it.
    Keep,
}

impl Action {
    /// The word in plans and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Keep => "keep",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Position of a step in its plan.
pub type StepId = usize;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Position in the plan.
    pub id: StepId,
    /// Which resource.
    pub resource: LogicalName,
    /// Its kind.
    pub kind: Kind,
    /// Its name in the cloud.
    pub physical: String,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Which properties change.
    pub changes: Vec<Change>,
    /// What a delete or replace would lose.
    pub loses: Option<String>,
    /// Steps that must have ended before.
    pub after: BTreeSet<StepId>,
    /// Properties to apply, outputs of other resources as references; those last applied for a delete.
    pub properties: Value,
    /// Tags to apply.
    pub tags: Tags,
    /// Outputs recorded so far.
    pub outputs: Outputs,
    /// What it depends on, for state.
    pub dependencies: BTreeSet<LogicalName>,
    /// Whether this deletes a predecessor that has been replaced already.
    pub retired: bool,
}

/// The reason of a step for a resource of which this endpoint shows nothing.
const UNOBSERVABLE: &str = "not observable at this endpoint, so it is left out";

impl Step {
    /// Whether it leaves out a resource that an emulator does not have.
    pub fn is_unobservable(&self) -> bool {
        self.action == Action::Keep && self.reason == UNOBSERVABLE
    }

    /// Whether it makes calls that change something.
    pub fn mutates(&self) -> bool {
        match self.action {
            Action::Keep => false,
            Action::Adopt => !self.changes.is_empty(),
            _ => true,
        }
    }
}

/// Everything that a deploy or destroy would do, in a possible order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The steps; each stands after all it waits for.
    pub steps: Vec<Step>,
    /// Facts that references to `aws.*` and `artifact.*` resolve to.
    pub facts: BTreeMap<String, String>,
}

impl Plan {
    /// Whether nothing would be changed.
    pub fn is_empty(&self) -> bool {
        !self.steps.iter().any(Step::mutates)
    }

    /// How many steps do what.
    pub fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }

    /// Steps that would lose data.
    pub fn losses(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.loses.is_some())
    }
}

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The graph is wrong.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Names are taken by what is not ours.
    #[error("{}", foreign_words(.0))]
    Foreign(Vec<Foreign>),
    /// A kind that this payhook does not know.
    #[error("kind `{0}` is not known")]
    Kind(String),
}

/// Something that stands under a name of ours and is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Which resource it stands in the place of.
    pub resource: LogicalName,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub physical: String,
    /// What its tags say.
    pub owner: String,
}

fn foreign_words(foreign: &[Foreign]) -> String {
    let lines = foreign.iter().map(|f| {
        format!(
            "{} `{}` exists already and is not ours ({})",
            f.kind, f.physical, f.owner
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
