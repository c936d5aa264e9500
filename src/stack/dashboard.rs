//! The dashboard: the way of a webhook from left to right.

use super::{STAGE, Stack};
use crate::config::Config;
use crate::graph::Input;
use crate::resources::Unmanaged;
use crate::resources::dashboard::Dashboard;
use serde_json::{Value, json};

pub(super) fn dashboard(stack: &Stack, config: &Config) -> Dashboard {
    let names = &stack.names;
    let region = config.region.as_str();
    let machine = json!(Input::from(stack.state_machine.arn()));
    let own = |metric: &str| json!(["payhook", metric, "environment", names.env]);
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
                own("WebhookStored"),
                own("WebhookDuplicate"),
                own("SignatureRejected"),
                own("EventConflict"),
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
            vec![own("StreamLagMillis")],
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
                own("PaymentProcessed"),
                own("PaymentIgnored"),
                own("PaymentFailed"),
                own("ConfirmMismatch"),
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
