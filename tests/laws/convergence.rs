use crate::world::World;
use payhook::engine::Outcome;
use payhook::memory::Fault;
use payhook::plan::Action;
use payhook::resources::api::Api;
use payhook::resources::{Class, CloudError};
use serde_json::json;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn a_second_deploy_makes_no_mutating_call() {
    let world = World::new();
    world.deploy().await;
    assert!(world.preview().await.is_empty());
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_second_deploy_writes_nothing_to_the_journal() {
    let world = World::new();
    world.deploy().await;
    let before = world.store.bytes();
    world.deploy().await;
    assert_eq!(world.store.bytes().len(), before.len());
}

#[tokio::test(start_paused = true)]
async fn destroy_after_deploy_leaves_nothing() {
    let world = World::new();
    world.deploy().await;
    world.destroy().await;
    assert_eq!(
        world.cloud.contents().into_keys().collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    assert!(world.state().await.is_empty());
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_no_op_deploy_reads_every_resource_exactly_once() {
    let world = World::new();
    world.deploy().await;
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.calls().len(), world.graph.len());
}

#[tokio::test(start_paused = true)]
async fn a_changed_setting_changes_exactly_its_resource() {
    let world = World::new();
    world.deploy().await;
    let mut changed = world.clone();
    changed
        .artifacts
        .insert("webhook-validator".into(), "sha-new".into());
    let plan = changed.preview().await;
    let touched: Vec<_> = plan.steps.iter().filter(|s| s.mutates()).collect();
    assert_eq!(touched.len(), 1, "{touched:#?}");
    assert_eq!(
        (touched[0].resource.as_str(), touched[0].action),
        ("webhook-validator", Action::Update)
    );
    assert_eq!(touched[0].changes[0].property, "code");
    changed.deploy().await;
    assert!(changed.preview().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_stream_replaces_the_pipe() {
    let world = World::new();
    world.deploy().await;
    world.cloud.tamper("payments", |properties, _| {
        properties["stream"] = json!("KEYS_ONLY")
    });
    let plan = world.preview().await;
    let pipe: Vec<_> = plan
        .steps
        .iter()
        .filter(|s| s.resource.as_str() == "payment-events-pipe")
        .map(|s| s.action)
        .collect();
    assert_eq!(pipe, [Action::Delete, Action::Replace]);
    world.deploy().await;
    assert!(world.preview().await.is_empty());
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_by_hand_comes_back() {
    let world = World::new();
    world.deploy().await;
    world.cloud.remove("providers");
    world.deploy().await;
    assert!(world.preview().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn functions_of_a_role_that_was_made_anew_are_published_anew() {
    let world = World::new();
    world.deploy().await;
    world.cloud.remove("payment-processor-role");
    let plan = world.preview().await;
    let done = |action: Action| {
        let steps = plan.steps.iter().filter(|step| step.action == action);
        steps
            .map(|step| step.resource.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(done(Action::Create), ["payment-processor-role"]);
    assert_eq!(done(Action::Update), ["payment-processor"]);
    world.deploy().await;
    assert!(world.preview().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_is_deleted() {
    let world = World::new();
    world.deploy().await;
    let text = crate::world::CONFIG.replace(
        "[dashboard]\nenabled = true",
        "[dashboard]\nenabled = false",
    );
    assert_ne!(text, crate::world::CONFIG);
    let config = payhook::config::Config::parse("infra.toml", &text, Some("dev"), None).unwrap();
    let graph = payhook::stack::Stack::payment_webhooks(&config).graph;
    let smaller = World {
        graph,
        ..world.clone()
    };
    smaller.deploy().await;
    assert!(
        !world
            .cloud
            .contents()
            .values()
            .any(|(name, _)| name == "dashboard")
    );
    assert!(smaller.preview().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn lost_state_is_found_again_by_names_and_tags() {
    let world = World::new();
    world.deploy().await;
    let before = world.outputs().await;
    world.store.lose();
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
    assert_eq!(world.outputs().await, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_never_adopted() {
    let world = World::new();
    world.deploy().await;
    world.store.lose();
    world.cloud.tamper("payments", |_, tags| {
        tags.insert("payhook:env".into(), "prod".into());
    });
    let facts = world.facts().await;
    let state = world.state().await;
    let seen = payhook::engine::observe(&world.cloud, &world.graph, &state, &facts)
        .await
        .unwrap();
    let refused = payhook::plan::build(&world.graph, &state, &seen, &facts).unwrap_err();
    insta::assert_snapshot!(refused.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_change_taken_back_before_its_predecessor_was_deleted_keeps_that_predecessor() {
    let world = World::new();
    world.deploy().await;
    let before = world.outputs().await;
    let mut stack = payhook::stack::Stack::payment_webhooks(&crate::world::config());
    let other = |api: &mut Api| api.description = "Another content".to_owned();
    stack.graph.amend(&stack.api, other);
    let refusal = CloudError::new("memory:Delete", Class::Denied, "AccessDenied", "not now");
    let faults = Arc::new(move |_, verb: &str, resource: &str| {
        let hit = verb == "delete" && resource == "api-deployment";
        hit.then(|| Fault::Refused(refusal.clone()))
    });
    let changed = World {
        graph: stack.graph,
        cloud: world.cloud.with_faults(faults),
        ..world.clone()
    };
    assert!(matches!(changed.try_deploy().await, Outcome::Failed(_)));
    assert_eq!(world.state().await.retired.len(), 1);
    assert_ne!(world.outputs().await, before);
    world.deploy().await;
    assert_eq!(world.outputs().await, before);
    assert!(world.state().await.retired.is_empty());
    assert_eq!(world.cloud.contents().len(), world.graph.len());
    assert!(world.preview().await.is_empty());
}
