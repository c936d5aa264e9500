//! Express workflows: at least once, without a list of executions, and a state machine made anew on the way there and back.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_pipes::types::PipeState;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::StateMachineType;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::deployed::{Deployed, standing};
use super::items::{events, settled};
use super::outcomes::Outcomes;
use super::place::succeeded;
use super::senders::{SCHEMES, Webhook};
use super::webhooks::each_scheme_to_the_end;

/// Settings of every environment here: failing is quick.
fn settings(more: &[(&'static str, toml::Value)]) -> Vec<(&'static str, toml::Value)> {
    let short: [(&str, toml::Value); 2] = [
        ("retry.interval_seconds", 1.into()),
        ("retry.max_attempts", 1.into()),
    ];
    short.into_iter().chain(more.iter().cloned()).collect()
}

fn express() -> (&'static str, toml::Value) {
    ("workflow.type", "express".into())
}

/// A stack of its own, unless there is one that is not ours to change.
fn stack(more: &[(&'static str, toml::Value)]) -> Option<&'static Deployed> {
    if let Some(env) = standing() {
        println!("not shown: the workflow of {env} is not ours to change");
        return None;
    }
    Some(Box::leak(Box::new(Deployed::on_emulator(&settings(more)))))
}

async fn kind(stack: &Deployed) -> StateMachineType {
    let sfn = stack.clients().await.sfn();
    let found = sfn
        .describe_state_machine()
        .state_machine_arn(stack.output("stateMachineArn"));
    let found = found.send().await.expect("DescribeStateMachine");
    assert_eq!(found.name(), "payment-processor-local");
    found.r#type
}

/// What a verb tells, one JSON value a line.
fn told(stack: &Deployed, words: &str) -> Vec<Value> {
    let said = succeeded(&stack.place().payhook(&format!("{words} --json")));
    let lines = said.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

/// Everything is there once and settled, and nothing is left in the queue.
fn all_is_right(stack: &Deployed, processed: usize) {
    let audit = &told(stack, "events audit --deadline 0s")[0];
    let figures = &audit["figures"];
    assert_eq!(figures["processed"], json!(processed), "{audit}");
    assert_eq!(figures["events"], figures["processed"], "{audit}");
    assert_eq!(audit["read"]["deadLetters"], 0, "{audit}");
}

/// What the pipe hands over of the event of a webhook.
fn record(webhook: &Webhook) -> Value {
    json!({
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": {
                "paymentId": {"S": webhook.payment_id()},
                "timestamp": {"N": webhook.occurred_ms.to_string()},
            },
            "NewImage": {"recordType": {"S": "event"}},
        },
    })
}

/// Starts an execution for the event of a webhook, always under the same name.
async fn start(stack: &Deployed, webhook: &Webhook) -> String {
    let sfn = stack.clients().await.sfn();
    let start = sfn
        .start_execution()
        .state_machine_arn(stack.output("stateMachineArn"))
        .name("the-same-name")
        .input(json!([record(webhook)]).to_string());
    start.send().await.expect("StartExecution").execution_arn
}

/// Runs the processor for the event of a webhook, always for the same execution, as when that is run more than once; how
/// it ended.
async fn run_again(stack: &Deployed, webhook: &Webhook) -> String {
    let execution = "arn:aws:states:us-east-1:000000000000:express:payment-processor-local:a:b";
    let payload = json!({"record": record(webhook), "execution": execution}).to_string();
    let lambda = stack.clients().await.lambda();
    let invoke = lambda
        .invoke()
        .function_name(stack.output("paymentProcessorFunctionName"))
        .qualifier("live")
        .payload(payload.into_bytes().into());
    let answer = invoke.send().await.expect("Invoke").payload.expect("JSON");
    let answer: Value = serde_json::from_slice(answer.as_ref()).expect("JSON");
    let said = [&answer["errorType"], &answer["processing"]];
    let said = said.into_iter().find_map(Value::as_str);
    said.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn an_express_workflow_settles_every_event_once_and_no_verb_asks_for_its_executions() {
    let Some(stack) = stack(&[express()]) else {
        return;
    };
    assert_eq!(kind(stack).await, StateMachineType::Express);
    let sfn = stack.clients().await.sfn();
    let list = sfn
        .list_executions()
        .state_machine_arn(stack.output("stateMachineArn"));
    let refused = list.send().await.expect_err("as on AWS");
    assert_eq!(refused.code(), Some("StateMachineTypeNotSupported"));
    succeeded(&stack.place().payhook("verify"));

    println!("webhooks of several providers become payments and outcomes");
    each_scheme_to_the_end(stack, |webhook| format!("/{}", webhook.provider)).await;
    let hops = told(stack, "send generic_hmac");
    let hops: Vec<_> = hops
        .iter()
        .filter_map(|line| line["hop"].as_str())
        .collect();
    assert_eq!(hops, ["signed", "answered", "stored", "processed"]);

    println!("delivered, handed over and started several times at once, an event has one effect");
    let (started, repeated) = (
        Webhook::new(stack, "generic_hmac").await,
        Webhook::new(stack, "generic_hmac").await,
    );
    let payments = [started.payment_id(), repeated.payment_id()];
    let outcomes = Outcomes::of(stack, &payments).await;
    for webhook in [&started, &repeated] {
        for answer in join_all((0..3).map(|_| webhook.post(stack))).await {
            assert_eq!(answer.status, 200);
        }
    }
    let starts = join_all((0..3).map(|_| start(stack, &started)));
    let runs = join_all((0..2).map(|_| run_again(stack, &repeated)));
    let (starts, runs) = futures_util::future::join(starts, runs).await;
    for arn in starts {
        assert!(
            arn.contains(":express:payment-processor-local:the-same-name"),
            "{arn}"
        );
    }
    // One that finds the event in the hands of the pipe's own execution says so, and would be tried again.
    for answer in runs {
        assert!(answer == "processed" || answer == "Transient", "{answer}");
    }
    for webhook in [&started, &repeated] {
        let item = settled(stack, webhook).await;
        assert_eq!(item.text("processing"), "processed");
        assert_eq!(events(stack, &webhook.payment_id()).await.len(), 1);
    }
    let published = outcomes.take(2).await;
    let ids: BTreeSet<_> = published
        .iter()
        .map(|one| one["outcomeId"].to_string())
        .collect();
    assert_eq!(ids.len(), 2, "{published:?}");
    outcomes.end().await;

    println!("what fails is found by its item, and is replayed");
    let broken = Webhook::new(stack, "stripe").await;
    let api = stack.stripe_api.as_ref().expect("started here");
    api.fail(&broken.payment, u32::MAX);
    assert_eq!(broken.post(stack).await.words(), (200, "stored"));
    let item = settled(stack, &broken).await;
    assert_eq!(
        (item.text("processing"), item.failure("error")),
        ("failed", "Transient")
    );
    assert!(item.failure("execution").contains(":express:"), "{item:?}");
    let listed = told(stack, "events list --status failed");
    assert_eq!(listed[0]["stored"]["eventId"], broken.event_id.as_str());
    let shown = succeeded(
        &stack
            .place()
            .payhook(&format!("events show {}", broken.event_id)),
    );
    assert!(shown.contains("Transient"), "{shown}");
    let logs = told(stack, "logs --since 10m");
    let of_it = |line: &Value| line["said"]["eventId"] == broken.event_id.as_str();
    assert!(logs.iter().any(of_it), "{} lines", logs.len());
    api.fail(&broken.payment, 0);
    assert_eq!(
        told(stack, "events replay --status failed")[0]["started"],
        1
    );
    let processed = async || settled(stack, &broken).await.text("processing") == "processed";
    for _ in 0..100 {
        if processed().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    println!(
        "what could not even be started is in the queue, and is redriven once there is a state machine again"
    );
    stack.configure(&settings(&[
        express(),
        ("pipe.maximum_retry_attempts", 0.into()),
    ]));
    succeeded(&stack.place().payhook("deploy"));
    let machine = stack.output("stateMachineArn");
    let delete = sfn.delete_state_machine().state_machine_arn(machine);
    delete.send().await.expect("DeleteStateMachine");
    let buried = Webhook::new(stack, "standard_webhooks").await;
    assert_eq!(buried.post(stack).await.words(), (200, "stored"));
    let mut letters = Vec::new();
    for _ in 0..100 {
        letters = told(stack, "dlq list");
        if !letters.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(letters.len(), 1);
    succeeded(&stack.place().payhook("deploy"));
    assert_eq!(kind(stack).await, StateMachineType::Express);
    assert_eq!(told(stack, "dlq redrive")[0]["events"], 1);
    assert_eq!(
        settled(stack, &buried).await.text("processing"),
        "processed"
    );
    all_is_right(stack, SCHEMES.len() + 5);
}

/// Posts while a deploy is under way, and a few more; how many were posted.
async fn post_during_a_deploy(stack: &'static Deployed, webhooks: &[Webhook]) -> usize {
    let deploy = tokio::task::spawn_blocking(|| stack.place().payhook("deploy"));
    let mut posted = 0;
    for webhook in webhooks {
        assert_eq!(webhook.post(stack).await.words(), (200, "stored"));
        posted += 1;
        if deploy.is_finished() && posted >= 10 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    succeeded(&deploy.await.expect("the deploy"));
    posted
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_workflow_is_changed_under_traffic_and_no_record_is_lost() {
    let Some(stack) = stack(&[]) else { return };
    assert_eq!(kind(stack).await, StateMachineType::Standard);
    let made = (0..200).map(|at| Webhook::new(stack, SCHEMES[at % SCHEMES.len()]));
    let mut webhooks = join_all(made).await;
    let mut all = 0;
    for (more, wanted) in [
        (vec![express()], StateMachineType::Express),
        (vec![], StateMachineType::Standard),
    ] {
        stack.configure(&settings(&more));
        let plan = succeeded(&stack.place().payhook("preview"));
        assert!(
            plan.contains("Step Functions cannot change the type"),
            "{plan}"
        );
        let posted = post_during_a_deploy(stack, &webhooks).await;
        assert_eq!(kind(stack).await, wanted);
        let pipes = stack.clients().await.pipes();
        let pipe = pipes.describe_pipe().name(stack.output("pipeName"));
        let pipe = pipe.send().await.expect("DescribePipe");
        assert_eq!(pipe.current_state, Some(PipeState::Running));
        assert_eq!(
            pipe.target.as_deref(),
            Some(stack.output("stateMachineArn"))
        );
        succeeded(&stack.place().payhook("preview --detailed-exitcode"));
        // What ran when its state machine was deleted is found by what it left undone.
        told(stack, "events replay --status received");
        for webhook in webhooks.drain(..posted) {
            let item = settled(stack, &webhook).await;
            assert_eq!(item.text("processing"), "processed", "{item:?}");
        }
        all += posted;
        all_is_right(stack, all);
    }
}
