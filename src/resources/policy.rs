//! Statements of IAM policies, derived from grants.

pub(crate) mod document;

use crate::graph::{Handle, Input, Output, Part, Text, join};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// Actions that can be granted on a kind of resource `R`, and on no other.
pub struct Action<R> {
    names: &'static [&'static str],
    kind: PhantomData<fn() -> R>,
}

impl<R> Action<R> {
    /// Names actions; only the file of the kind does so.
    pub(crate) const fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            kind: PhantomData,
        }
    }

    /// The IAM action names.
    pub fn names(&self) -> &'static [&'static str] {
        self.names
    }
}

/// A kind of resource that access can be granted to.
pub trait Grantable: Sized {
    /// The exact ARN that a policy names.
    fn grant_arn(handle: &Handle<Self>) -> Input<Text>;
}

/// A condition of a statement: operator, key, values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `StringEquals`, `ArnLike`, ...
    pub operator: String,
    /// `aws:SourceArn`, `kms:ViaService`, ...
    pub key: String,
    /// Any of these.
    pub values: Vec<Input<Text>>,
}

impl Condition {
    /// A condition with one value.
    pub fn new(operator: &str, key: &str, value: impl Into<Input<Text>>) -> Self {
        Self {
            operator: operator.to_owned(),
            key: key.to_owned(),
            values: vec![value.into()],
        }
    }

    /// Only through one AWS service of the stack's region: `dynamodb`, `secretsmanager`, `sqs`.
    pub fn via(service: &str) -> Self {
        let value = join([
            format!("{service}.").into(),
            Output::region().into(),
            ".amazonaws.com".into(),
        ]);
        Self::new("StringEquals", "kms:ViaService", value)
    }
}

/// A statement that allows actions on exact resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// IAM actions, without wildcards.
    pub actions: Vec<String>,
    /// Exact ARNs; `*` only where AWS offers nothing else.
    pub resources: Vec<Input<Text>>,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// What a role needs an action on `*` for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unscoped {
    /// Sending X-Ray segments from a function.
    Tracing,
    /// Sending X-Ray segments and asking for sampling rules from a state machine.
    WorkflowTracing,
    /// Delivering a state machine's logs.
    LogDelivery,
    /// Finding the streams of a table.
    StreamDiscovery,
    /// Writing API Gateway's access logs, checked by AWS across all groups.
    ApiLogs,
}

/// An action that AWS offers only on `*`, and why.
pub struct UnscopedAction {
    /// IAM action.
    pub action: &'static str,
    /// Who needs it.
    pub groups: &'static [Unscoped],
    /// Why no resource can be named.
    pub reason: &'static str,
}

const NO_TYPE: &str = "the service defines no resource type for it";
const ACCOUNT_WIDE: &str =
    "acts on the account's log deliveries and resource policies, not on one group";
const API_ACCOUNT: &str = "API Gateway refuses an account role that lacks it on all groups";

macro_rules! unscoped {
    ($($action:literal, [$($group:ident),*], $reason:expr;)*) => {
        /// Every action that stands on `*`, with the reason beside it.
        pub const UNSCOPED: &[UnscopedAction] = &[
            $(UnscopedAction { action: $action, groups: &[$(Unscoped::$group),*], reason: $reason },)*
        ];
    };
}

unscoped! {
    "xray:PutTraceSegments", [Tracing, WorkflowTracing], NO_TYPE;
    "xray:PutTelemetryRecords", [Tracing, WorkflowTracing], NO_TYPE;
    "xray:GetSamplingRules", [WorkflowTracing], NO_TYPE;
    "xray:GetSamplingTargets", [WorkflowTracing], NO_TYPE;
    "dynamodb:ListStreams", [StreamDiscovery], NO_TYPE;
    "logs:CreateLogDelivery", [LogDelivery], NO_TYPE;
    "logs:GetLogDelivery", [LogDelivery], NO_TYPE;
    "logs:UpdateLogDelivery", [LogDelivery], NO_TYPE;
    "logs:DeleteLogDelivery", [LogDelivery], NO_TYPE;
    "logs:ListLogDeliveries", [LogDelivery], NO_TYPE;
    "logs:PutResourcePolicy", [LogDelivery], ACCOUNT_WIDE;
    "logs:DescribeResourcePolicies", [LogDelivery], ACCOUNT_WIDE;
    "logs:DescribeLogGroups", [LogDelivery, ApiLogs], ACCOUNT_WIDE;
    "logs:CreateLogGroup", [ApiLogs], API_ACCOUNT;
    "logs:CreateLogStream", [ApiLogs], API_ACCOUNT;
    "logs:DescribeLogStreams", [ApiLogs], API_ACCOUNT;
    "logs:PutLogEvents", [ApiLogs], API_ACCOUNT;
    "logs:GetLogEvents", [ApiLogs], API_ACCOUNT;
    "logs:FilterLogEvents", [ApiLogs], API_ACCOUNT;
}

/// An ARN of the stack's account and region, known before its resource exists.
pub fn arn(service: &str, resource: impl IntoIterator<Item = Part>) -> Input<Text> {
    let head: [Part; 7] = [
        "arn:".into(),
        Output::partition().into(),
        format!(":{service}:").into(),
        Output::region().into(),
        ":".into(),
        Output::account().into(),
        ":".into(),
    ];
    join(head.into_iter().chain(resource))
}
