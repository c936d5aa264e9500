//! The Step Functions state machine.

mod calls;
#[cfg(test)]
mod emulated;
mod shape;
#[cfg(test)]
mod tests;

use super::policy::{Action, Grantable, arn};
use super::{Forced, Given, Kind, Of, Outputs, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Handle, Input, LogGroupArn, Output, RoleArn, StateMachineArn, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A Step Functions state machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateMachine {
    /// State machine name, 1 to 80 of `[0-9A-Za-z_-]`.
    pub name: String,
    /// Standard or express.
    pub workflow: Workflow,
    /// The definition in Amazons States Language, as JSON; references may stand in it.
    pub definition: Value,
    /// Execution role.
    pub role: Input<RoleArn>,
    /// Whether X-Ray traces are recorded.
    pub tracing: bool,
    /// Where its log goes; never with execution data, which is payment data.
    pub log_group: Input<LogGroupArn>,
    /// What is logged.
    pub log_level: LogLevel,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

/// The type of a state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Workflow {
    /// Exactly-once steps, up to a year.
    Standard,
    /// At-least-once steps, up to five minutes.
    Express,
}

/// What a state machine logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Everything.
    All,
    /// Errors and failed executions.
    Error,
    /// Failed executions.
    Fatal,
    /// Nothing.
    Off,
}

impl Declared for StateMachine {
    const KIND: &'static str = "state-machine";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for StateMachine {
    const FORCED: &'static [Forced] = &[
        Forced {
            property: "name",
            rule: "Step Functions cannot rename a state machine",
        },
        Forced {
            property: "workflow",
            rule: "Step Functions cannot change the type of a state machine",
        },
    ];
    const SETTLE: &'static [Settle] = SETTLE;

    fn predicted(&self, given: &Given) -> Outputs {
        let arn = given.arn("states", &format!("stateMachine:{}", self.name));
        Outputs::from([("stateMachineArn".to_owned(), arn)])
    }

    /// A definition is compared as data, in which 2.0 is 2.
    fn canonical(mut self) -> Self {
        shape::normalise(&mut self.definition);
        self
    }
}

/// A new role and its policy reach Step Functions late, a deleted machine holds its name; facts: sections 1.2 and 10.
const SETTLE: &[Settle] = &[
    Settle {
        name: "role to be assumable by Step Functions",
        of: Of::Edge(Kind::Role),
        codes: &["AccessDeniedException"],
        messages: &["authorized to assume the provided role"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 300,
        otherwise: "the role's trust policy does not admit states.amazonaws.com",
        source: "terraform-provider-aws, internal/service/sfn/state_machine.go",
    },
    Settle {
        name: "log group to be writable by the state machine's role",
        of: Of::Edge(Kind::LogGroup),
        codes: &["AccessDeniedException"],
        messages: &["not authorized to access the Log Destination"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 300,
        otherwise: "the role lacks actions on log deliveries, or the account's resource policies \
            of CloudWatch Logs are full",
        source: "go-to-k/cdkd#2783 and #2791, aws/aws-cdk#26432",
    },
    // Also how a log group that is not visible yet is refused; a wrong one stays refused.
    Settle {
        name: "log group to be visible to Step Functions",
        of: Of::Edge(Kind::LogGroup),
        codes: &["InvalidLoggingConfiguration"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 30,
        otherwise: "the log group does not exist or is named wrongly",
        source: "[K]; AWS SDK, Step Functions: InvalidLoggingConfiguration",
    },
    Settle {
        name: "the deleted state machine to release its name",
        of: Of::Itself,
        codes: &["StateMachineDeleting"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 300,
        otherwise: "an execution of the deleted state machine is still running: stop it",
        source: "terraform-provider-aws, internal/service/sfn/state_machine.go",
    },
    Settle {
        name: "another update of the state machine to end",
        of: Of::Itself,
        codes: &["ConflictException"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 60,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "AWS SDK, Step Functions: ConflictException",
    },
];

impl StateMachine {
    /// Starting an execution and not waiting for it.
    pub const START: Action<StateMachine> = Action::new(&["states:StartExecution"]);

    /// The ARN that a state machine of this name has.
    pub fn arn_of(name: &str) -> Input<Text> {
        arn("states", [format!("stateMachine:{name}").into()])
    }
}

impl Handle<StateMachine> {
    /// The state machine's ARN.
    pub fn arn(&self) -> Output<StateMachineArn> {
        self.output("stateMachineArn")
    }
}

impl Grantable for StateMachine {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        StateMachine::arn_of(handle.physical_name())
    }
}
