//! Leave for a service to invoke a function.

use super::{Forced, Resource};
use crate::graph::{Declared, FunctionName, Input, Text};
use serde::{Deserialize, Serialize};

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
}
