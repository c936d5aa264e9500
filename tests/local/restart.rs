use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_pipes::types::{
    DynamoDbStreamStartPosition, PipeSourceDynamoDbStreamParameters, PipeSourceParameters,
};
use aws_sdk_sfn::types::ExecutionStatus;

use super::aws::{ROLE, SUCCEED, executions, put, role, state_machine, table};
use super::support::{Place, Stock, python, quiet, sdk};

async fn pipe_with_one_event(sdk: &SdkConfig) -> String {
    role(sdk).await;
    let (stream, machine) = (table(sdk).await, state_machine(sdk, "m", SUCCEED).await);
    let latest = PipeSourceDynamoDbStreamParameters::builder();
    let latest = latest
        .starting_position(DynamoDbStreamStartPosition::Latest)
        .build();
    let source = PipeSourceParameters::builder();
    let source = source
        .dynamo_db_stream_parameters(latest.expect("source"))
        .build();
    let pipe = aws_sdk_pipes::Client::new(sdk)
        .create_pipe()
        .name("p")
        .source(stream);
    let pipe = pipe
        .target(&machine)
        .role_arn(ROLE)
        .source_parameters(source);
    pipe.send().await.expect("pipe");
    put(sdk, "before").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(executions(sdk, &machine).await.len(), 1);
    machine
}

async fn delivered_after(sdk: &SdkConfig, machine: &str) -> usize {
    put(sdk, "after").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    executions(sdk, machine).await.len() - 1
}

#[tokio::test]
async fn an_event_after_a_restart_is_delivered() {
    let mut stock = Stock::start().await;
    let machine = pipe_with_one_event(&sdk(&stock.endpoint())).await;
    stock.restart().await;
    let lost = delivered_after(&sdk(&stock.endpoint()), &machine).await;
    assert_eq!(lost, 0, "the stock emulator changed: this fill can go");

    let place = Place::new().await;
    let endpoint = place.up().await.endpoint;
    let machine = pipe_with_one_event(&sdk(&endpoint)).await;
    place.emulator().down(&quiet).await.expect("down");
    place.up().await;
    assert_eq!(delivered_after(&sdk(&endpoint), &machine).await, 1);
}

const WAIT: &str = r#"{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":14,"Next":"Done"},"Done":{"Type":"Succeed"}}}"#;

async fn start_waiting(sdk: &SdkConfig) -> String {
    role(sdk).await;
    let machine = state_machine(sdk, "waiting", WAIT).await;
    let start = aws_sdk_sfn::Client::new(sdk).start_execution();
    let start = start
        .state_machine_arn(machine)
        .send()
        .await
        .expect("start");
    tokio::time::sleep(Duration::from_secs(1)).await;
    start.execution_arn
}

async fn status(sdk: &SdkConfig, execution: &str) -> ExecutionStatus {
    let described = aws_sdk_sfn::Client::new(sdk).describe_execution();
    described
        .execution_arn(execution)
        .send()
        .await
        .expect("execution")
        .status
}

#[tokio::test]
async fn an_execution_that_ran_when_it_stopped_runs_again_and_ends() {
    let mut stock = Stock::start().await;
    let execution = start_waiting(&sdk(&stock.endpoint())).await;
    stock.restart().await;
    let failed = status(&sdk(&stock.endpoint()), &execution).await;
    assert_eq!(
        failed,
        ExecutionStatus::Failed,
        "the stock emulator changed: this fill can go"
    );

    let place = Place::new().await;
    let endpoint = place.up().await.endpoint;
    let execution = start_waiting(&sdk(&endpoint)).await;
    place.emulator().down(&quiet).await.expect("down");
    place.up().await;
    let sdk = sdk(&endpoint);
    assert_eq!(status(&sdk, &execution).await, ExecutionStatus::Running);
    tokio::time::sleep(Duration::from_secs(18)).await;
    assert_eq!(status(&sdk, &execution).await, ExecutionStatus::Succeeded);
}

#[tokio::test]
async fn the_launcher_refuses_any_other_version_of_the_emulator() {
    let place = Place::new().await;
    place.up().await;
    place.emulator().down(&quiet).await.expect("down");
    let other = place.dir.path().join("other");
    let metadata = other.join("ministack-9.9.9.dist-info");
    std::fs::create_dir_all(&metadata).expect("mkdir");
    let text = "Metadata-Version: 2.1\nName: ministack\nVersion: 9.9.9\n";
    std::fs::write(metadata.join("METADATA"), text).expect("write");
    let launched = std::process::Command::new(python().await)
        .arg(place.settings.dir.join("launcher/launcher.py"))
        .args(["nowhere", "digest"])
        .env("PYTHONPATH", &other)
        .output()
        .expect("run");
    let said = String::from_utf8_lossy(&launched.stderr).into_owned();
    assert!(!launched.status.success());
    assert!(said.contains("9.9.9") && said.contains("1.5.33"), "{said}");
}
