use super::report::Subject;
use super::*;
use aws_sdk_dynamodb::types as db;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types as fun;
use aws_sdk_pipes::operation::describe_pipe::DescribePipeOutput;
use aws_sdk_pipes::types as pipes;
use serde_json::{Value, json};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const KEY_ARN: &str =
    "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_KEY_ARN: &str =
    "arn:aws:kms:eu-central-1:123456789012:key/ffffffff-12ab-34cd-56ef-1234567890ab";

fn subject(kind: &'static str, emulated: bool) -> Subject<'static> {
    Subject {
        kind,
        name: "subject-dev",
        emulated,
    }
}

fn failed(checks: &[Check]) -> Vec<&'static str> {
    let failed = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Failed);
    failed.map(|check| check.what).collect()
}

fn table() -> db::builders::TableDescriptionBuilder {
    let key = |name: &str, role| {
        let element = db::KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(role);
        element.build().expect("a key")
    };
    let attribute = |name: &str, kind| {
        let definition = db::AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind);
        definition.build().expect("an attribute")
    };
    let stream = db::StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(db::StreamViewType::NewAndOldImages);
    db::TableDescription::builder()
        .billing_mode_summary(
            db::BillingModeSummary::builder()
                .billing_mode(db::BillingMode::PayPerRequest)
                .build(),
        )
        .stream_specification(stream.build().expect("a stream"))
        .sse_description(encrypted(KEY_ARN))
        .key_schema(key("paymentId", db::KeyType::Hash))
        .key_schema(key("timestamp", db::KeyType::Range))
        .attribute_definitions(attribute("paymentId", db::ScalarAttributeType::S))
        .attribute_definitions(attribute("timestamp", db::ScalarAttributeType::N))
}

fn encrypted(key: &str) -> db::SseDescription {
    db::SseDescription::builder()
        .sse_type(db::SseType::Kms)
        .kms_master_key_arn(key)
        .build()
}

fn backups(status: db::PointInTimeRecoveryStatus) -> db::ContinuousBackupsDescription {
    let recovery =
        db::PointInTimeRecoveryDescription::builder().point_in_time_recovery_status(status);
    db::ContinuousBackupsDescription::builder()
        .continuous_backups_status(db::ContinuousBackupsStatus::Enabled)
        .point_in_time_recovery_description(recovery.build())
        .build()
        .expect("backups")
}

fn table_checks(
    table: db::builders::TableDescriptionBuilder,
    recovery: db::PointInTimeRecoveryStatus,
) -> Vec<Check> {
    table::checks(
        &subject("dynamodb-table", false),
        Some(&table.build()),
        Some(&backups(recovery)),
        KEY,
    )
}

#[test]
fn each_property_of_the_table_fails_on_its_own() {
    use db::PointInTimeRecoveryStatus::{Disabled, Enabled};
    let provisioned = db::BillingModeSummary::builder()
        .billing_mode(db::BillingMode::Provisioned)
        .build();
    let keys_only = db::StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(db::StreamViewType::KeysOnly);
    let text = db::AttributeDefinition::builder()
        .attribute_name("timestamp")
        .attribute_type(db::ScalarAttributeType::S);
    let text = vec![text.build().expect("an attribute")];
    let cases = [
        (table_checks(table(), Enabled), vec![]),
        (
            table_checks(table(), Disabled),
            vec!["point-in-time recovery"],
        ),
        (
            table_checks(table().billing_mode_summary(provisioned), Enabled),
            vec!["billing mode"],
        ),
        (
            table_checks(
                table().stream_specification(keys_only.build().expect("a stream")),
                Enabled,
            ),
            vec!["stream"],
        ),
        (
            table_checks(table().sse_description(encrypted(OTHER_KEY_ARN)), Enabled),
            vec!["encryption", "encryption"],
        ),
        (
            table_checks(table().set_sse_description(None), Enabled),
            vec!["encryption", "encryption"],
        ),
        (
            table_checks(table().set_attribute_definitions(Some(text)), Enabled),
            vec!["partition key", "sort key"],
        ),
    ];
    for (checks, wanted) in cases {
        assert_eq!(failed(&checks), wanted);
    }
}

