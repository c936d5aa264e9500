use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_pipes::types::{
    DeadLetterConfig, DynamoDbStreamStartPosition, Filter, FilterCriteria,
    OnPartialBatchItemFailureStreams, PipeSourceDynamoDbStreamParameters, PipeSourceParameters,
    PipeTargetInvocationType, PipeTargetParameters, PipeTargetStateMachineParameters,
    UpdatePipeSourceDynamoDbStreamParameters, UpdatePipeSourceParameters,
};

use super::aws::{ROLE, SUCCEED, executions, put, role, state_machine, table};
use super::support::assert_filled;

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:dead";
const INSERTS: &str = r#"{"eventName":["INSERT"]}"#;

fn source(batch: i32) -> PipeSourceParameters {
    let stream = PipeSourceDynamoDbStreamParameters::builder()
        .starting_position(DynamoDbStreamStartPosition::TrimHorizon)
        .batch_size(batch)
        .maximum_retry_attempts(1)
        .on_partial_batch_item_failure(OnPartialBatchItemFailureStreams::AutomaticBisect)
        .dead_letter_config(DeadLetterConfig::builder().arn(QUEUE).build())
        .build()
        .expect("stream");
    let filter = Filter::builder().pattern(INSERTS).build();
    PipeSourceParameters::builder()
        .filter_criteria(FilterCriteria::builder().filters(filter).build())
        .dynamo_db_stream_parameters(stream)
        .build()
}

fn target() -> PipeTargetParameters {
    let machine = PipeTargetStateMachineParameters::builder()
        .invocation_type(PipeTargetInvocationType::FireAndForget)
        .build();
    PipeTargetParameters::builder()
        .step_function_state_machine_parameters(machine)
        .build()
}

async fn pipe(sdk: &SdkConfig, stream: &str, machine: &str, batch: i32) {
    aws_sdk_pipes::Client::new(sdk)
        .create_pipe()
        .name("events")
        .source(stream)
        .target(machine)
        .role_arn(ROLE)
        .source_parameters(source(batch))
        .target_parameters(target())
        .send()
        .await
        .expect("pipe");
}

#[tokio::test]
async fn the_parameters_of_a_pipe_read_back_as_they_were_given() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let (stream, machine) = (table(sdk).await, state_machine(sdk, "m", SUCCEED).await);
        pipe(sdk, &stream, &machine, 7).await;
        let pipes = aws_sdk_pipes::Client::new(sdk);
        let seen = pipes
            .describe_pipe()
            .name("events")
            .send()
            .await
            .expect("pipe");
        (seen.source_parameters, seen.target_parameters)
    };
    assert_filled(observe, (None, None), (Some(source(7)), Some(target()))).await;
}

#[tokio::test]
async fn updating_a_pipe_replaces_its_stream_parameters_and_leaves_its_filter() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let (stream, machine) = (table(sdk).await, state_machine(sdk, "m", SUCCEED).await);
        pipe(sdk, &stream, &machine, 7).await;
        let pipes = aws_sdk_pipes::Client::new(sdk);
        let changed = UpdatePipeSourceDynamoDbStreamParameters::builder()
            .batch_size(3)
            .build();
        let changed = UpdatePipeSourceParameters::builder().dynamo_db_stream_parameters(changed);
        let update = pipes.update_pipe().name("events").role_arn(ROLE);
        update
            .source_parameters(changed.build())
            .send()
            .await
            .expect("update");
        let seen = pipes
            .describe_pipe()
            .name("events")
            .send()
            .await
            .expect("pipe");
        let seen = seen.source_parameters?;
        let stream = seen.dynamo_db_stream_parameters?;
        Some((
            stream.batch_size,
            stream.dead_letter_config,
            seen.filter_criteria,
        ))
    };
    let kept = source(7).filter_criteria;
    assert_filled(observe, None, Some((Some(3), None, kept))).await;
}

#[tokio::test]
async fn a_pipe_starts_executions_for_what_its_filter_wants_in_batches_of_its_size() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let (stream, machine) = (table(sdk).await, state_machine(sdk, "m", SUCCEED).await);
        pipe(sdk, &stream, &machine, 2).await;
        for id in ["a", "b", "c"] {
            put(sdk, id).await;
        }
        let events = aws_sdk_dynamodb::Client::new(sdk);
        let id = aws_sdk_dynamodb::types::AttributeValue::S("a".into());
        let delete = events.delete_item().table_name("events").key("id", id);
        delete.send().await.expect("delete");
        tokio::time::sleep(Duration::from_secs(3)).await;
        let batches = executions(sdk, &machine).await;
        let mut ids: Vec<_> = batches.iter().flatten().map(|(_, id)| id.clone()).collect();
        ids.sort();
        let unwanted = batches
            .iter()
            .flatten()
            .any(|(change, _)| change != "INSERT");
        let too_big = batches.iter().any(|batch| batch.len() > 2);
        (ids.join(""), unwanted || too_big)
    };
    assert_filled(observe, ("aabc".into(), true), ("abc".into(), false)).await;
}

#[tokio::test]
async fn a_pipe_hands_over_what_its_template_says() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let (stream, machine) = (table(sdk).await, state_machine(sdk, "m", SUCCEED).await);
        pipe(sdk, &stream, &machine, 2).await;
        let template =
            r#"{"eventName": "was <$.eventName>", "dynamodb": {"Keys": <$.dynamodb.Keys>}}"#;
        let shaped = PipeTargetParameters::builder()
            .set_step_function_state_machine_parameters(
                target().step_function_state_machine_parameters,
            )
            .input_template(template)
            .build();
        let pipes = aws_sdk_pipes::Client::new(sdk);
        let update = pipes.update_pipe().name("events").role_arn(ROLE);
        update
            .target_parameters(shaped)
            .send()
            .await
            .expect("update");
        put(sdk, "a").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        executions(sdk, &machine).await.concat()
    };
    let given = |change: &str| vec![(change.to_owned(), "a".to_owned())];
    assert_filled(observe, given("INSERT"), given("was INSERT")).await;
}

#[tokio::test]
async fn a_pipe_from_the_trim_horizon_delivers_what_was_there_before_it() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let (stream, machine) = (table(sdk).await, state_machine(sdk, "m", SUCCEED).await);
        put(sdk, "early").await;
        pipe(sdk, &stream, &machine, 10).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        executions(sdk, &machine).await.len()
    };
    assert_filled(observe, 0, 1).await;
}

#[tokio::test]
async fn records_that_cannot_be_delivered_end_in_the_dead_letter_queue_as_aws_words_it() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let sqs = aws_sdk_sqs::Client::new(sdk);
        let queue = sqs
            .create_queue()
            .queue_name("dead")
            .send()
            .await
            .expect("queue");
        let stream = table(sdk).await;
        let nobody = "arn:aws:states:us-east-1:000000000000:stateMachine:nobody";
        pipe(sdk, &stream, nobody, 10).await;
        put(sdk, "a").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let url = queue.queue_url().expect("url");
        let received = sqs
            .receive_message()
            .queue_url(url)
            .send()
            .await
            .expect("receive");
        let message = received.messages().first()?;
        let body: serde_json::Value = serde_json::from_str(message.body()?).expect("JSON");
        let batch = &body["DDBStreamBatchInfo"];
        Some((
            body["context"]["condition"].clone(),
            batch["batchSize"].clone(),
            batch["streamArn"] == stream.as_str(),
        ))
    };
    let right = ("RetryAttemptsExhausted".into(), 1.into(), true);
    assert_filled(observe, None, Some(right)).await;
}
