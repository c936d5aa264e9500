//! Leave for a service to invoke a function.

mod calls;
mod statement;
#[cfg(test)]
mod tests;

use super::{Forced, Kind, Of, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, FunctionName, Input, Text};
use serde::{Deserialize, Serialize};

/// Statement ids of the stack's own permissions; a statement of any other was added by somebody else.
pub const SIDS: [&str; 3] = [
    "payhook-post-webhooks",
    "payhook-post-webhooks-provider",
    "payhook-get-webhooks-provider",
];

/// A statement of a function's resource policy, on its alias `live`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// Statement id, 1 to 100 letters, digits, `-` and `_`.
    pub sid: String,
    /// The function.
    pub function: Input<FunctionName>,
    /// `apigateway.amazonaws.com`.
    pub principal: String,
    /// Only for calls on behalf of this ARN (ArnLike); without it any account could invoke.
    pub source_arn: Input<Text>,
    /// What else was found in the statement.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Permission {
    const KIND: &'static str = "lambda-permission";
    fn physical_name(&self) -> String {
        self.sid.clone()
    }
}

impl Resource for Permission {
    const FORCED: &'static [Forced] = &[
        Forced {
            property: "sid",
            rule: "Lambda cannot change a statement of a resource policy",
        },
        Forced {
            property: "function",
            rule: "Lambda cannot move a statement to another function",
        },
        Forced {
            property: "principal",
            rule: "Lambda cannot change a statement of a resource policy",
        },
        Forced {
            property: "sourceArn",
            rule: "Lambda cannot change a statement of a resource policy",
        },
    ];
    const TAGGED: bool = false;
    const FOUND_BY: &'static [&'static str] = &["function"];
    const SETTLE: &'static [Settle] = SETTLE;
}

/// A new alias reaches the service that keeps policies late, and one change of a policy runs at a time; facts: section 7.
const SETTLE: &[Settle] = &[
    Settle {
        name: "function's alias to be visible",
        of: Of::Edge(Kind::Function),
        codes: &["ResourceNotFoundException"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "somebody has deleted the function or its alias",
        source: "terraform-provider-aws, internal/service/lambda/permission.go",
    },
    // "The statement id provided already exists" has the same code and does not pass.
    Settle {
        name: "another change of the function's policy to end",
        of: Of::Itself,
        codes: &["ResourceConflictException"],
        messages: &["concurrent update"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "go-to-k/cdkd, deployment/retryable-errors.ts",
    },
    Settle {
        name: "function's running change to end",
        of: Of::Edge(Kind::Function),
        codes: &["ResourceConflictException"],
        messages: &["cannot be performed at this time", "in progress"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 300,
        otherwise: "something else keeps changing the function, perhaps another tool",
        source: "terraform-provider-aws, internal/service/lambda/permission.go",
    },
];
