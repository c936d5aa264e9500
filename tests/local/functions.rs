use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use serde_json::json;

use super::aws::{function, invoke, role, table};
use super::support::{Place, assert_filled, sdk};

#[tokio::test]
async fn functions_find_the_emulator_by_themselves() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        function(sdk, "where", r#"os.environ.get("AWS_ENDPOINT_URL")"#).await;
        invoke(sdk, "where").await == *sdk.endpoint_url().expect("endpoint")
    };
    assert_filled(observe, false, true).await;
}

#[tokio::test]
async fn a_warm_function_that_logs_nothing_answers_at_once() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        function(sdk, "quick", "1").await;
        invoke(sdk, "quick").await;
        let mut best = Duration::MAX;
        for _ in 0..10 {
            let began = Instant::now();
            invoke(sdk, "quick").await;
            best = best.min(began.elapsed());
        }
        best < Duration::from_millis(45)
    };
    assert_filled(observe, false, true).await;
}

#[tokio::test]
async fn an_environment_that_dies_while_it_starts_leaves_the_others_alone() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let name = format!("mortal-{}", std::process::id());
        let answer = r#"open(end, "w").close() or time.sleep(3) or "alive""#;
        function(sdk, &name, answer).await;
        let later = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            invoke(sdk, &name).await
        };
        let (first, second) = tokio::join!(invoke(sdk, &name), later);
        assert!(second.get("errorMessage").is_some(), "{second}");
        first == "alive"
    };
    assert_filled(observe, false, true).await;
}

#[tokio::test]
async fn what_a_function_wrote_before_it_answered_is_in_its_log() {
    let place = Place::new().await;
    let sdk = sdk(&place.up().await.endpoint);
    role(&sdk).await;
    let answer = r#"[print("line", number, flush=True) for number in range(100)] and 1"#;
    function(&sdk, "talker", answer).await;
    for _ in 0..3 {
        invoke(&sdk, "talker").await;
    }
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sdk);
    let streams = logs
        .describe_log_streams()
        .log_group_name("/aws/lambda/talker")
        .send()
        .await;
    for stream in streams.expect("streams").log_streams.expect("streams") {
        let events = logs.get_log_events().log_group_name("/aws/lambda/talker");
        let events = events.log_stream_name(stream.log_stream_name.expect("name"));
        let events = events
            .start_from_head(true)
            .send()
            .await
            .expect("events")
            .events;
        let lines = events
            .expect("events")
            .iter()
            .filter_map(|one| one.message.clone())
            .collect::<Vec<_>>();
        let spoken = lines
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| line.starts_with("line "));
        assert_eq!(spoken.count(), 100);
    }
}

#[tokio::test]
async fn a_function_may_do_what_its_role_allows_and_nothing_else() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        table(sdk).await;
        let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:PutItem"],"Resource":["arn:aws:dynamodb:us-east-1:000000000000:table/events"]}]}"#;
        let policy = aws_sdk_iam::Client::new(sdk)
            .put_role_policy()
            .role_name("test");
        let policy = policy.policy_name("derived").policy_document(allow);
        policy.send().await.expect("policy");
        let endpoint = sdk.endpoint_url().expect("endpoint");
        let attempt = |operation: &str, argument: &str| {
            let id = r#"{"id": {"S": "a"}}"#;
            format!(
                r#"attempt("{endpoint}", "dynamodb", "{operation}", TableName="events", {argument}={id})"#
            )
        };
        let both = format!(
            "[{}, {}]",
            attempt("put_item", "Item"),
            attempt("delete_item", "Key")
        );
        function(sdk, "writer", &both).await;
        invoke(sdk, "writer").await
    };
    let (gap, right) = (
        json!(["done", "done"]),
        json!(["done", "AccessDeniedException"]),
    );
    assert_filled(observe, gap, right).await;
}

#[tokio::test]
async fn whoever_calls_from_this_machine_owns_the_account() {
    let place = Place::new().await;
    let sdk = sdk(&place.up().await.endpoint);
    let someone = Credentials::new("AKIASOMEONEELSE00000", "secret", None, None, "test");
    let theirs = aws_sdk_dynamodb::config::Builder::from(&sdk).credentials_provider(someone);
    let tables = aws_sdk_dynamodb::Client::from_conf(theirs.build()).list_tables();
    assert!(tables.send().await.expect("list").table_names().is_empty());
}
