//! Lost state is an oops: it is found again by names and tags, and what is not ours is never taken.

use crate::world::{World, dies};
use payhook::engine::{Outcome, Survey, survey};
use payhook::memory::{Fault, Power, Tear};
use payhook::plan::{Rebuilt, rebuild, with_strays};
use payhook::resources::api::Api;
use payhook::resources::{Class, CloudError};
use payhook::stack::Stack;
use payhook::state::{Record, State, Store, Way};
use std::sync::Arc;

/// What is found of a world whose state nobody knows.
async fn searched(world: &World) -> Survey {
    let (facts, none) = (world.facts().await, State::default());
    survey(&world.cloud, &world.graph, &world.everything, &none, &facts)
        .await
        .expect("reads succeed")
}

async fn found(world: &World) -> Rebuilt {
    let facts = world.facts().await;
    let looked = searched(world).await;
    let found = rebuild(&world.graph, &looked.seen, &facts).expect("the graph has an order");
    Rebuilt {
        state: with_strays(&found.state, &world.graph, &looked.strays),
        ..found
    }
}

/// Loses the state and puts what is found in its place.
async fn lose_and_rebuild(world: &World) {
    world.store.lose();
    let state = Box::new(found(world).await.state);
    world
        .store
        .append(&Record::Snapshot { state })
        .await
        .expect("recorded");
}

