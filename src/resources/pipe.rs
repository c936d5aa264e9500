//! The EventBridge pipe from the table's stream to the state machine.

use super::policy::arn;
use super::{Forced, Poll, Resource};
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
    /// Tries after the first, 0 to 10,000; endless retries would block the shard.
    pub maximum_retry_attempts: u32,
    /// Seconds after which a record is given up, 60 to 604,800.
    pub maximum_record_age_seconds: u32,
    /// Batches of one shard at the same time, 1 to 10.
    pub parallelization_factor: u32,
    /// Whether a failing batch is halved to find the record at fault.
    pub bisect_on_failure: bool,
    /// Where records go that were given up.
    pub dead_letter_queue: Input<QueueArn>,
    /// Whether it runs.
    pub running: bool,
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
}

impl Pipe {
    /// The ARN that a pipe of this name has.
    pub fn arn_of(name: &str) -> Input<Text> {
        arn("pipes", [format!("pipe/{name}").into()])
    }
}
