//! Lambda functions, published behind the alias `live`.

mod beside;
mod calls;
mod code;
mod concurrency;
mod publish;
mod shape;
#[cfg(test)]
mod tests;

pub use code::fetch;

use super::policy::{Action, Grantable, arn};
use super::{Forced, Given, Kind, Of, Outputs, Poll, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{
    AliasArn, CodeSha256, Declared, FunctionName, Handle, Input, KeyArn, LogGroupName, Output,
    RoleArn, Text,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A Lambda function of a zip, with its configuration published as a version behind the alias `live`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Function name.
    pub name: String,
    /// Shown in the console.
    pub description: Input<Text>,
    /// `provided.al2023`.
    pub runtime: String,
    /// Instruction set.
    pub architecture: Architecture,
    /// Base64 SHA-256 of the zip.
    pub code: Input<CodeSha256>,
    /// Execution role.
    pub role: Input<RoleArn>,
    /// MB, 128 to 10,240.
    pub memory_mb: u32,
    /// Seconds, 1 to 900.
    pub timeout_seconds: u32,
    /// Concurrent executions set aside for and granted to this function; 0 stops it. `None` shares the account's.
    pub reserved_concurrency: Option<u32>,
    /// Environment variables; never a secret.
    pub environment: BTreeMap<String, Input<Text>>,
    /// The key that encrypts the environment.
    pub key: Input<KeyArn>,
    /// Whether X-Ray traces are recorded for every request.
    pub tracing: bool,
    /// Where its log lines go, as the function writes them.
    pub log_group: Input<LogGroupName>,
    /// What else was found set; under `live`, in which properties that version differs from the function.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

/// Instruction set of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Graviton.
    Arm64,
    /// Intel and AMD.
    X86_64,
}

impl Declared for Function {
    const KIND: &'static str = "lambda-function";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Function {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "Lambda cannot rename a function",
    }];
    const SETTLE: &'static [Settle] = SETTLE;
    const IDENTITY: &'static [&'static str] = &["version"];
    const POLL: Poll = Poll {
        budget_seconds: 600,
        ..Poll::QUICK
    };

    fn predicted(&self, given: &Given) -> Outputs {
        let arn = given.arn("lambda", &format!("function:{}", self.name));
        Outputs::from([
            ("aliasArn".to_owned(), format!("{arn}:{}", Self::ALIAS)),
            ("functionArn".to_owned(), arn),
            ("functionName".to_owned(), self.name.clone()),
        ])
    }
}

const PROPAGATION_SECONDS: u64 = 300;

/// A new role and its policy reach Lambda and KMS late, and one change of a function runs at a time; facts: sections
/// 1.2 and 6.
const SETTLE: &[Settle] = &[
    Settle {
        name: "role to be assumable by Lambda",
        of: Of::Edge(Kind::Role),
        codes: &["InvalidParameterValueException"],
        messages: &["cannot be assumed by Lambda"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: PROPAGATION_SECONDS,
        otherwise: "the role's trust policy does not admit lambda.amazonaws.com",
        source: "terraform-provider-aws, internal/service/lambda/function.go",
    },
    Settle {
        name: "role to be visible to Lambda",
        of: Of::Edge(Kind::Role),
        codes: &["InvalidParameterValueException"],
        messages: &["The role with name"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: PROPAGATION_SECONDS,
        otherwise: "somebody has deleted the role",
        source: "[K]",
    },
    Settle {
        name: "role's policy to be visible to Lambda",
        of: Of::Edge(Kind::Role),
        codes: &["InvalidParameterValueException"],
        messages: &["execution role does not have permissions"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: PROPAGATION_SECONDS,
        otherwise: "the role's policy lacks the action that is named",
        source: "terraform-provider-aws, internal/service/lambda/function.go",
    },
    Settle {
        name: "role to be visible to KMS",
        of: Of::Edge(Kind::Role),
        codes: &["InvalidParameterValueException"],
        messages: &["KMS key is invalid for CreateGrant"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: PROPAGATION_SECONDS,
        otherwise: "the key is disabled or being deleted, or its policy keeps grants from being \
            made",
        source: "terraform-provider-aws, internal/service/lambda/function.go; go-to-k/cdkd",
    },
    // "Function already exist" has the same code and does not pass.
    Settle {
        name: "function's running change to end",
        of: Of::Itself,
        codes: &["ResourceConflictException"],
        messages: &["cannot be performed at this time", "in progress"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: PROPAGATION_SECONDS,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "terraform-provider-aws, internal/service/lambda/function.go; go-to-k/cdkd",
    },
];

impl Function {
    /// The alias that everything else points at.
    pub const ALIAS: &'static str = "live";
    /// Whose turn it is to change who may invoke a function: Lambda may lose one of two changes made at once.
    pub fn policy_turn(name: &str) -> String {
        format!("policy of function {name}")
    }

    /// Invoking the function through its alias.
    pub const INVOKE: Action<Function> = Action::new(&["lambda:InvokeFunction"]);
}

impl Handle<Function> {
    /// The ARN of the alias `live`.
    pub fn live(&self) -> Output<AliasArn> {
        self.output("aliasArn")
    }
    /// The function's name.
    pub fn function_name(&self) -> Output<FunctionName> {
        self.output("functionName")
    }
}

impl Grantable for Function {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        arn(
            "lambda",
            [format!("function:{}:{}", handle.physical_name(), Function::ALIAS).into()],
        )
    }
}