/// The state as bytes, without the number of runs and the deploys before this one, which nobody else knows.
fn bytes(state: State) -> String {
    let state = State {
        run: 0,
        way: Way::default(),
        ..state
    };
    serde_json::to_string_pretty(&state).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_state_is_the_lost_one_byte_for_byte() {
    let world = World::new();
    world.deploy().await;
    let before = world.state().await;
    lose_and_rebuild(&world).await;
    assert_eq!(bytes(world.state().await), bytes(before));
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_left_out_and_named() {
    let world = World::new();
    world.deploy().await;
    let before = world.state().await;
    for (tag, value) in [
        ("payhook:env", "prod"),
        ("payhook:stack", "shop"),
        ("payhook:resource", "orders"),
    ] {
        let world = world.fork();
        world.cloud.tamper("payments", |_, tags| {
            drop(tags.insert(tag.into(), value.into()))
        });
        let found = found(&world).await;
        let foreign: Vec<&str> = found.foreign.iter().map(|f| f.resource.as_str()).collect();
        assert_eq!(foreign, ["payments"], "{tag}");
        assert!(!found.state.entries.contains_key(&"payments".into()));
        assert_eq!(found.state.entries.len(), before.entries.len() - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_account_without_the_stack_nothing_is_found() {
    let found = found(&World::new()).await;
    assert!(found.state.is_empty() && found.foreign.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_by_hand_stands_in_a_rebuilt_state_as_it_is_and_a_deploy_puts_it_right() {
    let world = World::new();
    world.deploy().await;
    world.cloud.tamper("webhook-validator", |properties, _| {
        properties["memoryMb"] = 10_240.into()
    });
    lose_and_rebuild(&world).await;
    let state = world.state().await;
    assert_eq!(
        state.entries[&"webhook-validator".into()].properties["memoryMb"],
        10_240
    );
    world.cloud.forget_calls();
    world.deploy().await;
    let changed: Vec<String> = world
        .cloud
        .calls()
        .into_iter()
        .filter(|c| c.mutated)
        .map(|c| c.resource)
        .collect();
    assert_eq!(changed, ["webhook-validator"]);
}

/// A world whose last deploy changed the API and was refused the deletion of the old snapshot.
async fn with_an_old_snapshot() -> World {
    let world = World::new();
    world.deploy().await;
    let mut stack = Stack::payment_webhooks(&crate::world::config());
    let other = |api: &mut Api| api.description = "Another content".to_owned();
    stack.graph.amend(&stack.api, other);
    let refusal = CloudError::new("memory:Delete", Class::Denied, "AccessDenied", "not now");
    let faults = Arc::new(move |_, verb: &str, resource: &str| {
        let hit = verb == "delete" && resource == "api-deployment";
        hit.then(|| Fault::Refused(refusal.clone()))
    });
    let changed = World {
        graph: stack.graph,
        ..world.clone()
    };
    let refused = World {
        cloud: world.cloud.with_faults(faults),
        ..changed.clone()
    };
    assert!(matches!(refused.try_deploy().await, Outcome::Failed(_)));
    assert_eq!(changed.cloud.contents().len(), changed.graph.len() + 1);
    changed
}

#[tokio::test(start_paused = true)]
async fn an_old_snapshot_of_the_api_is_found_and_deleted_after_a_rebuild_and_without_one() {
    let world = with_an_old_snapshot().await;
    let before = world.state().await;
    assert_eq!(before.retired.len(), 1);

    let rebuilt = world.fork();
    lose_and_rebuild(&rebuilt).await;
    let state = rebuilt.state().await;
    let retired = |state: &State| -> Vec<_> {
        let outputs = state
            .retired
            .iter()
            .map(|(name, entry)| (name.clone(), entry.outputs.clone()));
        outputs.collect()
    };
    assert_eq!(retired(&state), retired(&before));
    assert_eq!(state.entries, before.entries);

    world.store.lose();
    for world in [rebuilt, world] {
        world.deploy().await;
        assert_eq!(world.cloud.contents().len(), world.graph.len());
        assert!(world.state().await.retired.is_empty());
        world.cloud.forget_calls();
        world.deploy().await;
        assert_eq!(world.cloud.mutations(), 0);
        assert_eq!(world.cloud.problems(), Vec::<String>::new());
    }
}

/// Another configuration that updates, replaces and removes.
async fn before_a_change() -> World {
    let world = World::new();
    world.deploy().await;
    let mut stack = Stack::payment_webhooks(&crate::world::config());
    stack.graph.amend(&stack.api, |api: &mut Api| {
        api.description = "Another content".to_owned()
    });
    let mut changed = World {
        graph: stack.graph,
        ..world
    };
    changed
        .artifacts
        .insert("payment-processor".into(), "sha-new".into());
    changed.tags.insert("team".into(), "payments".into());
    changed.cloud.tamper("payments", |properties, _| {
        properties["stream"] = "KEYS_ONLY".into()
    });
    changed
}

/// After a crash and the loss of the state: whatever is done next, the end is as if nothing had happened.
async fn recovers(world: &World, rebuilt: bool, cut_at: &str) {
    match rebuilt {
        true => lose_and_rebuild(world).await,
        false => world.store.lose(),
    }
    world.deploy().await;
    let contents = world.cloud.contents();
    assert_eq!(
        contents.len(),
        world.graph.len(),
        "{cut_at}: duplicated or leaked: {:?}",
        contents.keys()
    );
    let before = world.state().await;
    assert!(before.retired.is_empty(), "{cut_at}");
    lose_and_rebuild(world).await;
    assert_eq!(bytes(world.state().await), bytes(before), "{cut_at}");
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(
        world.cloud.mutations(),
        0,
        "{cut_at}: the next deploy changed something"
    );
    assert_eq!(world.cloud.problems(), Vec::<String>::new(), "{cut_at}");
}

async fn every_call_can_be_the_last(start: World) {
    let whole = start.fork();
    whole.cloud.forget_calls();
    whole.deploy().await;
    let calls = whole.cloud.calls();
    let mut points = 0;
    // A read changes nothing, so the points around it are the same.
    for at in calls
        .iter()
        .filter(|call| call.mutated)
        .map(|call| call.number)
    {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            // Both ways on take their turns.
            let rebuilt = points % 2 == 0;
            let world = start.fork();
            world.cloud.forget_calls();
            let power = Power::default();
            let crash = fault.clone();
            let faults = Arc::new(move |n, _: &str, _: &str| (n == at).then(|| crash.clone()));
            let doomed = World {
                cloud: world.cloud.with_faults(faults).on(&power),
                store: world.store.on(&power),
                ..world.clone()
            };
            dies(&power, doomed.try_deploy()).await;
            let world = World {
                store: world.store.reopened(),
                ..world
            };
            recovers(
                &world,
                rebuilt,
                &format!("call {at} {fault:?} rebuilt {rebuilt}"),
            )
            .await;
            points += 1;
        }
    }
    println!("{points} points tried");
    assert!(points > 40, "{points}");
}

#[tokio::test(start_paused = true)]
async fn the_state_can_be_lost_at_any_call_of_a_deploy() {
    every_call_can_be_the_last(World::new()).await;
}

#[tokio::test(start_paused = true)]
async fn the_state_can_be_lost_at_any_call_of_a_change() {
    every_call_can_be_the_last(before_a_change().await).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_takes_over_what_it_found_can_be_cut_at_any_write_of_its_journal() {
    let start = with_an_old_snapshot().await;
    start.store.lose();
    let whole = start.fork();
    let whole = World {
        store: whole.store.reopened(),
        ..whole
    };
    whole.deploy().await;
    let appends = whole.store.appends();
    assert!(appends > 30, "{appends}");
    for at in 0..appends {
        for tear in [Tear::Before, Tear::Torn, Tear::After] {
            let world = start.fork();
            let power = Power::default();
            let doomed = World {
                cloud: world.cloud.on(&power),
                store: world.store.crashing(at, tear, &power),
                ..world.clone()
            };
            dies(&power, doomed.try_deploy()).await;
            let world = World {
                store: world.store.reopened(),
                ..world
            };
            world.deploy().await;
            assert_eq!(
                world.cloud.contents().len(),
                world.graph.len(),
                "append {at} {tear:?}"
            );
            assert!(world.preview().await.is_empty(), "append {at} {tear:?}");
        }
    }
}
