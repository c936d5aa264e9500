//! The state machine and the pipe.

use aws_sdk_pipes::operation::describe_pipe::DescribePipeOutput;
use aws_sdk_pipes::types::{OnPartialBatchItemFailureStreams, PipeState};
use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types::StateMachineStatus;
use serde_json::{Value, json};

use super::deployed::{Deployed, deployed};

async fn state_machine(stack: &Deployed) -> DescribeStateMachineOutput {
    let sfn = stack.clients().await.sfn();
    let found = sfn
        .describe_state_machine()
        .state_machine_arn(stack.output("stateMachineArn"));
    found.send().await.expect("DescribeStateMachine")
}

async fn pipe(stack: &Deployed) -> DescribePipeOutput {
    let pipes = stack.clients().await.pipes();
    let found = pipes.describe_pipe().name(stack.output("pipeName"));
    found.send().await.expect("DescribePipe")
}

/// Every task of a definition, also inside Map and Parallel states.
fn tasks(definition: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut open = vec![definition];
    while let Some(value) = open.pop() {
        if value["Type"] == "Task" {
            found.push(value);
        }
        open.extend(
            value
                .as_object()
                .into_iter()
                .flat_map(|fields| fields.values()),
        );
        open.extend(value.as_array().into_iter().flatten());
    }
    found
}

#[tokio::test]
async fn the_state_machine_is_active_and_traced() {
    let machine = state_machine(deployed()).await;
    assert_eq!(machine.status(), Some(&StateMachineStatus::Active));
    assert!(
        machine
            .tracing_configuration()
            .is_some_and(|tracing| tracing.enabled())
    );
}

#[tokio::test]
async fn the_processor_is_retried_with_capped_exponential_backoff_and_jitter_and_then_caught() {
    let stack = deployed();
    let machine = state_machine(stack).await;
    let definition: Value = serde_json::from_str(machine.definition()).expect("JSON");
    let live = format!(":{}:live", stack.output("paymentProcessorFunctionName"));
    let tasks = tasks(&definition);
    let runs_processor = |task: &&&Value| task.to_string().contains(&live);
    let task = tasks
        .iter()
        .find(runs_processor)
        .expect("a task that runs the processor");
    let retries = task["Retry"].as_array().expect("retries");
    assert!(!retries.is_empty());
    for retry in retries {
        assert_eq!(retry["IntervalSeconds"], 2, "{retry}");
        assert_eq!(retry["BackoffRate"].as_f64(), Some(2.0), "{retry}");
        assert_eq!(retry["MaxAttempts"], 3, "{retry}");
        assert_eq!(retry["JitterStrategy"], "FULL", "{retry}");
        assert!(
            retry["MaxDelaySeconds"]
                .as_u64()
                .is_some_and(|cap| cap >= 8),
            "{retry}"
        );
    }
    let catches = task["Catch"].as_array().expect("catches");
    let last = catches.last().expect("a catch");
    assert_eq!(last["ErrorEquals"], json!(["States.ALL"]));
}

#[tokio::test]
async fn the_pipe_runs_from_the_tables_stream_to_the_state_machine() {
    let stack = deployed();
    let pipe = pipe(stack).await;
    let table = stack.clients().await.dynamodb().describe_table();
    let table = table
        .table_name(stack.output("paymentsTableName"))
        .send()
        .await;
    let table = table.expect("DescribeTable").table.expect("a table");
    assert_eq!(pipe.current_state(), Some(&PipeState::Running));
    assert_eq!(pipe.source(), table.latest_stream_arn());
    assert_eq!(pipe.target(), Some(stack.output("stateMachineArn")));
}

#[tokio::test]
async fn the_pipe_takes_only_new_events_and_leaves_broken_batches_to_the_dead_letter_queue() {
    let stack = deployed();
    let pipe = pipe(stack).await;
    let source = pipe.source_parameters().expect("source parameters");
    let filters = source.filter_criteria().expect("filters").filters();
    let patterns: Vec<Value> = filters
        .iter()
        .filter_map(|filter| serde_json::from_str(filter.pattern()?).ok())
        .collect();
    let new_events = json!({
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"recordType": {"S": ["event"]}}},
    });
    assert_eq!(patterns, [new_events]);
    let stream = source
        .dynamo_db_stream_parameters()
        .expect("stream parameters");
    assert!(
        stream
            .maximum_retry_attempts()
            .is_some_and(|attempts| attempts >= 0),
        "unbounded"
    );
    assert!(
        stream
            .maximum_record_age_in_seconds()
            .is_some_and(|age| age > 0),
        "unbounded"
    );
    let bisect = OnPartialBatchItemFailureStreams::AutomaticBisect;
    assert_eq!(stream.on_partial_batch_item_failure(), Some(&bisect));
    let letters = stream.dead_letter_config().and_then(|config| config.arn());
    let queue = format!(":{}", stack.output("deadLetterQueueName"));
    assert!(
        letters.is_some_and(|arn| arn.ends_with(&queue)),
        "{letters:?}"
    );
}
