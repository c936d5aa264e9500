//! The role with which API Gateway writes logs, one for the whole account and region.

mod calls;
#[cfg(test)]
mod tests;

use super::{Kind, Of, Resource, Schedule, Settle};
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

impl Resource for ApiAccount {
    const TAGGED: bool = false;
    // API Gateway tries the role before it takes it, so a new role must have reached it with its trust and its policy.
    const SETTLE: &'static [Settle] = &[Settle {
        name: "role to be usable by API Gateway",
        of: Of::Edge(Kind::Role),
        codes: &["BadRequestException"],
        messages: &[
            "does not have required permissions",
            "could not successfully write to CloudWatch Logs",
            "does not have required trust",
            "not authorized",
        ],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "the role's trust policy does not admit apigateway.amazonaws.com, or its policy \
            lacks what API Gateway tries",
        source: "terraform-provider-aws, internal/service/apigateway/account.go; go-to-k/cdkd",
    }];
}
