use super::progress::{Board, Show, Steady};
use super::*;
use crate::engine::Event;
use crate::graph::LogicalName;
use crate::plan::{Action, Change, Plan, Step};
use crate::resources::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn step(action: Action, kind: Kind, resource: &str, physical: &str, reason: &str) -> Step {
    Step {
        id: 0,
        resource: LogicalName::from(resource),
        kind,
        physical: physical.to_owned(),
        action,
        reason: reason.to_owned(),
        changes: vec![],
        loses: None,
        after: BTreeSet::new(),
        properties: Value::Null,
        tags: BTreeMap::new(),
        outputs: BTreeMap::new(),
        dependencies: BTreeSet::new(),
        retired: false,
    }
}

fn change(property: &str, before: Value, after: Value) -> Change {
    let side = |value: Value| Some(value).filter(|value| !value.is_null());
    Change {
        property: property.to_owned(),
        before: side(before),
        after: side(after),
    }
}

fn plan_of(mut steps: Vec<Step>) -> Plan {
    steps
        .iter_mut()
        .enumerate()
        .for_each(|(id, step)| step.id = id);
    Plan {
        steps,
        facts: BTreeMap::new(),
    }
}

fn first_deploy() -> Plan {
    plan_of(vec![
        step(
            Action::Create,
            Kind::Key,
            "key",
            "payment-webhook-dev",
            "not there yet",
        ),
        step(
            Action::Create,
            Kind::Table,
            "payments",
            "payments-dev",
            "not there yet",
        ),
        step(
            Action::Create,
            Kind::Queue,
            "dlq",
            "payment-events-dlq-dev",
            "it was deleted outside payhook",
        ),
    ])
}

/// One of each: an update, a replace that loses data, a delete, an adoption, and something kept.
fn mixed() -> Plan {
    let update = Step {
        changes: vec![
            change("memoryMb", json!(256), json!(512)),
            change(
                "environment.TABLE_NAME",
                json!("payments-dev"),
                json!({"$output": "payments.tableName"}),
            ),
            change("environment.OLD", json!("x"), Value::Null),
            change(
                "description",
                Value::Null,
                json!("a text that is much too long ".repeat(5)),
            ),
        ],
        ..step(
            Action::Update,
            Kind::Function,
            "validator",
            "webhook-validator-dev",
            "memoryMb and 3 more change",
        )
    };
    let reason = "sortKey changes: DynamoDB cannot change the key schema of a table";
    let replace = Step {
        changes: vec![change("sortKey.name", json!("time"), json!("timestamp"))],
        ..step(
            Action::Replace,
            Kind::Table,
            "payments",
            "payments-dev",
            reason,
        )
    };
    let predecessor = Step {
        loses: Some("every stored payment event".to_owned()),
        ..step(
            Action::Delete,
            Kind::Table,
            "payments",
            "payments-dev",
            reason,
        )
    };
    let delete = step(
        Action::Delete,
        Kind::Alarm,
        "alarm-old",
        "payment-webhook-old-dev",
        "no longer declared",
    );
    let adopt = step(
        Action::Adopt,
        Kind::Role,
        "role",
        "validator-role-dev",
        "it is there and its tags say that it is ours",
    );
    let keep = step(
        Action::Keep,
        Kind::Key,
        "key",
        "payment-webhook-dev",
        "as wanted",
    );
    plan_of(vec![predecessor, update, replace, adopt, keep, delete])
}

const DEV: Heading<'static> = Heading {
    verb: "deploy",
    env: "dev",
    account: "123456789012",
    region: "eu-central-1",
};

#[test]
fn a_first_deploy_lists_what_it_creates() {
    insta::assert_snapshot!(plan(&first_deploy(), &DEV, Paint::NONE));
}

#[test]
fn a_plan_says_what_changes_from_what_to_what_and_what_is_lost() {
    insta::assert_snapshot!(plan(&mixed(), &DEV, Paint::NONE));
}

#[test]
fn colours_mark_loss_and_never_change_the_words() {
    let coloured = plan(&mixed(), &DEV, Paint::new(true));
    assert!(coloured.contains("\u{1b}[31m"));
    assert_eq!(
        console::strip_ansi_codes(&coloured),
        plan(&mixed(), &DEV, Paint::NONE)
    );
}

#[test]
fn a_plan_without_changes_is_one_sentence() {
    let kept = plan_of(vec![step(
        Action::Keep,
        Kind::Key,
        "key",
        "payment-webhook-dev",
        "as wanted",
    )]);
    insta::assert_snapshot!(plan(&kept, &DEV, Paint::NONE));
}

