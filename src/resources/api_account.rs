//! The role with which API Gateway writes logs, one for the whole account and region.

mod calls;
#[cfg(test)]
mod tests;

use super::{Resource, Schedule, Settle};
use crate::graph::{Declared, Input, RoleArn};
use serde::{Deserialize, Serialize};

/// API Gateway's account setting; set only where no working role stands; when ours goes, another environment's
/// role takes its place, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiAccount {
    /// The role to set.
    pub role: Input<RoleArn>,
}

impl Declared for ApiAccount {
    const KIND: &'static str = "api-account";
    fn physical_name(&self) -> String {
        "account".to_owned()
    }
}

/// API Gateway tries the role before it takes it, so a new role must have reached it with its trust and its policy.
const fn usable(message: &'static str) -> Settle {
    Settle {
        name: "role to be usable by API Gateway",
        codes: &["BadRequestException"],
        message: Some(message),
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
    }
}

impl Resource for ApiAccount {
    const TAGGED: bool = false;
    const SETTLE: &'static [Settle] = &[
        usable("does not have required permissions"),
        usable("could not successfully write to CloudWatch Logs"),
        usable("does not have required trust"),
        usable("not authorized"),
    ];
}
