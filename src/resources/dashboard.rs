//! The dashboard of the stack.

use super::{Forced, Resource};
use crate::graph::Declared;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A CloudWatch dashboard; global to the account, so its name carries environment and region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Dashboard name.
    pub name: String,
    /// Widgets as CloudWatch's JSON; references may stand in it.
    pub body: Value,
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
}