#[test]
fn markdown_opens_what_changes_and_warns_of_loss_first() {
    insta::assert_snapshot!(markdown(&mixed(), &DEV, Some("It costs nothing.")));
}

#[test]
fn markdown_of_a_huge_plan_stays_below_what_a_comment_may_hold() {
    let long = "é".repeat(100);
    let steps = (0..2_000).map(|n| {
        step(
            Action::Create,
            Kind::Alarm,
            &format!("a{n}"),
            &long,
            "not there yet",
        )
    });
    let text = markdown(&plan_of(steps.collect()), &DEV, None);
    assert!(text.len() < 65_000);
    assert!(text.ends_with("`payhook preview` shows all of it.\n"));
}

#[test]
fn a_plan_is_plain_data_and_survives_json() {
    let json = serde_json::to_string(&mixed()).expect("plan as JSON");
    let back: Plan = serde_json::from_str(&json).expect("plan from JSON");
    assert_eq!(back, mixed());
}

fn started(kind: Kind, resource: &str, physical: &str) -> Event {
    Event::StepStarted {
        resource: LogicalName::from(resource),
        kind,
        physical: physical.to_owned(),
        action: Action::Create,
    }
}

fn done(resource: &str) -> Event {
    Event::StepDone {
        resource: LogicalName::from(resource),
        kind: Kind::Table,
        action: Action::Create,
        elapsed_ms: 8_240,
    }
}

fn run_started(steps: usize) -> Event {
    Event::RunStarted {
        version: Event::VERSION,
        verb: "deploy".to_owned(),
        env: "dev".to_owned(),
        steps,
    }
}

#[test]
fn progress_says_what_ended_and_what_each_running_step_waits_for() {
    let mut board = Board::new(Paint::NONE);
    let at = Duration::from_secs;
    let waiting = Event::StepWaiting {
        resource: "payments".into(),
        waiting_for: "table to become ACTIVE".to_owned(),
        waited_ms: 1_000,
    };
    let retried = Event::StepRetried {
        resource: "key".into(),
        code: "ThrottlingException".to_owned(),
        attempt: 2,
    };
    let failed = Event::StepFailed {
        resource: "key".into(),
        kind: Kind::Key,
        action: Action::Create,
        error: "kms:CreateKey failed: LimitExceededException".to_owned(),
    };
    let skipped = Event::StepSkipped {
        resource: "alias".into(),
        action: Action::Create,
        why: "something it needs failed".to_owned(),
    };
    let mut told = Vec::new();
    for (seconds, event) in [
        (0, run_started(31)),
        (0, started(Kind::Table, "payments", "payments-dev")),
        (1, started(Kind::Key, "key", "payment-webhook-dev")),
        (2, waiting),
        (3, retried),
    ] {
        told.extend(board.take(&event, at(seconds)));
    }
    told.push("-- running:".to_owned());
    told.extend(board.running(at(7)));
    told.push("-- heartbeat:".to_owned());
    told.push(board.heartbeat(at(7)));
    told.push("-- ended:".to_owned());
    for event in [done("payments"), failed, skipped] {
        told.extend(board.take(&event, at(8)));
    }
    assert!(board.running(at(9)).is_empty());
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_log_is_never_silent_for_more_than_ten_seconds() {
    let lines: Arc<Mutex<Vec<(Duration, String)>>> = Arc::default();
    let start = tokio::time::Instant::now();
    let into = lines.clone();
    let write = move |line: &str| {
        into.lock()
            .expect("lines")
            .push((start.elapsed(), line.to_owned()))
    };
    let steady = Steady::new(Board::new(Paint::NONE), Box::new(write));
    steady.take(run_started(2));
    steady.take(started(Kind::Table, "payments", "payments-dev"));
    tokio::time::sleep(Duration::from_secs(25)).await;
    steady.take(done("payments"));
    tokio::time::sleep(Duration::from_secs(12)).await;
    drop(steady);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lines = lines.lock().expect("lines").clone();
    let mut times: Vec<Duration> = lines.iter().map(|(at, _)| *at).collect();
    times.insert(0, Duration::ZERO);
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] - pair[0] < Duration::from_secs(10)),
        "{lines:?}"
    );
    assert!(
        lines[0].1.contains("dynamodb-table payments-dev"),
        "{lines:?}"
    );
    assert!(
        times
            .last()
            .is_some_and(|last| *last < Duration::from_secs(40)),
        "nothing after its end"
    );
}