fn function() -> aws_sdk_lambda::operation::get_function_configuration::builders::GetFunctionConfigurationOutputBuilder{
    GetFunctionConfigurationOutput::builder()
        .architectures(fun::Architecture::Arm64)
        .runtime(fun::Runtime::Providedal2023)
        .kms_key_arn(KEY_ARN)
        .tracing_config(
            fun::TracingConfigResponse::builder()
                .mode(fun::TracingMode::Active)
                .build(),
        )
}

#[test]
fn each_property_of_a_function_fails_on_its_own() {
    let checks = |function: GetFunctionConfigurationOutput| {
        failed(&functions::settings(
            &subject("lambda-function", false),
            &function,
            KEY,
        ))
    };
    let intel = Some(vec![fun::Architecture::X8664]);
    let pass = fun::TracingConfigResponse::builder()
        .mode(fun::TracingMode::PassThrough)
        .build();
    assert!(checks(function().build()).is_empty());
    assert_eq!(
        checks(function().set_architectures(intel).build()),
        ["architecture"]
    );
    assert_eq!(
        checks(function().runtime(fun::Runtime::Providedal2).build()),
        ["runtime"]
    );
    assert_eq!(
        checks(function().set_kms_key_arn(None).build()),
        ["encryption of its environment"]
    );
    assert_eq!(
        checks(function().tracing_config(pass).build()),
        ["X-Ray tracing"]
    );
}

fn definition(retry: Value, catch: &str) -> String {
    let task = json!({"Type": "Task", "Retry": [retry], "Catch": [{"ErrorEquals": [catch], "Next": "Failed"}]});
    json!({"States": {"Each": {"Type": "Map", "ItemProcessor": {"States": {"Process": task}}}}})
        .to_string()
}

#[test]
fn retries_are_found_inside_the_map_and_each_setting_fails_on_its_own() {
    let right = json!({"BackoffRate": 2.0, "MaxAttempts": 3, "JitterStrategy": "FULL", "MaxDelaySeconds": 60});
    let checks = |retry: Value, catch: &str| {
        failed(&pipeline::retries(
            &subject("state-machine", false),
            &definition(retry, catch),
            &Expected::default(),
        ))
    };
    let with = |name: &str, value: Value| {
        let mut retry = right.clone();
        retry[name] = value;
        retry
    };
    assert!(checks(right.clone(), "States.ALL").is_empty());
    assert_eq!(
        checks(with("BackoffRate", json!(1.5)), "States.ALL"),
        ["backoff rate"]
    );
    assert_eq!(
        checks(with("MaxAttempts", json!(1)), "States.ALL"),
        ["attempts"]
    );
    assert_eq!(
        checks(with("JitterStrategy", json!("NONE")), "States.ALL"),
        ["jitter"]
    );
    assert_eq!(
        checks(with("MaxDelaySeconds", Value::Null), "States.ALL"),
        ["longest delay"]
    );
    assert_eq!(
        checks(right, "States.Timeout"),
        ["catches all errors that are left"]
    );
    let nothing = pipeline::retries(
        &subject("state-machine", false),
        "no JSON",
        &Expected::default(),
    );
    assert_eq!(failed(&nothing).len(), 5);
}

fn pipe(pattern: &str, attempts: i32, queue: &str) -> DescribePipeOutput {
    let stream = pipes::PipeSourceDynamoDbStreamParameters::builder()
        .starting_position(pipes::DynamoDbStreamStartPosition::TrimHorizon)
        .maximum_retry_attempts(attempts)
        .on_partial_batch_item_failure(pipes::OnPartialBatchItemFailureStreams::AutomaticBisect)
        .dead_letter_config(pipes::DeadLetterConfig::builder().arn(queue).build());
    let filter =
        pipes::FilterCriteria::builder().filters(pipes::Filter::builder().pattern(pattern).build());
    let parameters = pipes::PipeSourceParameters::builder()
        .filter_criteria(filter.build())
        .dynamo_db_stream_parameters(stream.build().expect("parameters"));
    DescribePipeOutput::builder()
        .source_parameters(parameters.build())
        .build()
}

