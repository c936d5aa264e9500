//! The topic that alarms publish to.

mod calls;
mod settings;
#[cfg(test)]
mod tests;

use super::{Forced, Given, Of, Outputs, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Handle, Input, KeyArn, Output, TopicArn};
use serde::{Deserialize, Serialize};

/// A standard SNS topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// Topic name.
    pub name: String,
    /// The customer-managed key; the AWS managed one cannot be used by alarms.
    pub key: Input<KeyArn>,
    /// Address that AWS asks to confirm a subscription.
    pub email: Option<String>,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Topic {
    const KIND: &'static str = "sns-topic";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Topic {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "SNS cannot rename a topic",
    }];
    const SETTLE: &'static [Settle] = SETTLE;

    fn predicted(&self, given: &Given) -> Outputs {
        Outputs::from([("topicArn".to_owned(), self.arn(given))])
    }
}

/// Tag changes collide with each other, and permissions by tag lag behind them; facts: sections 1.2 and 16.
const SETTLE: &[Settle] = &[
    Settle {
        name: "another change of the topic's tags to finish",
        of: Of::Itself,
        codes: &["ConcurrentAccess", "StaleTag"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 60,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "AWS SDK, SNS: ConcurrentAccessException, StaleTagException",
    },
    Settle {
        name: "the topic's tags to admit its changes",
        of: Of::Itself,
        codes: &["AuthorizationError"],
        messages: &["no identity-based policy allows"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 10,
        otherwise: "the role or user that deploys may not change the topic",
        source: "terraform-provider-aws, internal/service/sns/topic.go",
    },
];

impl Topic {
    fn arn(&self, given: &Given) -> String {
        given.arn("sns", &self.name)
    }
}

impl Handle<Topic> {
    /// The topic's ARN.
    pub fn arn(&self) -> Output<TopicArn> {
        self.output("topicArn")
    }
}
