//! Runs as the user sees them, on a cloud in memory.

use super::{cloud, given};
use crate::artifact::Artifact;
use crate::cli::explain::explain;
use crate::cli::{Context, Exit, Interrupt, Ui, planning, running, ui};
use crate::config::Config;
use crate::engine::{Engine, discard};
use crate::memory::{Fault, Faults, MemoryCloud, MemoryStore};
use crate::resources::{Class, Cloud};
use crate::view::Paint;
use std::time::Duration;

const CONFIG: &str = "[providers.stripe]\n[env.dev]\nregion = \"eu-central-1\"\n";

fn context(json: bool) -> (Context, ui::Captured) {
    let (ui, captured) = Ui::captured(json);
    let context = Context {
        ui,
        interrupt: Interrupt::default(),
        config: Config::parse("infra.toml", CONFIG, Some("dev"), None).expect("a configuration"),
        root: "/nowhere".into(),
        link: tokio::sync::OnceCell::new(),
    };
    (context, captured)
}

/// Plans and applies on a cloud in memory, as deploy does.
async fn deploy(context: &Context, cloud: &MemoryCloud, store: &MemoryStore) -> anyhow::Result<()> {
    let given = cloud.given().await?;
    let mut engine = Engine::open(cloud, store, discard(), context.interrupt.token.clone()).await?;
    let artifacts = crate::artifact::FUNCTIONS.map(|function| Artifact {
        function,
        zip: "zip".into(),
        code_sha256: "c2hh".to_owned(),
        size: 1,
    });
    let planned = planning::plan(context, &engine, &given, &artifacts).await?;
    planning::show(context, &planned.plan, "deploy", &given);
    running::apply(
        context,
        &mut engine,
        &planned.plan,
        &planned.seen,
        "deploy",
        &given,
    )
    .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deploy_in_a_log_counts_every_step_and_the_second_one_says_there_is_nothing_to_do() {
    let (cloud, store) = (MemoryCloud::new(), MemoryStore::new());
    let (context, said) = context(false);
    deploy(&context, &cloud, &store).await.expect("deployed");
    let lines = said.err();
    let steps = lines
        .lines()
        .filter(|line| line.contains(" created "))
        .count();
    let last = lines.lines().last().expect("progress");
    assert!(last.starts_with(&format!("[{steps}/{steps}] ")), "{last}");
    let (out, cost) = (
        said.out(),
        "Without any traffic it costs 5.50 USD a month, 0.00 before",
    );
    let end = format!("{steps} to create.\n{cost}");
    assert!(out.contains(&end), "{out}");

    let (context, said) = self::context(false);
    deploy(&context, &cloud, &store)
        .await
        .expect("deployed again");
    assert_eq!(said.err(), "");
    assert!(
        said.out().contains(&format!(
            "Nothing to change: {steps} resources are as wanted."
        )),
        "{}",
        said.out()
    );
}

#[tokio::test(start_paused = true)]
async fn in_json_mode_every_line_is_one_event() {
    let (context, said) = context(true);
    deploy(&context, &MemoryCloud::new(), &MemoryStore::new())
        .await
        .expect("deployed");
    let events: Vec<serde_json::Value> = said
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON value a line"))
        .collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!(
        (&events[0]["event"], &events[1]["event"]),
        (&"plan".into(), &"runStarted".into())
    );
    assert_eq!(
        events.last().map(|event| &event["ending"]),
        Some(&"completed".into())
    );
    assert_eq!(of("stepStarted"), of("stepDone"));
    assert_eq!(said.err(), "");
}

#[tokio::test(start_paused = true)]
async fn a_refused_step_fails_the_run_and_names_itself() {
    let refuse: Faults = std::sync::Arc::new(|_, verb, resource| {
        let denied = || {
            cloud(
                "dynamodb:CreateTable",
                Class::Denied,
                "AccessDeniedException",
                "not authorized",
            )
        };
        (verb == "put" && resource == "payments").then(|| Fault::Refused(denied()))
    });
    let (context, said) = context(false);
    let cloud = MemoryCloud::new().with_faults(refuse);
    let error = deploy(&context, &cloud, &MemoryStore::new())
        .await
        .expect_err("refused");
    let explanation = explain(&error, Paint::NONE);
    assert_eq!(explanation.exit, Exit::Failed);
    assert!(
        explanation.words.contains("dynamodb-table `payments-dev`"),
        "{}",
        explanation.words
    );
    assert!(
        explanation.next[0].contains("dynamodb:CreateTable"),
        "{:?}",
        explanation.next
    );
    assert!(
        said.err()
            .contains("skipped   create of payment-events-pipe: something it needs failed"),
        "{}",
        said.err()
    );
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_finishes_what_is_in_flight_and_ends_with_130() {
    let (context, said) = context(false);
    let token = context.interrupt.token.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        token.cancel();
    });
    let store = MemoryStore::new();
    let error = deploy(&context, &MemoryCloud::new(), &store)
        .await
        .expect_err("interrupted");
    assert_eq!(explain(&error, Paint::NONE).exit, Exit::Interrupted);
    assert!(
        said.err().contains("Finishing what is in flight"),
        "{}",
        said.err()
    );
    assert!(said.err().contains(": interrupted"), "{}", said.err());
}

#[tokio::test(start_paused = true)]
async fn a_state_of_another_account_is_refused_before_anything_is_planned() {
    let (cloud, store) = (MemoryCloud::new(), MemoryStore::new());
    let (context, _) = context(false);
    deploy(&context, &cloud, &store).await.expect("deployed");
    let engine = Engine::open(&cloud, &store, discard(), context.interrupt.token.clone())
        .await
        .expect("open");
    let calls = cloud.calls().len();
    let elsewhere = given("999999999999", "eu-central-1");
    let refused = planning::plan(&context, &engine, &elsewhere, &[])
        .await
        .err()
        .expect("refused");
    assert_eq!(explain(&refused, Paint::NONE).exit, Exit::Refused);
    assert_eq!(cloud.calls().len(), calls);
}
