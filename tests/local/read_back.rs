use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Metric, MetricDataQuery, MetricStat};
use aws_sdk_sfn::types::TracingConfiguration;

use super::aws::{ROLE, SUCCEED, role, state_machine};
use super::support::assert_filled;

async fn traced(sdk: &SdkConfig, machine: &str) -> Option<bool> {
    let described = aws_sdk_sfn::Client::new(sdk).describe_state_machine();
    let seen = described
        .state_machine_arn(machine)
        .send()
        .await
        .expect("describe");
    seen.tracing_configuration.map(|tracing| tracing.enabled)
}

#[tokio::test]
async fn the_tracing_of_a_state_machine_reads_back_after_create_and_update() {
    let observe = async |sdk: &SdkConfig| {
        role(sdk).await;
        let client = aws_sdk_sfn::Client::new(sdk);
        let on = TracingConfiguration::builder().enabled(true).build();
        let create = client
            .create_state_machine()
            .name("traced")
            .definition(SUCCEED);
        let create = create.role_arn(ROLE).tracing_configuration(on.clone());
        let arn = create.send().await.expect("create").state_machine_arn;
        let created = traced(sdk, &arn).await;
        let arn = state_machine(sdk, "plain", SUCCEED).await;
        let update = client.update_state_machine().state_machine_arn(&arn);
        update
            .tracing_configuration(on)
            .send()
            .await
            .expect("update");
        (created, traced(sdk, &arn).await)
    };
    assert_filled(observe, (None, None), (Some(true), Some(true))).await;
}

#[tokio::test]
async fn the_metric_math_of_an_alarm_reads_back_and_nothing_is_invented() {
    let metric = Metric::builder()
        .namespace("payhook")
        .metric_name("Errors")
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(60)
        .stat("Sum")
        .build();
    let errors = MetricDataQuery::builder()
        .id("errors")
        .metric_stat(stat)
        .return_data(false);
    let rate = MetricDataQuery::builder()
        .id("rate")
        .expression("errors / 60")
        .return_data(true);
    let metrics = vec![errors.build(), rate.build()];
    let observe = async |sdk: &SdkConfig| {
        let client = aws_sdk_cloudwatch::Client::new(sdk);
        let put = client
            .put_metric_alarm()
            .alarm_name("math")
            .evaluation_periods(1);
        let put = put.comparison_operator(ComparisonOperator::GreaterThanThreshold);
        let put = put.threshold(1.0).set_metrics(Some(metrics.clone()));
        put.send().await.expect("alarm");
        let seen = client
            .describe_alarms()
            .alarm_names("math")
            .send()
            .await
            .expect("describe");
        let seen = seen
            .metric_alarms
            .and_then(|alarms| alarms.into_iter().next())
            .expect("alarm");
        (seen.metrics, seen.statistic.is_some(), seen.period)
    };
    let right = (Some(metrics.clone()), false, None);
    assert_filled(observe, (None, true, Some(60)), right).await;
}

#[tokio::test]
async fn dashboards_can_be_listed() {
    let observe = async |sdk: &SdkConfig| {
        let client = aws_sdk_cloudwatch::Client::new(sdk);
        let put = client.put_dashboard().dashboard_name("board");
        let put = put.dashboard_body(r#"{"widgets":[]}"#);
        put.send().await.expect("dashboard");
        let listed = client.list_dashboards().send().await.ok()?;
        let board = listed.dashboard_entries?.into_iter().next()?;
        Some((board.dashboard_name, board.last_modified.is_some()))
    };
    let right = Some((Some("board".to_owned()), true));
    assert_filled(observe, None, right).await;
}

#[tokio::test]
async fn the_key_of_a_log_group_can_be_set_changed_and_taken_away() {
    let observe = async |sdk: &SdkConfig| {
        let logs = aws_sdk_cloudwatchlogs::Client::new(sdk);
        logs.create_log_group()
            .log_group_name("g")
            .send()
            .await
            .expect("group");
        let key = "arn:aws:kms:us-east-1:000000000000:key/k";
        let associate = logs.associate_kms_key().log_group_name("g").kms_key_id(key);
        associate.send().await.ok()?;
        let seen = logs.describe_log_groups().send().await.expect("describe");
        let seen = seen
            .log_groups
            .and_then(|groups| groups.into_iter().next())
            .expect("group");
        let disassociate = logs.disassociate_kms_key().log_group_name("g").send().await;
        disassociate.expect("disassociate");
        let after = logs.describe_log_groups().send().await.expect("describe");
        let after = after
            .log_groups
            .and_then(|groups| groups.into_iter().next())
            .expect("group");
        Some((seen.kms_key_id.as_deref() == Some(key), after.kms_key_id))
    };
    assert_filled(observe, None, Some((true, None))).await;
}

#[tokio::test]
async fn a_secret_without_a_value_has_none() {
    let observe = async |sdk: &SdkConfig| {
        let secrets = aws_sdk_secretsmanager::Client::new(sdk);
        secrets
            .create_secret()
            .name("empty")
            .send()
            .await
            .expect("secret");
        let got = secrets.get_secret_value().secret_id("empty").send().await;
        let missing = got
            .as_ref()
            .err()
            .and_then(|error| error.as_service_error())
            .is_some_and(|error| error.is_resource_not_found_exception());
        let put = secrets
            .put_secret_value()
            .secret_id("empty")
            .secret_string("v");
        put.send().await.expect("put");
        let got = secrets
            .get_secret_value()
            .secret_id("empty")
            .send()
            .await
            .expect("value");
        (missing, got.secret_string)
    };
    let value = Some("v".to_owned());
    assert_filled(observe, (false, value.clone()), (true, value)).await;
}

#[tokio::test]
async fn the_name_of_a_secret_that_waits_for_deletion_is_refused_for_that_reason() {
    let observe = async |sdk: &SdkConfig| {
        let secrets = aws_sdk_secretsmanager::Client::new(sdk);
        secrets
            .create_secret()
            .name("s")
            .secret_string("v")
            .send()
            .await
            .expect("secret");
        secrets
            .delete_secret()
            .secret_id("s")
            .send()
            .await
            .expect("delete");
        let again = secrets
            .create_secret()
            .name("s")
            .send()
            .await
            .expect_err("refused");
        again
            .as_service_error()
            .is_some_and(|error| error.is_invalid_request_exception())
    };
    assert_filled(observe, false, true).await;
}
