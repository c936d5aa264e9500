//! The EventBridge pipe from the table's stream to the state machine.

mod calls;
mod shape;
#[cfg(test)]
mod tests;

use super::policy::arn;
use super::{Forced, Given, Kind, Of, Outputs, Poll, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Input, QueueArn, RoleArn, StateMachineArn, StreamArn, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A pipe from a DynamoDB stream to a state machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipe {
    /// Pipe name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// The stream it reads.
    pub source: Input<StreamArn>,
    /// The state machine it starts, one execution a batch.
    pub target: Input<StateMachineArn>,
    /// The role it works in.
    pub role: Input<RoleArn>,
    /// Event patterns (as JSON); a record that fits none is skipped.
    pub filters: Vec<Value>,
    /// Records of one execution at most, 1 to 10,000.
    pub batch_size: u32,
    /// Seconds to wait for a full batch, 0 to 300.
    pub batching_window_seconds: u32,
    /// Where reading starts when the pipe is new.
    pub starting_position: StartingPosition,
    /// Tries after the first, 0 to 10,000. AWS shows -1 for endless, which would block the shard.
    pub maximum_retry_attempts: i32,
    /// Seconds after which a record is given up, 60 to 604,800. AWS shows -1 for never.
    pub maximum_record_age_seconds: i32,
    /// Batches of one shard at the same time, 1 to 10.
    pub parallelization_factor: u32,
    /// Whether a failing batch is halved to find the record at fault.
    pub bisect_on_failure: bool,
    /// Where records go that were given up.
    pub dead_letter_queue: Input<QueueArn>,
    /// What the target is given of each record; nothing hands over the whole record.
    ///
    /// JSON paths in angle brackets: text in quotes, objects bare. Step Functions takes 256 KiB of input at most.
    #[serde(default)]
    pub input_template: String,
    /// Whether it runs.
    pub running: bool,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

/// Where reading starts when a pipe is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StartingPosition {
    /// With the oldest record still in the stream: nothing is skipped while a pipe is replaced.
    TrimHorizon,
    /// With what comes next.
    Latest,
}

impl Declared for Pipe {
    const KIND: &'static str = "pipe";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Pipe {
    const FORCED: &'static [Forced] = &[
        Forced {
            property: "name",
            rule: "EventBridge cannot rename a pipe",
        },
        Forced {
            property: "source",
            rule: "EventBridge cannot change the source of a pipe",
        },
        Forced {
            property: "startingPosition",
            rule: "the starting position exists only when a pipe is made",
        },
    ];
    const POLL: Poll = Poll::LONG;
    const SETTLE: &'static [Settle] = &[
        Settle {
            name: "another change of the pipe to end",
            of: Of::Itself,
            codes: &["ConflictException"],
            messages: &[],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 300,
            otherwise: "something else keeps changing it, perhaps another tool",
            source: "AWS SDK, EventBridge Pipes: ConflictException; terraform-provider-aws, \
            internal/service/pipes/pipe.go",
        },
        Settle {
            name: "role to be assumable by EventBridge Pipes",
            of: Of::Edge(Kind::Role),
            codes: &["ValidationException", "AccessDeniedException"],
            messages: &[" assume"],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 120,
            otherwise: "the role's trust policy does not admit pipes.amazonaws.com",
            source: "[K]",
        },
        Settle {
            name: "role's permissions to reach EventBridge Pipes",
            of: Of::Edge(Kind::Role),
            codes: &["ValidationException", "AccessDeniedException"],
            messages: &["customer role does not have permissions"],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 120,
            otherwise: "the role's policy lacks the action that is named",
            source: "aws/aws-cdk#31211",
        },
        Settle {
            name: "stream to be readable by the pipe",
            of: Of::Edge(Kind::Table),
            codes: &["ValidationException"],
            messages: &[
                "Cannot access stream",
                "ensure the customer role can perform",
            ],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 300,
            otherwise: "the table's stream is off, or the role may not read it",
            source: "hashicorp/terraform-provider-aws#40572",
        },
        Settle {
            name: "dead-letter queue to accept the pipe's messages",
            of: Of::Edge(Kind::Queue),
            codes: &["ValidationException"],
            messages: &["sending message to SQS queue"],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 120,
            otherwise: "the role may not send to the queue, or not use the queue's key",
            source: "aws-samples/serverless-patterns#1857",
        },
    ];

    fn predicted(&self, given: &Given) -> Outputs {
        let arn = given.arn("pipes", &format!("pipe/{}", self.name));
        Outputs::from([("pipeArn".to_owned(), arn)])
    }

    // A record passes that fits any of the filters: their order says nothing.
    fn canonical(mut self) -> Self {
        self.filters.sort_by_cached_key(sorted_text);
        self
    }
}

/// JSON with its keys in order, as a sort key.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", sorted_text(value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(sorted_text).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

impl Pipe {
    /// The ARN that a pipe of this name has.
    pub fn arn_of(name: &str) -> Input<Text> {
        arn("pipes", [format!("pipe/{name}").into()])
    }
}
