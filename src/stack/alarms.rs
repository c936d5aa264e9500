//! Alarms: what wakes an on-call engineer, and what to do then.

use super::{STAGE, Stack};
use crate::graph::{Handle, Input, Text};
use crate::resources::Unmanaged;
use crate::resources::alarm::Alarm;
use crate::resources::topic::Topic;
use payments::metrics::{Metric, NAMESPACE};
use std::collections::BTreeMap;

/// What to look at and from where on it is bad.
struct Watch {
    logical: &'static str,
    namespace: &'static str,
    metric: &'static str,
    dimensions: Vec<(&'static str, Input<Text>)>,
    statistic: &'static str,
    periods: u32,
    threshold: f64,
    meaning: &'static str,
}

pub(super) fn add(stack: &mut Stack, topic: &Handle<Topic>) {
    for watch in watches(stack) {
        let dimensions = watch
            .dimensions
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let alarm = Alarm {
            name: stack.names.alarm(watch.logical),
            description: watch.meaning.to_owned(),
            namespace: watch.namespace.to_owned(),
            metric: watch.metric.to_owned(),
            dimensions: dimensions.collect::<BTreeMap<_, _>>(),
            statistic: watch.statistic.to_owned(),
            period_seconds: 60,
            evaluation_periods: watch.periods,
            threshold: watch.threshold,
            topic: topic.arn().into(),
            unmanaged: Unmanaged::new(),
        };
        stack.graph.add(&format!("alarm-{}", watch.logical), alarm);
    }
}

fn watches(stack: &Stack) -> Vec<Watch> {
    let names = &stack.names;
    let name = |text: &str| Input::<Text>::known(text);
    let function = |function: &str| vec![("FunctionName", name(function))];
    let env = || vec![("environment", name(&names.env))];
    let machine = || {
        let arn = Input::from(stack.state_machine.arn()).into_text();
        vec![("StateMachineArn", arn)]
    };
    vec![
        Watch {
            logical: "dead-letters",
            namespace: "AWS/SQS",
            metric: "ApproximateNumberOfMessagesVisible",
            dimensions: vec![("QueueName", name(&names.dead_letters))],
            statistic: "Maximum",
            periods: 1,
            threshold: 1.0,
            meaning: "The pipe gave up on payment events; they are stored but not processed. Find out why executions could not be started, then redrive.",
        },
        Watch {
            logical: "failed-executions",
            namespace: "AWS/States",
            metric: "ExecutionsFailed",
            dimensions: machine(),
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "Payment events failed after all retries. The item's `failure` says why.",
        },
        // Of both kinds of workflow; what times out is not among those that failed.
        Watch {
            logical: "timed-out-executions",
            namespace: "AWS/States",
            metric: "ExecutionsTimedOut",
            dimensions: machine(),
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "Executions were ended by their time limit; their payment events may be left without a result. Replay those that wait.",
        },
        Watch {
            logical: "rejected-signatures",
            namespace: NAMESPACE,
            metric: Metric::SignatureRejected.name(),
            dimensions: env(),
            statistic: "Sum",
            periods: 5,
            threshold: 20.0,
            meaning: "Many webhooks with bad signatures: a secret was rotated at the provider and not here, or somebody is probing.",
        },
        Watch {
            logical: "event-conflicts",
            namespace: NAMESPACE,
            metric: Metric::EventConflict.name(),
            dimensions: env(),
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "A provider sent one event id with two different bodies. Nothing was overwritten; compare with the provider's dashboard.",
        },
        Watch {
            logical: "confirm-mismatches",
            namespace: NAMESPACE,
            metric: Metric::ConfirmMismatch.name(),
            dimensions: env(),
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "A provider's API contradicts its webhook; the API was believed. The outcome's `mismatch` has both sides: compare with the provider's dashboard.",
        },
        Watch {
            logical: "too-large",
            namespace: NAMESPACE,
            metric: Metric::WebhookTooLarge.name(),
            dimensions: env(),
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "A webhook was refused for its size and is stored nowhere; fetch the event from the provider.",
        },
        Watch {
            logical: "stream-lag",
            namespace: NAMESPACE,
            metric: Metric::StreamLagMillis.name(),
            dimensions: env(),
            statistic: "Maximum",
            periods: 5,
            threshold: 60_000.0,
            meaning: "Events wait more than a minute between being stored and being processed.",
        },
        Watch {
            logical: "api-5xx",
            namespace: "AWS/ApiGateway",
            metric: "5XXError",
            dimensions: vec![("ApiName", name(&names.api)), ("Stage", name(STAGE))],
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "Webhooks could not be stored; providers will send them again. Look at the validator's log.",
        },
        Watch {
            logical: "validator-throttles",
            namespace: "AWS/Lambda",
            metric: "Throttles",
            dimensions: function(&names.validator),
            statistic: "Sum",
            periods: 1,
            threshold: 1.0,
            meaning: "More webhooks at once than the validator's reserved concurrency; providers will send them again.",
        },
        Watch {
            logical: "processor-throttles",
            namespace: "AWS/Lambda",
            metric: "Throttles",
            dimensions: function(&names.processor),
            statistic: "Sum",
            periods: 5,
            threshold: 10.0,
            meaning: "More events at once than the processor's reserved concurrency; they are retried.",
        },
    ]
}