#[test]
fn a_pipe_must_filter_bound_its_retries_and_keep_what_fails() {
    const INSERTS: &str =
        r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"recordType":{"S":["event"]}}}}"#;
    const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:payment-events-dlq-dev";
    let checks = |pipe: DescribePipeOutput| {
        failed(&pipeline::delivery(
            &subject("pipe", false),
            &pipe,
            "payment-events-dlq-dev",
        ))
    };
    assert!(checks(pipe(INSERTS, 20, QUEUE)).is_empty());
    assert_eq!(
        checks(pipe(r#"{"eventName":["INSERT","MODIFY"]}"#, 20, QUEUE)),
        ["filter"]
    );
    assert_eq!(checks(pipe(INSERTS, -1, QUEUE)), ["retries"]);
    assert_eq!(
        checks(pipe(
            INSERTS,
            20,
            "arn:aws:sqs:eu-central-1:123456789012:other"
        )),
        ["dead letters go to"]
    );
}

#[test]
fn what_an_emulator_leaves_out_is_not_observable_and_on_aws_a_failure() {
    let empty = DescribePipeOutput::builder().build();
    let on =
        |emulated| pipeline::delivery(&subject("pipe", emulated), &empty, "payment-events-dlq-dev");
    assert!(
        on(true)
            .iter()
            .all(|check| check.verdict == Verdict::NotObservable)
    );
    assert!(
        on(false)
            .iter()
            .all(|check| check.verdict == Verdict::Failed)
    );
}

#[test]
fn a_role_may_hold_no_wildcard_and_no_resource_wider_than_aws_demands() {
    let checks = |attached: &[String], statements: Value| {
        failed(&iam::checks(
            &subject("iam-role", false),
            attached,
            &[json!({ "Statement": statements })],
        ))
    };
    let table = "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-dev";
    let allow = |action: &str, resource: &str| json!([{"Effect": "Allow", "Action": [action], "Resource": [resource]}]);
    assert!(checks(&[], allow("dynamodb:PutItem", table)).is_empty());
    assert!(checks(&[], allow("xray:PutTraceSegments", "*")).is_empty());
    assert_eq!(
        checks(&[], allow("dynamodb:PutItem", "*")),
        ["actions on all resources"]
    );
    assert_eq!(
        checks(&[], allow("dynamodb:*", table)),
        ["actions with a wildcard"]
    );
    let single = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    assert_eq!(
        checks(&[], single),
        ["actions with a wildcard", "actions on all resources"]
    );
    let inverted = json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": table}]);
    assert_eq!(checks(&[], inverted), ["actions with a wildcard"]);
    let managed = ["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()];
    assert_eq!(
        checks(&managed, allow("dynamodb:PutItem", table)),
        ["attached managed policies"]
    );
}

#[test]
fn a_constraint_of_which_nothing_was_seen_has_not_passed() {
    let report = Report::of("dev", vec![]);
    assert!(!report.passed);
    assert_eq!(report.constraints.len(), 8);
}

#[test]
fn the_report_shows_values_seen_what_was_wanted_and_what_cannot_be_observed() {
    let (real, local) = (
        subject("api-stage", false),
        subject("lambda-function", true),
    );
    let checks = vec![
        local.equal(1, "architecture", "architecture", "arm64", Some("arm64")),
        real.equal(5, "tracing", "X-Ray tracing", true, Some(false)),
        subject("state-machine", true).shown(6, "tracing", "X-Ray tracing", true, None::<bool>),
    ];
    let mut report = Report::of("dev", checks);
    report
        .constraints
        .retain(|constraint| !constraint.checks.is_empty());
    insta::assert_snapshot!(crate::view::report(&report, crate::view::Paint::NONE));
    insta::assert_snapshot!(crate::view::junit(&report));
}
