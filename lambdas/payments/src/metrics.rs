//! CloudWatch metrics as log lines in the embedded metric format.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::{Map, json};

use crate::logging::Log;

/// Namespace of every metric of the two functions.
pub const NAMESPACE: &str = "payhook";

/// By environment for alarms, since CloudWatch does not add up over dimensions by itself, and by provider for people.
const DIMENSIONS: [&[&str]; 2] = [&["environment"], &["environment", "provider"]];

/// The provider dimension of a request whose provider is not known, so that strangers cannot make up dimensions.
pub const UNKNOWN_PROVIDER: &str = "unknown";

macro_rules! metrics {
    ($($(#[$meaning:meta])* $name:ident,)*) => {
        /// Everything the two functions count or measure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $($(#[$meaning])* $name,)*
        }

        impl Metric {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Name in CloudWatch.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

metrics! {
    WebhookStored,
    WebhookDuplicate,
    SignatureRejected,
    WebhookMalformed,
    WebhookTooLarge,
    EventConflict,
    StoreFailed,
    SecretUnavailable,
    /// An event that came from a provider's list and not by a webhook.
    EventListed,
    /// Something that nobody signed, about a payment that the provider does not know.
    NoticeUnknown,
    PaymentProcessed,
    PaymentIgnored,
    PaymentFailed,
    ConfirmMismatch,
    ProcessingMillis,
    /// From being stored to being taken up.
    StreamLagMillis,
}

impl Metric {
    fn unit(self) -> &'static str {
        match self {
            Self::ProcessingMillis | Self::StreamLagMillis => "Milliseconds",
            _ => "Count",
        }
    }
}

/// Writes the values of one request; `provider` is a configured provider's key or [`UNKNOWN_PROVIDER`].
pub fn emit(log: &Log, provider: &str, values: &[(Metric, u64)]) {
    let metrics: Vec<_> = values
        .iter()
        .map(|(metric, _)| json!({"Name": metric.name(), "Unit": metric.unit()}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": log.now().as_millisecond(),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": DIMENSIONS, "Metrics": metrics}
            ],
        }),
    );
    log.add_ids(&mut line);
    line.insert("provider".into(), provider.into());
    for (metric, value) in values {
        line.insert(metric.name().into(), (*value).into());
    }
    log.send(line);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_metric_line_follows_the_embedded_metric_format() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = Log::new(
            lines.clone(),
            crate::clock::fixed("2026-01-01T00:00:00Z".parse().unwrap()),
            "dev",
        );
        emit(
            &log,
            "stripe",
            &[
                (Metric::PaymentProcessed, 1),
                (Metric::ProcessingMillis, 42),
            ],
        );
        let line: serde_json::Value = serde_json::from_str(&lines.lock().unwrap()[0]).unwrap();
        assert_eq!(
            line,
            json!({
                "_aws": {"Timestamp": 1_767_225_600_000_u64, "CloudWatchMetrics": [{
                    "Namespace": "payhook",
                    "Dimensions": [["environment"], ["environment", "provider"]],
                    "Metrics": [{"Name": "PaymentProcessed", "Unit": "Count"}, {"Name": "ProcessingMillis", "Unit": "Milliseconds"}]
                }]},
                "environment": "dev", "provider": "stripe", "PaymentProcessed": 1, "ProcessingMillis": 42
            })
        );
    }
}
