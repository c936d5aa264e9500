//! The topic that alarms publish to.

use super::{Forced, Resource};
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
}

impl Handle<Topic> {
    /// The topic's ARN.
    pub fn arn(&self) -> Output<TopicArn> {
        self.output("topicArn")
    }
}
