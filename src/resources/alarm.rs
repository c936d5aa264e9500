//! Alarms for what an on-call engineer needs to know.

mod calls;
#[cfg(test)]
mod tests;

use super::{Forced, Given, Outputs, Resource, Unmanaged};
use crate::graph::{Declared, Input, Text, TopicArn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many alarms are described in one call (CloudWatch API reference, DescribeAlarms).
pub(super) const AT_ONCE: u8 = 100;

/// A CloudWatch alarm on one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Alarm name.
    pub name: String,
    /// What it means and what to do; shown in the notification.
    pub description: String,
    /// `AWS/SQS`.
    pub namespace: String,
    /// Metric name.
    pub metric: String,
    /// Dimensions.
    pub dimensions: BTreeMap<String, Input<Text>>,
    /// `Sum`, `Maximum`, `Average`, or a percentile such as `p99`.
    pub statistic: String,
    /// Seconds of one period; 10, 20, 30 or a multiple of 60.
    pub period_seconds: u32,
    /// Periods looked at.
    pub evaluation_periods: u32,
    /// Fires at this value or above.
    pub threshold: f64,
    /// Who is told, when it fires and when it is over.
    pub topic: Input<TopicArn>,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Alarm {
    const KIND: &'static str = "alarm";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Alarm {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "CloudWatch cannot rename an alarm",
    }];

    fn predicted(&self, given: &Given) -> Outputs {
        let arn = given.arn("cloudwatch", &format!("alarm:{}", self.name));
        Outputs::from([("alarmArn".to_owned(), arn)])
    }
}
