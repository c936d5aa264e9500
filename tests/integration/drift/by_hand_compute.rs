//! What somebody changes in the console: function, state machine and pipe.

use aws_sdk_lambda::types::{Environment, FunctionUrlAuthType, TracingConfig, TracingMode};
use aws_sdk_pipes::types::{
    OnPartialBatchItemFailureStreams, PipeTargetInvocationType, PipeTargetParameters,
    PipeTargetStateMachineParameters, UpdatePipeSourceDynamoDbStreamParameters,
    UpdatePipeSourceParameters,
};
use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, LogDestination, LogLevel, LoggingConfiguration, TracingConfiguration,
};

use super::super::clients::Clients;
use super::{Changed, SECRET};

const FUNCTION: &str = "webhook-validator-local";
const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:payment-processor-local";
const PIPE: &str = "payment-events-pipe-local";
const OTHER_ROLE: &str = "arn:aws:iam::000000000000:role/payment-webhook-api-logs-role-local";

pub async fn compute(clients: &Clients) -> Vec<Changed> {
    let mut changed = function(clients).await;
    changed.extend(machine(clients).await);
    changed.extend(pipe(clients).await);
    changed
}

async fn function(clients: &Clients) -> Vec<Changed> {
    let lambda = clients.lambda();
    let shown = lambda
        .get_function_configuration()
        .function_name(FUNCTION)
        .send()
        .await;
    let shown = shown
        .expect("GetFunctionConfiguration")
        .environment
        .expect("variables");
    let mut variables = shown.variables.expect("variables");
    variables.insert("TABLE_NAME".to_owned(), "elsewhere".to_owned());
    variables.insert("API_KEY".to_owned(), SECRET.to_owned());
    let environment = Environment::builder()
        .set_variables(Some(variables))
        .build();
    let tracing = TracingConfig::builder()
        .mode(TracingMode::PassThrough)
        .build();
    lambda
        .update_function_configuration()
        .function_name(FUNCTION)
        .description("mine")
        .memory_size(512)
        .timeout(29)
        .role(OTHER_ROLE)
        .environment(environment)
        .tracing_config(tracing)
        .send()
        .await
        .expect("UpdateFunctionConfiguration");
    let reserve = lambda.put_function_concurrency().function_name(FUNCTION);
    let reserve = reserve.reserved_concurrent_executions(1);
    reserve.send().await.expect("PutFunctionConcurrency");
    let url = lambda.create_function_url_config().function_name(FUNCTION);
    let url = url.auth_type(FunctionUrlAuthType::None).send().await;
    url.expect("CreateFunctionUrlConfig");
    let open = lambda.add_permission().function_name(FUNCTION);
    let open = open
        .statement_id("open")
        .action("lambda:InvokeFunctionUrl")
        .principal("*")
        .function_url_auth_type(FunctionUrlAuthType::None);
    open.send().await.expect("AddPermission");
    let events = lambda.put_function_event_invoke_config();
    let events = events.function_name(FUNCTION).maximum_retry_attempts(0);
    events.send().await.expect("PutFunctionEventInvokeConfig");
    let note = lambda.update_alias().function_name(FUNCTION).name("live");
    let note = note.description("mine").send().await;
    note.expect("UpdateAlias");
    // Until the update has taken effect AWS reports the function as busy.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    vec![
        ("webhook-validator", "description"),
        ("webhook-validator", "memoryMb"),
        ("webhook-validator", "timeoutSeconds"),
        ("webhook-validator", "role"),
        ("webhook-validator", "environment.TABLE_NAME"),
        ("webhook-validator", "environment.API_KEY"),
        ("webhook-validator", "tracing"),
        ("webhook-validator", "reservedConcurrency"),
        ("webhook-validator", "unmanaged.live"),
        ("webhook-validator", "unmanaged.liveDescription"),
        ("webhook-validator", "unmanaged.functionUrls"),
        ("webhook-validator", "unmanaged.policyStatements"),
        ("webhook-validator", "unmanaged.asynchronousInvocation"),
    ]
}

async fn machine(clients: &Clients) -> Vec<Changed> {
    let group =
        "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/webhook-validator-local:*";
    let group = CloudWatchLogsLogGroup::builder()
        .log_group_arn(group)
        .build();
    let destination = LogDestination::builder()
        .cloud_watch_logs_log_group(group)
        .build();
    let logging = LoggingConfiguration::builder()
        .level(LogLevel::All)
        .include_execution_data(true)
        .destinations(destination);
    clients
        .sfn()
        .update_state_machine()
        .state_machine_arn(MACHINE)
        .definition(r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#)
        .role_arn(OTHER_ROLE)
        .logging_configuration(logging.build())
        .tracing_configuration(TracingConfiguration::builder().enabled(false).build())
        .send()
        .await
        .expect("UpdateStateMachine");
    vec![
        ("state-machine", "definition"),
        ("state-machine", "role"),
        ("state-machine", "tracing"),
        ("state-machine", "logGroup"),
        ("state-machine", "logLevel"),
        ("state-machine", "unmanaged.includeExecutionData"),
    ]
}

async fn pipe(clients: &Clients) -> Vec<Changed> {
    let pipes = clients.pipes();
    let stream = UpdatePipeSourceDynamoDbStreamParameters::builder()
        .batch_size(1)
        .maximum_batching_window_in_seconds(1)
        .maximum_retry_attempts(1)
        .maximum_record_age_in_seconds(60)
        .parallelization_factor(2)
        .on_partial_batch_item_failure(OnPartialBatchItemFailureStreams::AutomaticBisect);
    let source = UpdatePipeSourceParameters::builder().dynamo_db_stream_parameters(stream.build());
    let machine = PipeTargetStateMachineParameters::builder();
    let machine = machine
        .invocation_type(PipeTargetInvocationType::FireAndForget)
        .build();
    let target = PipeTargetParameters::builder()
        .step_function_state_machine_parameters(machine)
        .input_template(r#"{"by": "hand"}"#);
    pipes
        .update_pipe()
        .name(PIPE)
        .description("mine")
        .role_arn(OTHER_ROLE)
        .source_parameters(source.build())
        .target_parameters(target.build())
        .send()
        .await
        .expect("UpdatePipe");
    pipes.stop_pipe().name(PIPE).send().await.expect("StopPipe");
    vec![
        ("payment-events-pipe", "description"),
        ("payment-events-pipe", "role"),
        ("payment-events-pipe", "batchSize"),
        ("payment-events-pipe", "batchingWindowSeconds"),
        ("payment-events-pipe", "maximumRetryAttempts"),
        ("payment-events-pipe", "maximumRecordAgeSeconds"),
        ("payment-events-pipe", "parallelizationFactor"),
        ("payment-events-pipe", "deadLetterQueue"),
        ("payment-events-pipe", "inputTemplate"),
        ("payment-events-pipe", "running"),
    ]
}
