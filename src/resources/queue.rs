//! The dead-letter queue of the pipe.

mod calls;
#[cfg(test)]
mod tests;

use super::policy::{Action, Grantable, arn};
use super::{Forced, Given, Of, Outputs, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Handle, Input, KeyArn, Output, QueueArn, Text};
use serde::{Deserialize, Serialize};

/// A standard SQS queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Queue name.
    pub name: String,
    /// The customer-managed key.
    pub key: Input<KeyArn>,
    /// Seconds that a message is kept, 60 to 1,209,600.
    pub retention_seconds: u32,
    /// Seconds that a received message stays hidden, 0 to 43,200.
    pub visibility_timeout_seconds: u32,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Queue {
    const KIND: &'static str = "sqs-queue";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Queue {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "SQS cannot rename a queue",
    }];
    const HOLDS: Option<&'static str> = Some("dead letters not yet redriven");
    const SETTLE: &'static [Settle] = SETTLE;

    fn predicted(&self, given: &Given) -> Outputs {
        Outputs::from([("queueArn".to_owned(), given.arn("sqs", &self.name))])
    }
}

/// SQS holds a deleted queue's name for 60 s, and shows a new queue with a delay; facts: section 12.
const SETTLE: &[Settle] = &[
    Settle {
        name: "the deleted queue to release its name",
        of: Of::Itself,
        codes: &[
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "QueueDeletedRecently",
        ],
        messages: &[],
        schedule: Schedule::steady(&[2_000], 4_000),
        budget_seconds: 90,
        otherwise: "somebody keeps deleting the queue",
        source: "terraform-provider-aws, internal/service/sqs/queue.go; AWS SDK, SQS: \
            QueueDeletedRecently",
    },
    Settle {
        name: "queue to be visible",
        of: Of::Itself,
        codes: &[
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
        ],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 20,
        otherwise: "somebody has deleted the queue",
        source: "terraform-provider-aws, internal/service/sqs/queue.go",
    },
];

impl Queue {
    /// Sending a message.
    pub const SEND: Action<Queue> = Action::new(&["sqs:SendMessage"]);
}

impl Handle<Queue> {
    /// The queue's ARN.
    pub fn arn(&self) -> Output<QueueArn> {
        self.output("queueArn")
    }
}

impl Grantable for Queue {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        arn("sqs", [handle.physical_name().into()])
    }
}
