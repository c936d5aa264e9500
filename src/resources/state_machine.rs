//! The Step Functions state machine.

use super::policy::{Action, Grantable, arn};
use super::{Forced, Resource};
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
}

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
