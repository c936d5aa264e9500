//! The dashboard: the way of a webhook from left to right.

use super::{STAGE, Stack};
use crate::config::Config;
use crate::graph::Input;
use crate::resources::Unmanaged;
use crate::resources::dashboard::Dashboard;
use payments::metrics::{Metric, NAMESPACE};
use serde_json::{Value, json};

pub(super) fn dashboard(stack: &Stack, config: &Config) -> Dashboard {
    let names = &stack.names;
    let region = config.region.as_str();
    let machine = json!(Input::from(stack.state_machine.arn()));
    let own = |metric: Metric| json!([NAMESPACE, metric.name(), "environment", names.env]);
    let lambda =
        |metric: &str, function: &str| json!(["AWS/Lambda", metric, "FunctionName", function]);
    let api = |metric: &str| {
        json!([
            "AWS/ApiGateway",
            metric,
            "ApiName",
            names.api,
            "Stage",
            STAGE
        ])
    };
    let states = |metric: &str| json!(["AWS/States", metric, "StateMachineArn", machine]);
    let rows = [
        (
            "Webhooks",
            "Sum",
            vec![api("Count"), api("4XXError"), api("5XXError")],
        ),
        (
            "Verified and stored",
            "Sum",
            vec![
                own(Metric::WebhookStored),
                own(Metric::WebhookDuplicate),
                own(Metric::EventListed),
            ],
        ),
        (
            "Not stored",
            "Sum",
            vec![
                own(Metric::SignatureRejected),
                own(Metric::WebhookMalformed),
                own(Metric::WebhookTooLarge),
                own(Metric::EventConflict),
                own(Metric::SecretUnavailable),
                own(Metric::StoreFailed),
            ],
        ),
        (
            "Answer time (ms)",
            "p99",
            vec![api("Latency"), lambda("Duration", &names.validator)],
        ),
        (
            "Waiting to be processed (ms)",
            "Maximum",
            vec![own(Metric::StreamLagMillis)],
        ),
        (
            "Processing time (ms)",
            "p99",
            vec![own(Metric::ProcessingMillis)],
        ),
        (
            "Executions",
            "Sum",
            vec![
                states("ExecutionsSucceeded"),
                states("ExecutionsFailed"),
                states("ExecutionsTimedOut"),
                states("ExecutionThrottled"),
            ],
        ),
        (
            "Payments",
            "Sum",
            vec![
                own(Metric::PaymentProcessed),
                own(Metric::PaymentIgnored),
                own(Metric::PaymentFailed),
                own(Metric::ConfirmMismatch),
                own(Metric::NoticeUnknown),
            ],
        ),
        (
            "Throttles",
            "Sum",
            vec![
                lambda("Throttles", &names.validator),
                lambda("Throttles", &names.processor),
            ],
        ),
        (
            "Dead letters",
            "Maximum",
            vec![json!([
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                "QueueName",
                names.dead_letters
            ])],
        ),
    ];
    let widgets: Vec<Value> = rows
        .into_iter()
        .enumerate()
        .map(|(index, (title, statistic, metrics))| {
            widget(index, title, statistic, metrics, region)
        })
        .collect();
    // Dashboards are global to the account: the name carries the region.
    Dashboard {
        name: format!("{}-{region}", names.dashboard),
        body: json!({ "widgets": widgets }),
        unmanaged: Unmanaged::new(),
    }
}

fn widget(index: usize, title: &str, statistic: &str, metrics: Vec<Value>, region: &str) -> Value {
    let (x, y) = ((index % 2) * 12, (index / 2) * 6);
    json!({
        "type": "metric",
        "x": x, "y": y, "width": 12, "height": 6,
        "properties": {
            "title": title,
            "view": "timeSeries",
            "stat": statistic,
            "period": 60,
            "region": region,
            "metrics": metrics,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn everything_that_the_functions_count_or_measure_is_on_the_dashboard() {
        let config = Config::parse(
            "infra.toml",
            include_str!("../../infra.toml"),
            Some("dev"),
            None,
        )
        .expect("a configuration");
        let stack = Stack::payment_webhooks(&config);
        let shown = dashboard(&stack, &config).body.to_string();
        for metric in Metric::ALL {
            let name = format!("\"{}\"", metric.name());
            assert!(shown.contains(&name), "{name} is missing");
        }
    }
}
