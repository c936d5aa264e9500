//! The dashboard of the stack.

mod calls;
mod marker;
#[cfg(test)]
mod tests;

use super::{Forced, Of, Resource, Schedule, Settle, Unmanaged};
use crate::graph::Declared;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A CloudWatch dashboard; global to the account, so its name carries environment and region.
///
/// AWS keeps no tags for dashboards: a text widget says whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Dashboard name.
    pub name: String,
    /// Widgets as CloudWatch's JSON; references may stand in it.
    pub body: Value,
    /// What else was found: whether the widget is missing that says whose it is.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Dashboard {
    const KIND: &'static str = "dashboard";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Dashboard {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "CloudWatch cannot rename a dashboard",
    }];
    const TAGGED: bool = false;
    const SETTLE: &'static [Settle] = &[Settle {
        name: "another change of the dashboard to end",
        of: Of::Itself,
        codes: &["ConflictException"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 60,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "AWS SDK, CloudWatch: ConflictException",
    }];
}
