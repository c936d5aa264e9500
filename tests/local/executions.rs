use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::{ExecutionStatus, StateMachineType};

use super::aws::{ROLE, SUCCEED, function, role, state_machine};
use super::support::assert_filled;

/// Makes a function that has no concurrency left, and runs a state machine that invokes it; returns the error it ends with.
async fn invoke_throttled(sdk: &SdkConfig, retry: &str) -> Option<String> {
    role(sdk).await;
    let arn = function(sdk, "busy", "1").await;
    let lambda = aws_sdk_lambda::Client::new(sdk);
    let none = lambda.put_function_concurrency().function_name("busy");
    none.reserved_concurrent_executions(0)
        .send()
        .await
        .expect("concurrency");
    let definition = format!(
        r#"{{"StartAt":"Run","States":{{"Run":{{"Type":"Task","Resource":"{arn}","Retry":[{retry}],"End":true}}}}}}"#
    );
    let machine = state_machine(sdk, "throttled", &definition).await;
    let client = aws_sdk_sfn::Client::new(sdk);
    let started = client
        .start_execution()
        .state_machine_arn(machine)
        .send()
        .await
        .expect("start");
    loop {
        let described = client
            .describe_execution()
            .execution_arn(&started.execution_arn);
        let seen = described.send().await.expect("execution");
        if seen.status != ExecutionStatus::Running {
            return seen.error;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_throttled_function_fails_its_task_under_the_name_aws_gives_it() {
    let observe = async |sdk: &SdkConfig| invoke_throttled(sdk, "").await;
    let named = |name: &str| Some(name.to_owned());
    let right = named("Lambda.TooManyRequestsException");
    assert_filled(observe, named("Lambda.Unknown"), right).await;
}

#[tokio::test]
async fn a_retry_waits_no_longer_than_its_cap() {
    let retry = r#"{"ErrorEquals":["States.ALL"],"IntervalSeconds":6,"MaxAttempts":1,"MaxDelaySeconds":1,"JitterStrategy":"FULL"}"#;
    let observe = async |sdk: &SdkConfig| {
        let began = Instant::now();
        invoke_throttled(sdk, retry).await;
        began.elapsed() < Duration::from_secs(6)
    };
    assert_filled(observe, false, true).await;
}

#[tokio::test]
async fn an_express_workflow_starts_under_any_name_and_keeps_no_executions() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let client = aws_sdk_sfn::Client::new(sdk);
        let made = client.create_state_machine().name("express");
        let made = made.r#type(StateMachineType::Express).role_arn(ROLE);
        let made = made.definition(SUCCEED).send().await;
        let machine = made.expect("state machine").state_machine_arn;
        let mut starts = Vec::new();
        for _ in 0..2 {
            let start = client.start_execution().state_machine_arn(&machine);
            let started = start.name("same").send().await;
            starts.push(started.is_ok_and(|one| one.execution_arn.contains(":express:express:")));
        }
        let list = client.list_executions().state_machine_arn(&machine);
        let refused = list.send().await.err();
        let code = refused.and_then(|refused| refused.code().map(str::to_owned));
        (starts, code)
    };
    let right = Some("StateMachineTypeNotSupported".to_owned());
    assert_filled(
        observe,
        (vec![false, false], None),
        (vec![true, true], right),
    )
    .await;
}
