//! Log groups, owned from the start so that none is ever made without retention and key.

mod calls;
#[cfg(test)]
mod tests;

use super::policy::{Action, Grantable, arn};
use super::{Forced, Given, Kind, Of, Outputs, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Handle, Input, KeyArn, LogGroupArn, LogGroupName, Output, Text};
use serde::{Deserialize, Serialize};

/// A CloudWatch Logs log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    /// Log group name.
    pub name: String,
    /// Days that log events are kept; one of the values CloudWatch Logs allows, 0 for ever.
    pub retention_days: u32,
    /// The customer-managed key.
    pub key: Input<KeyArn>,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for LogGroup {
    const KIND: &'static str = "log-group";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for LogGroup {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "CloudWatch Logs cannot rename a log group",
    }];
    const HOLDS: Option<&'static str> = Some("every log line in it");
    const SETTLE: &'static [Settle] = SETTLE;

    fn predicted(&self, given: &Given) -> Outputs {
        Outputs::from([
            ("logGroupArn".to_owned(), self.arn(given)),
            ("logGroupName".to_owned(), self.name.clone()),
        ])
    }
}

/// Changes of one group collide, and a key policy takes a while to reach CloudWatch Logs; facts: sections 1.2 and 13.
const SETTLE: &[Settle] = &[
    Settle {
        name: "another change of the log group to finish",
        of: Of::Itself,
        codes: &["OperationAbortedException"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 60,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "terraform-provider-aws, internal/service/logs/group.go",
    },
    Settle {
        name: "key policy to admit CloudWatch Logs",
        of: Of::Edge(Kind::Key),
        codes: &["InvalidParameterException", "AccessDeniedException"],
        messages: &["specified KMS"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 90,
        otherwise: "the key is disabled or being deleted, or its policy does not admit CloudWatch \
            Logs",
        source: "[K] AccessDeniedException; AWS docs, encrypt-log-data-kms; AWS SDK, CloudWatch Logs: \
            InvalidParameterException",
    },
    Settle {
        name: "the log group's tags to admit its changes",
        of: Of::Itself,
        codes: &["AccessDeniedException"],
        messages: &["no identity-based policy allows the logs:PutRetentionPolicy"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 10,
        otherwise: "the role or user that deploys may not call logs:PutRetentionPolicy",
        source: "terraform-provider-aws, internal/service/logs/group.go",
    },
];

impl LogGroup {
    /// Writing log events; never creating groups, which would come back after a destroy.
    pub const WRITE: Action<LogGroup> = Action::new(&["logs:CreateLogStream", "logs:PutLogEvents"]);

    /// The group's ARN without a trailing `:*`, known before it exists.
    pub fn arn_of(name: &str) -> Input<Text> {
        arn("logs", [format!("log-group:{name}").into()])
    }

    fn arn(&self, given: &Given) -> String {
        given.arn("logs", &format!("log-group:{}", self.name))
    }
}

impl Handle<LogGroup> {
    /// The group's ARN without a trailing `:*`.
    pub fn arn(&self) -> Output<LogGroupArn> {
        self.output("logGroupArn")
    }
    /// The group's name.
    pub fn log_group_name(&self) -> Output<LogGroupName> {
        self.output("logGroupName")
    }
}

impl Grantable for LogGroup {
    // Log streams live below the group: the `:*` is part of the resource's own ARN form.
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        arn(
            "logs",
            [format!("log-group:{}:*", handle.physical_name()).into()],
        )
    }
}
