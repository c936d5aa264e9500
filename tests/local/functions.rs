use std::time::{Duration, Instant};

use aws_config::SdkConfig;

use super::aws::{function, invoke, role};
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
