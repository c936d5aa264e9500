//! What is protected, retained, found again or accepted, as the user sees it, on a cloud in memory.

use crate::artifact::Artifact;
use crate::cli::drift::{Look, accept, look, show};
use crate::cli::explain::explain;
use crate::cli::state::rebuild;
use crate::cli::{Context, Exit, Interrupt, Ui, consent, destroy, planning, running, ui};
use crate::config::Config;
use crate::engine::{Engine, discard};
use crate::memory::{MemoryCloud, MemoryStore};
use crate::plan::Action;
use crate::resources::Cloud;
use crate::stack::Stack;
use crate::state::{Record, Store};
use crate::view::{self, Paint};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BARE: &str = "[providers.stripe]\n[env.dev]\nregion = \"eu-central-1\"\n";

pub(super) fn context(settings: &str, json: bool) -> (Context, ui::Captured) {
    let (ui, captured) = Ui::captured(json);
    let text = format!("{settings}\n{BARE}");
    let context = Context {
        ui,
        interrupt: Interrupt::default(),
        config: Config::parse("infra.toml", &text, Some("dev"), None).expect("a configuration"),
        root: "/nowhere".into(),
        link: tokio::sync::OnceCell::new(),
    };
    (context, captured)
}

fn artifacts() -> Vec<Artifact> {
    let artifact = |function| Artifact {
        function,
        zip: "zip".into(),
        code_sha256: "c2hh".to_owned(),
        size: 1,
    };
    crate::artifact::FUNCTIONS.map(artifact).to_vec()
}

async fn open<'a>(context: &Context, cloud: &'a MemoryCloud, store: &'a MemoryStore) -> Engine<'a> {
    let token = context.interrupt.token.clone();
    let engine = Engine::open(cloud, store, discard(), token).await;
    engine.expect("the state loads")
}

async fn deploy(context: &Context, cloud: &MemoryCloud, store: &MemoryStore) {
    let given = cloud.given().await.expect("an account");
    let mut engine = open(context, cloud, store).await;
    let planned = planning::plan(context, &engine, &given, &artifacts()).await;
    let planned = planned.expect("a plan");
    planning::say_taken_over(context, &engine.state(), &planned.plan);
    let (plan, seen) = (&planned.plan, &planned.seen);
    let applied = running::apply(context, &mut engine, plan, seen, "deploy", &given).await;
    applied.expect("deployed");
}

/// A stack that stands, with these settings.
pub(super) async fn deployed(settings: &str) -> (MemoryCloud, MemoryStore) {
    let (cloud, store) = (MemoryCloud::new(), MemoryStore::new());
    deploy(&context(settings, false).0, &cloud, &store).await;
    (cloud, store)
}

pub(super) fn kinds(cloud: &MemoryCloud) -> Vec<String> {
    let ids = cloud.contents().into_keys();
    ids.map(|id| id.split('/').next().unwrap_or_default().to_owned())
        .collect()
}

