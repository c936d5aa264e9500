//! How many calls a second AWS publishes for an account and region, as data.

use std::time::Duration;

/// A published rate; every call it names takes from the same bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// As a wait for it is shown: "API Gateway to allow the next DeleteRestApi".
    pub name: &'static str,
    /// `service:Operation`, or `service:*` for all of a service but those that have a rate alone.
    pub calls: &'static [&'static str],
    /// Calls of the service that the rate does not count.
    pub except: &'static [&'static str],
    /// One call is allowed every so many milliseconds.
    pub every_ms: u64,
    /// So many at once, when there was none for a while.
    pub burst: u32,
    /// Where it stands; `[K]` was not found published and may be off.
    pub source: &'static str,
}

impl Rate {
    /// Whether it counts a call.
    pub fn counts(&self, call: &str) -> bool {
        let all = |of: &&str| of.strip_suffix('*').is_some_and(|s| call.starts_with(s));
        let named = self.calls.iter().any(|of| *of == call || all(of));
        named && !self.except.contains(&call)
    }

    /// How long one call takes away.
    pub fn every(&self) -> Duration {
        Duration::from_millis(self.every_ms)
    }
}

const fn rate(
    name: &'static str,
    calls: &'static [&'static str],
    every_ms: u64,
    burst: u32,
    source: &'static str,
) -> Rate {
    Rate {
        name,
        calls,
        except: &[],
        every_ms,
        burst,
        source,
    }
}

const GATEWAY: &str = "API Gateway quotas, control plane (hard)";
const KNOWN: &str = "[K]";

/// Every rate, those of one operation before those of a whole service: a call waits for them one after the other.
///
/// IAM, SQS, SNS and Pipes publish none; their throttles are met as errors and waited out. DynamoDB limits how many table
/// operations run at once (500), which no stack reaches.
pub const RATES: &[Rate] = &[
    // API Gateway, facts: section 9.2.
    rate(
        "API Gateway to allow the next CreateRestApi",
        &["apigateway:CreateRestApi"],
        3_000,
        1,
        GATEWAY,
    ),
    rate(
        "API Gateway to allow the next DeleteRestApi",
        &["apigateway:DeleteRestApi"],
        30_000,
        1,
        GATEWAY,
    ),
    rate(
        "API Gateway to allow the next CreateDeployment",
        &["apigateway:CreateDeployment"],
        5_000,
        1,
        GATEWAY,
    ),
    rate(
        "API Gateway to allow the next PutRestApi",
        &["apigateway:PutRestApi"],
        1_000,
        1,
        GATEWAY,
    ),
    rate(
        "API Gateway to allow the next UpdateAccount",
        &["apigateway:UpdateAccount"],
        20_000,
        1,
        GATEWAY,
    ),
    rate(
        "API Gateway to allow the next GetResources",
        &["apigateway:GetResources"],
        400,
        5,
        GATEWAY,
    ),
    rate(
        "API Gateway to allow more calls",
        &["apigateway:*"],
        100,
        40,
        GATEWAY,
    ),
    // Lambda, facts: section 6.
    rate(
        "Lambda to allow the next GetFunction",
        &["lambda:GetFunction"],
        10,
        100,
        KNOWN,
    ),
    rate(
        "Lambda to allow the next GetPolicy",
        &["lambda:GetPolicy"],
        67,
        15,
        KNOWN,
    ),
    Rate {
        except: &["lambda:GetFunction", "lambda:GetPolicy", "lambda:Invoke"],
        ..rate("Lambda to allow more calls", &["lambda:*"], 67, 15, KNOWN)
    },
    // CloudWatch and CloudWatch Logs, facts: sections 13 and 14.
    rate(
        "CloudWatch to allow the next PutMetricAlarm",
        &["cloudwatch:PutMetricAlarm"],
        334,
        3,
        KNOWN,
    ),
    rate(
        "CloudWatch to allow the next DescribeAlarms",
        &["cloudwatch:DescribeAlarms"],
        112,
        9,
        KNOWN,
    ),
    rate(
        "CloudWatch to allow the next PutDashboard",
        &["cloudwatch:PutDashboard"],
        100,
        10,
        KNOWN,
    ),
    rate(
        "CloudWatch Logs to allow the next CreateLogGroup",
        &["logs:CreateLogGroup"],
        100,
        10,
        KNOWN,
    ),
    rate(
        "CloudWatch Logs to allow the next DeleteLogGroup",
        &["logs:DeleteLogGroup"],
        100,
        10,
        KNOWN,
    ),
    rate(
        "CloudWatch Logs to allow the next DescribeLogGroups",
        &["logs:DescribeLogGroups"],
        100,
        10,
        KNOWN,
    ),
    rate(
        "CloudWatch Logs to allow the next PutRetentionPolicy",
        &["logs:PutRetentionPolicy"],
        100,
        10,
        KNOWN,
    ),
    // DynamoDB, facts: section 5.
    rate(
        "DynamoDB to allow the next TagResource",
        &["dynamodb:TagResource"],
        200,
        5,
        "DynamoDB API reference",
    ),
    // KMS and Step Functions.
    rate(
        "KMS to allow the next CreateKey",
        &["kms:CreateKey"],
        200,
        5,
        KNOWN,
    ),
    rate(
        "Step Functions to allow the next change of a state machine",
        &[
            "states:CreateStateMachine",
            "states:UpdateStateMachine",
            "states:DeleteStateMachine",
        ],
        1_000,
        100,
        KNOWN,
    ),
];
