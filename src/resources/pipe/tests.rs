mod failing;

use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Aws, Class, Condition, Delete, Live, Observed, Put};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "payment-events-pipe-dev";
const STREAM: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-dev/stream/2026";
const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:payment-processor-dev";
const ROLE: &str = "arn:aws:iam::123456789012:role/pipe-dev";
const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:payment-events-dlq-dev";
const GET: &str = "GET /v1/pipes/payment-events-pipe-dev";
const CREATE: &str = "POST /v1/pipes/payment-events-pipe-dev";
const UPDATE: &str = "PUT /v1/pipes/payment-events-pipe-dev";
const DELETE: &str = "DELETE /v1/pipes/payment-events-pipe-dev";
const TAGS: &str =
    "/tags/arn%3Aaws%3Apipes%3Aeu-central-1%3A123456789012%3Apipe%2Fpayment-events-pipe-dev";

const TEMPLATE: &str = r#"{"keys": <$.dynamodb.Keys>}"#;

fn pipe() -> Pipe {
    Pipe {
        name: NAME.to_owned(),
        description: "Starts an execution for every payment event".to_owned(),
        source: Input::known(STREAM),
        target: Input::known(MACHINE),
        role: Input::known(ROLE),
        filters: vec![json!({"eventName": ["INSERT"]})],
        batch_size: 10,
        batching_window_seconds: 0,
        starting_position: StartingPosition::TrimHorizon,
        maximum_retry_attempts: 5,
        maximum_record_age_seconds: 3_600,
        parallelization_factor: 2,
        bisect_on_failure: true,
        dead_letter_queue: Input::known(QUEUE),
        input_template: TEMPLATE.to_owned(),
        running: true,
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<Pipe> {
    at("pipe", pipe())
}

/// A pipe as DescribePipe shows it.
fn shown(pipe: &Pipe) -> Value {
    let filters = pipe.filters.iter();
    // AWS keeps a pattern as it was sent; another tool spaces it differently.
    let filters: Vec<Value> = filters
        .map(|p| json!({"Pattern": serde_json::to_string_pretty(p).unwrap()}))
        .collect();
    let position = serde_json::to_value(pipe.starting_position).unwrap();
    let state = if pipe.running { "RUNNING" } else { "STOPPED" };
    let mut shown = json!({
        "Arn": format!("arn:aws:pipes:eu-central-1:123456789012:pipe/{NAME}"), "Name": pipe.name,
        "Description": pipe.description, "DesiredState": state, "CurrentState": state,
        "Source": pipe.source.get().unwrap(), "Target": pipe.target.get().unwrap(), "RoleArn": pipe.role.get().unwrap(),
        "SourceParameters": {
            "FilterCriteria": {"Filters": filters},
            "DynamoDBStreamParameters": {
                "BatchSize": pipe.batch_size, "MaximumBatchingWindowInSeconds": pipe.batching_window_seconds,
                "MaximumRetryAttempts": pipe.maximum_retry_attempts,
                "MaximumRecordAgeInSeconds": pipe.maximum_record_age_seconds,
                "ParallelizationFactor": pipe.parallelization_factor, "StartingPosition": position,
                "DeadLetterConfig": {"Arn": pipe.dead_letter_queue.get().unwrap()},
            },
        },
        "TargetParameters": {
            "InputTemplate": pipe.input_template,
            "StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"},
        },
        "Tags": wanted().tags,
    });
    if pipe.bisect_on_failure {
        shown["SourceParameters"]["DynamoDBStreamParameters"]["OnPartialBatchItemFailure"] =
            "AUTOMATIC_BISECT".into();
    }
    shown
}

fn failed(state: &str, reason: &str) -> Value {
    let mut shown = shown(&pipe());
    shown["CurrentState"] = state.into();
    shown["StateReason"] = reason.into();
    shown
}

async fn read(answer: Value) -> Observed<Pipe> {
    let (aws, script) = scripted([reply(GET, 200, answer)]);
    let observed = Pipe::read(&aws, &wanted()).await.unwrap().unwrap();
    script.assert_calls([GET]);
    observed
}

fn accepted() -> Value {
    json!({"Name": NAME, "DesiredState": "RUNNING", "CurrentState": "CREATING"})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(
        batch in 1..10_000u32, window in 0..300u32, retries in -1..10_000i32, age in -1..604_800i32,
        factor in 1..10u32, bisect: bool, running: bool, latest: bool, names in proptest::collection::vec("[A-Z]{1,3}", 0..3),
    ) {
        let pipe = Pipe {
            filters: names.iter().map(|n| json!({"eventName": [n], "a": {"b": 1}})).collect(),
            batch_size: batch,
            batching_window_seconds: window,
            maximum_retry_attempts: retries,
            maximum_record_age_seconds: age,
            parallelization_factor: factor,
            bisect_on_failure: bisect,
            running,
            starting_position: if latest { StartingPosition::Latest } else { StartingPosition::TrimHorizon },
            ..pipe()
        };
        prop_assert_eq!(run(read(shown(&pipe))).properties, pipe.canonical());
    }
}

#[tokio::test]
async fn what_aws_leaves_out_is_its_default() {
    let mut bare = shown(&pipe());
    bare["SourceParameters"] = json!({"DynamoDBStreamParameters": {"StartingPosition": "LATEST"}});
    let read = read(bare).await.properties;
    let expected = Pipe {
        filters: vec![],
        batch_size: 100,
        maximum_retry_attempts: -1,
        maximum_record_age_seconds: -1,
        parallelization_factor: 1,
        bisect_on_failure: false,
        starting_position: StartingPosition::Latest,
        dead_letter_queue: Input::known(""),
        ..pipe()
    };
    assert_eq!(read, expected);
}

#[tokio::test]
async fn the_order_of_filters_and_of_their_fields_says_nothing() {
    let one: Value = serde_json::from_str(r#"{"a": ["1"], "b": ["2"]}"#).unwrap();
    let same: Value = serde_json::from_str(r#"{"b": ["2"], "a": ["1"]}"#).unwrap();
    let other = json!({"c": ["3"]});
    let with = |filters| Pipe { filters, ..pipe() }.canonical();
    assert_eq!(
        with(vec![one.clone(), other.clone()]),
        with(vec![other.clone(), same])
    );
    assert_ne!(with(vec![one]), with(vec![other]));
}

#[tokio::test]
async fn a_new_pipe_is_made_whole_in_one_call_and_waited_for() {
    let (aws, script) = scripted([reply(CREATE, 200, accepted())]);
    let put = Pipe::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(put, Put::Waiting("pipe to run"));
    let sent = script.body(CREATE);
    assert_eq!(sent["DesiredState"], "RUNNING");
    let target = json!({
        "InputTemplate": TEMPLATE,
        "StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"},
    });
    assert_eq!(sent["TargetParameters"], target);
    let stream = &sent["SourceParameters"]["DynamoDBStreamParameters"];
    assert_eq!(stream["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(stream["MaximumRetryAttempts"], 5);
    assert_eq!(stream["OnPartialBatchItemFailure"], "AUTOMATIC_BISECT");
    assert_eq!(stream["DeadLetterConfig"]["Arn"], QUEUE);
    let pattern = &sent["SourceParameters"]["FilterCriteria"]["Filters"][0]["Pattern"];
    assert_eq!(pattern, r#"{"eventName":["INSERT"]}"#);
    assert_eq!(sent["Tags"]["payhook:resource"], "pipe");
}

#[tokio::test]
async fn a_pipe_that_is_as_wanted_costs_no_call() {
    let (aws, script) = scripted([]);
    let observed = read(shown(&pipe())).await;
    let put = Pipe::put(&aws, &wanted(), Some(&observed)).await.unwrap();
    assert_eq!(put, Put::Done(pipe().predicted(&aws.given)));
    script.assert_calls([]);
}

#[tokio::test]
async fn every_change_is_one_update_that_carries_the_whole_blocks() {
    type Change = fn(&mut Value);
    let changes: [Change; 13] = [
        |s| s["Description"] = "x".into(),
        |s| s["RoleArn"] = "x".into(),
        |s| s["Target"] = "x".into(),
        |s| s["DesiredState"] = "STOPPED".into(),
        |s| s["SourceParameters"]["FilterCriteria"] = json!({}),
        |s| s["SourceParameters"]["DynamoDBStreamParameters"]["BatchSize"] = 1.into(),
        |s| {
            s["SourceParameters"]["DynamoDBStreamParameters"]["OnPartialBatchItemFailure"] =
                Value::Null
        },
        |s| s["SourceParameters"]["DynamoDBStreamParameters"]["DeadLetterConfig"] = Value::Null,
        |s| s["TargetParameters"]["InputTemplate"] = "<$.x>".into(),
        |s| s["TargetParameters"] = json!({}),
        |s| s["Enrichment"] = "arn:aws:lambda:::x".into(),
        |s| s["KmsKeyIdentifier"] = "k".into(),
        |s| s["LogConfiguration"] = json!({"Level": "TRACE"}),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut shown = shown(&pipe());
        change(&mut shown);
        if shown["DesiredState"] == "STOPPED" {
            shown["CurrentState"] = "STOPPED".into();
        }
        let observed = read(shown).await;
        let (aws, script) = scripted([reply(UPDATE, 200, accepted())]);
        let put = Pipe::put(&aws, &wanted(), Some(&observed)).await.unwrap();
        assert_eq!(put, Put::Waiting("pipe to be updated"), "change {number}");
        let sent = script.body(UPDATE);
        assert_eq!(sent["RoleArn"], ROLE);
        assert_eq!(sent["DesiredState"], "RUNNING");
        assert_eq!(sent["TargetParameters"]["InputTemplate"], TEMPLATE);
        let block = &sent["SourceParameters"]["DynamoDBStreamParameters"];
        assert_eq!(block.as_object().unwrap().len(), 7, "{block}");
        assert_eq!(sent.get("Enrichment").is_some(), number == 10);
        assert_eq!(sent.get("KmsKeyIdentifier").is_some(), number == 11);
        assert_eq!(sent.get("LogConfiguration").is_some(), number == 12);
    }
}

#[tokio::test]
async fn tags_alone_need_no_update() {
    let mut tagged = shown(&pipe());
    tagged["Tags"] = json!({"team": "x", "old": "y"});
    let observed = read(tagged).await;
    let (set, unset) = (format!("POST {TAGS}"), format!("DELETE {TAGS}?tagKeys=old"));
    let (aws, script) = scripted([reply(&set, 200, json!({})), reply(&unset, 200, json!({}))]);
    let put = Pipe::put(&aws, &wanted(), Some(&observed)).await.unwrap();
    assert!(matches!(put, Put::Done(_)));
    script.assert_calls([set.as_str(), unset.as_str()]);
}

#[tokio::test]
async fn each_state_is_waited_for_settled_or_failed() {
    for (state, expected) in [
        ("RUNNING", Condition::Settled),
        ("STOPPED", Condition::Settled),
        ("CREATING", Condition::Settling("pipe to be created")),
        ("UPDATING", Condition::Settling("pipe to be updated")),
        ("STARTING", Condition::Settling("pipe to start")),
        ("STOPPING", Condition::Settling("pipe to stop")),
        ("DELETING", Condition::Settling("pipe to be deleted")),
        (
            "CREATE_FAILED",
            Condition::Failed("CREATE_FAILED: why".to_owned()),
        ),
        (
            "UPDATE_ROLLBACK_FAILED",
            Condition::Failed("UPDATE_ROLLBACK_FAILED: why".to_owned()),
        ),
    ] {
        let observed = read(failed(state, "why")).await;
        assert_eq!(observed.condition, expected, "{state}");
        if let Condition::Settling(what) = expected {
            let (aws, script) = scripted([]);
            let put = Pipe::put(&aws, &wanted(), Some(&observed)).await.unwrap();
            assert_eq!(put, Put::Waiting(what));
            script.assert_calls([]);
        }
    }
}

#[tokio::test]
async fn a_pipe_is_gone_only_when_aws_says_so() {
    let missing = |call| {
        reply_error(
            call,
            404,
            "NotFoundException",
            "Pipe payment-events-pipe-dev does not exist.",
        )
    };
    let (aws, _) = scripted([missing(GET)]);
    assert!(Pipe::read(&aws, &wanted()).await.unwrap().is_none());
    let running = read(shown(&pipe())).await;
    for (answer, expected) in [
        (
            reply(DELETE, 200, accepted()),
            Delete::Waiting("pipe to be deleted"),
        ),
        (missing(DELETE), Delete::Gone),
    ] {
        let (aws, script) = scripted([answer]);
        assert_eq!(
            Pipe::delete(&aws, &wanted(), &running).await.unwrap(),
            expected
        );
        script.assert_calls([DELETE]);
    }
    let going = read(failed("DELETING", "")).await;
    let (aws, script) = scripted([]);
    let deleted = Pipe::delete(&aws, &wanted(), &going).await.unwrap();
    assert_eq!(deleted, Delete::Waiting("pipe to be deleted"));
    script.assert_calls([]);
}

#[tokio::test]
async fn only_an_emulator_may_leave_the_parameters_out() {
    let mut bare = shown(&pipe());
    bare["SourceParameters"] = Value::Null;
    bare["TargetParameters"] = Value::Null;
    assert_ne!(read(bare.clone()).await.properties, pipe());
    let (aws, _) = scripted([reply(GET, 200, bare)]);
    let emulator = Aws {
        emulated: true,
        ..aws
    };
    let observed = Pipe::read(&emulator, &wanted()).await.unwrap().unwrap();
    assert_eq!(observed.properties, pipe());
    assert!(observed.unseen.contains(&"deadLetterQueue"));
}

#[tokio::test]
async fn a_pipe_lives_and_dies_on_the_emulator() {
    use crate::resources::emulated::{die, emulator, live};
    let Some(aws) = emulator().await else {
        return;
    };
    let local = |arn: &str| arn.replace("123456789012", "000000000000");
    let mut at = at(
        "emulated-pipe",
        Pipe {
            name: "emulated".to_owned(),
            source: Input::known(local(STREAM)),
            target: Input::known(local(MACHINE)),
            role: Input::known(local(ROLE)),
            dead_letter_queue: Input::known(local(QUEUE)),
            ..pipe()
        },
    );
    live(&aws, &mut at, |pipe| {
        pipe.description.push('2');
        pipe.filters.push(json!({"eventName": ["MODIFY"]}));
        pipe.batch_size = 1;
        pipe.batching_window_seconds = 5;
        pipe.maximum_retry_attempts = 1;
        pipe.maximum_record_age_seconds = 60;
        pipe.parallelization_factor = 1;
        pipe.bisect_on_failure = false;
        pipe.running = false;
    })
    .await;
    die(&aws, &at).await;
}