async fn destroyed(context: &Context, cloud: &MemoryCloud, store: &MemoryStore) {
    let given = cloud.given().await.expect("an account");
    let mut engine = open(context, cloud, store).await;
    destroy::carry_out(context, &mut engine, &given, true)
        .await
        .expect("destroyed");
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_stands_after_a_destroy_with_its_key_and_is_taken_over_by_the_next_deploy()
{
    let (cloud, store) = deployed("").await;
    let (context, said) = context("retain = [\"dynamodb-table\"]", false);
    destroyed(&context, &cloud, &store).await;
    assert_eq!(kinds(&cloud), ["dynamodb-table", "kms-key"]);
    assert!(store.load().await.expect("a state").is_empty());
    let told = said.out();
    assert!(told.contains("Left standing and forgotten"), "{told}");
    assert!(told.contains("dynamodb-table  payments-dev"), "{told}");

    let (context, said) = self::context("", false);
    deploy(&context, &cloud, &store).await;
    let notes = said.err();
    assert!(notes.contains("The state of dev is lost or was never here: 2 resources stand already and are ours; they are taken over."), "{notes}");
    assert_eq!(
        cloud.contents().len(),
        Stack::payment_webhooks(&context.config).graph.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_would_delete_what_is_protected_by_name_or_kind_is_refused() {
    let (cloud, store) = deployed("").await;
    for settings in [
        "protect_resources = [\"dynamodb-table\"]",
        "protect_resources = [\"payments\"]",
    ] {
        let (context, _) = context(settings, false);
        let given = cloud.given().await.expect("an account");
        let engine = open(&context, &cloud, &store).await;
        let planned = destroy::plan_destroy(&context, &engine, &given)
            .await
            .expect("a plan");
        let error = consent::guard_resources(&context, &planned.plan).expect_err("refused");
        let explanation = explain(&error, Paint::NONE);
        assert_eq!(explanation.exit, Exit::Refused);
        assert!(
            explanation.words.contains("dynamodb-table payments-dev"),
            "{}",
            explanation.words
        );
    }
}

#[test]
fn a_word_that_chooses_nothing_is_wrong_configuration() {
    for key in ["protect_resources", "retain"] {
        let (context, _) = context(&format!("{key} = [\"dynamo-table\"]"), false);
        let stack = Stack::payment_webhooks(&context.config);
        let error = consent::guard_selections(&context, &stack).expect_err("refused");
        let explanation = explain(&error, Paint::NONE);
        assert_eq!(explanation.exit, Exit::Usage);
        assert!(
            explanation.words.contains("`dynamo-table`"),
            "{}",
            explanation.words
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_says_that_it_lifts_deletion_protection_also_when_it_was_switched_on_by_hand() {
    for by_hand in [false, true] {
        let settings = if by_hand {
            ""
        } else {
            "table.deletion_protection = true"
        };
        let (cloud, store) = deployed(settings).await;
        cloud.tamper("payments", |table, _| {
            table["deletionProtection"] = json!(true)
        });
        let (context, _) = context(settings, false);
        let given = cloud.given().await.expect("an account");
        let engine = open(&context, &cloud, &store).await;
        let planned = destroy::plan_destroy(&context, &engine, &given)
            .await
            .expect("a plan");
        let shown = view::plan(
            &planned.plan,
            &planning::heading(&context, "destroy", &given),
            Paint::NONE,
        );
        assert!(
            shown.contains(
                "payments-dev  (the stack is destroyed; its deletion protection is lifted first)"
            ),
            "{shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_asks_before_it_deletes_what_holds_data() {
    let (cloud, store) = deployed("").await;
    let given = cloud.given().await.expect("an account");
    let (context, _) = context("", false);
    let engine = open(&context, &cloud, &store).await;
    let planned = destroy::plan_destroy(&context, &engine, &given)
        .await
        .expect("a plan");
    let losing: Vec<&str> = planned
        .plan
        .losses()
        .map(|step| step.kind.as_str())
        .collect();
    for kind in [
        "dynamodb-table",
        "kms-key",
        "secret",
        "sqs-queue",
        "log-group",
    ] {
        assert!(losing.contains(&kind), "{kind}");
    }
    let consent = consent::Consent {
        data_loss: false,
        unasked: false,
    };
    let error = consent::to_deploy(&context, &planned.plan, consent)
        .await
        .expect_err("refused");
    assert_eq!(explain(&error, Paint::NONE).exit, Exit::Refused);
    let consent = consent::Consent {
        data_loss: true,
        ..consent
    };
    consent::to_deploy(&context, &planned.plan, consent)
        .await
        .expect("agreed");
}

async fn rebuilt(
    context: &Context,
    cloud: &MemoryCloud,
    store: &MemoryStore,
    overwrite: bool,
) -> anyhow::Result<()> {
    let given = cloud.given().await?;
    rebuild::rebuild(context, cloud, store, &given, overwrite).await
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_lists_what_it_finds_names_what_is_not_ours_and_spares_a_state_that_stands() {
    let (cloud, store) = deployed("").await;
    let (context, said) = context("", true);
    let refused = rebuilt(&context, &cloud, &store, false)
        .await
        .expect_err("a state stands");
    assert_eq!(explain(&refused, Paint::NONE).exit, Exit::Refused);
    rebuilt(&context, &cloud, &store, true)
        .await
        .expect("rebuilt");

    store.lose();
    cloud.tamper("providers", |_, tags| {
        drop(tags.insert("payhook:env".into(), "prod".into()))
    });
    let error = rebuilt(&context, &cloud, &store, false)
        .await
        .expect_err("one is not ours");
    let explanation = explain(&error, Paint::NONE);
    assert_eq!(explanation.exit, Exit::Failed);
    assert!(
        explanation
            .words
            .contains("secret `payment-webhook/dev/providers` exists already and is not ours"),
        "{}",
        explanation.words
    );
    let told: Vec<Value> = said
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let last = told.last().expect("an event");
    let stack = Stack::payment_webhooks(&context.config).graph.len();
    assert_eq!(last["event"], "rebuilt");
    assert_eq!(last["resources"].as_array().map(Vec::len), Some(stack - 1));
    assert_eq!(last["foreign"][0]["resource"], "providers");
    assert_eq!(
        store.load().await.expect("a state").entries.len(),
        stack - 1
    );
}

async fn looked(context: &Context, cloud: &MemoryCloud, store: &MemoryStore) -> Look {
    let given = cloud.given().await.expect("an account");
    let state = store.load().await.expect("a state");
    let look = look(context, &state, cloud, &given)
        .await
        .expect("reads succeed");
    show(context, &look, &given);
    look
}

#[tokio::test(start_paused = true)]
async fn drift_is_shown_from_recorded_to_live_and_accepted_with_a_word_of_warning() {
    let (cloud, store) = deployed("").await;
    cloud.tamper("payments", |table, _| {
        table["pointInTimeRecovery"] = json!(false)
    });
    cloud.remove("providers");
    let (context, said) = context("", false);
    let look = looked(&context, &cloud, &store).await;
    let engine = open(&context, &cloud, &store).await;
    let given = cloud.given().await.expect("an account");
    accept::accept(&context, &engine, &look, &given)
        .await
        .expect("accepted");
    looked(&context, &cloud, &store).await;
    let stack = Stack::payment_webhooks(&context.config).graph.len();
    let told = said.out();
    let told = told.replace(
        &format!("{} as recorded", stack - 2),
        "all others as recorded",
    );
    let told = told.replace(&format!("{} resources are", stack - 1), "all others are");
    insta::assert_snapshot!(told);
}

#[tokio::test(start_paused = true)]
async fn in_json_drift_is_one_line_with_everything_in_it() {
    let (cloud, store) = deployed("").await;
    cloud.tamper("webhook-validator", |function, tags| {
        function["memoryMb"] = json!(128);
        tags.insert("by-hand".into(), "x".into());
    });
    let (context, said) = context("", true);
    looked(&context, &cloud, &store).await;
    let event: Value = serde_json::from_str(&said.out()).expect("one line");
    assert_eq!(
        (&event["event"], &event["empty"]),
        (&"drift".into(), &false.into())
    );
    let drifted = &event["drift"]["drifted"];
    assert_eq!(drifted[0]["resource"], "webhook-validator");
    let expected = json!([
        {"property": "memoryMb", "recorded": 256, "live": 128},
        {"property": "tags.by-hand", "recorded": null, "live": "x"},
    ]);
    assert_eq!(drifted[0]["changes"], expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_run_left_is_neither_reverted_nor_accepted() {
    let (cloud, store) = deployed("").await;
    let intent = Record::Intent {
        resource: "payments".into(),
        action: "update".into(),
    };
    store.append(&intent).await.expect("recorded");
    cloud.tamper("payments", |table, _| {
        table["pointInTimeRecovery"] = json!(false)
    });
    cloud.tamper("webhook-validator", |function, _| {
        function["memoryMb"] = json!(128)
    });
    let (context, _) = context("", false);
    let look = looked(&context, &cloud, &store).await;
    let given = cloud.given().await.expect("an account");
    let refused = crate::cli::drift::revert::plan_revert(&context, &look, &given);
    let refused = explain(&refused.expect_err("refused"), Paint::NONE);
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.words.contains("payments"), "{}", refused.words);
    let names: BTreeMap<_, _> = look
        .drift
        .drifted
        .iter()
        .map(|d| (d.resource.as_str(), d.gone))
        .collect();
    assert_eq!(names, BTreeMap::from([("webhook-validator", false)]));
}

#[tokio::test(start_paused = true)]
async fn a_revert_plans_only_what_has_drifted() {
    let (cloud, store) = deployed("").await;
    cloud.tamper("webhook-validator", |function, _| {
        function["memoryMb"] = json!(128)
    });
    cloud.remove("alarm-dead-letters");
    let (context, _) = context("", false);
    let look = looked(&context, &cloud, &store).await;
    let given = cloud.given().await.expect("an account");
    let plan = crate::cli::drift::revert::plan_revert(&context, &look, &given);
    let plan = plan.expect("a plan").expect("something has drifted");
    let steps = plan.steps.iter().filter(|step| step.mutates());
    let steps: BTreeMap<&str, Action> = steps.map(|s| (s.resource.as_str(), s.action)).collect();
    assert_eq!(
        steps,
        BTreeMap::from([
            ("webhook-validator", Action::Update),
            ("alarm-dead-letters", Action::Create)
        ])
    );
}
