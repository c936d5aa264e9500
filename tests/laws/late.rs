//! What AWS has made and does not show yet is neither made a second time nor taken for gone.

use crate::world::{World, dies};
use payhook::engine::Outcome;
use payhook::memory::{Fault, Power};
use payhook::resources::{Class, CloudError, Kind, definition};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Later than whatever any kind hides.
const LATER: Duration = Duration::from_secs(300);
const NAMELESS: [&str; 3] = ["key", "api", "api-deployment"];

/// Reads show what is made of a kind as late as they may.
fn hide(world: &World, kind: Kind) {
    let hidden = definition(kind).hidden() - Duration::from_secs(1);
    world.cloud.hide([(kind, hidden)]);
}

fn kind_of(world: &World, resource: &str) -> Kind {
    let node = world.graph.get(&resource.into()).expect("declared");
    Kind::parse(node.kind).expect("known")
}

/// A process whose first put of a resource meets a fault, and its power supply.
fn unlucky(world: &World, resource: &'static str, fault: Fault) -> (World, Power) {
    let power = Power::default();
    let first = std::sync::atomic::AtomicBool::new(true);
    let faults = Arc::new(move |_, verb: &str, name: &str| {
        let hit = verb == "put" && name == resource;
        (hit && first.swap(false, std::sync::atomic::Ordering::SeqCst)).then(|| fault.clone())
    });
    let unlucky = World {
        cloud: world.cloud.with_faults(faults).on(&power),
        store: world.store.on(&power),
        ..world.clone()
    };
    (unlucky, power)
}

async fn stands_once_and_alone(world: &World, at: &str) {
    sleep(LATER).await;
    let contents = world.cloud.contents();
    assert_eq!(
        contents.len(),
        world.graph.len(),
        "{at}: {:?}",
        contents.keys()
    );
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0, "{at}");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_and_that_no_read_shows_yet_is_never_sent_again() {
    for resource in NAMELESS {
        let world = World::new();
        hide(&world, kind_of(&world, resource));
        let (unlucky, _) = unlucky(&world, resource, Fault::AnswerLost);
        unlucky.deploy().await;
        stands_once_and_alone(&world, resource).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_a_crash_cut_off_and_that_no_read_shows_yet_is_never_sent_again() {
    for resource in NAMELESS {
        let world = World::new();
        hide(&world, kind_of(&world, resource));
        let (doomed, power) = unlucky(&world, resource, Fault::CrashAfter);
        dies(&power, doomed.try_deploy()).await;
        let world = World {
            store: world.store.reopened(),
            ..world
        };
        // The crash takes no time at all: the next run begins in the same instant.
        world.deploy().await;
        stands_once_and_alone(&world, resource).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replace_that_a_crash_cut_off_and_that_no_read_shows_yet_is_never_sent_again() {
    use payhook::resources::api::Api;
    let world = World::new();
    world.deploy().await;
    let mut stack = payhook::stack::Stack::payment_webhooks(&crate::world::config());
    stack.graph.amend(&stack.api, |api: &mut Api| {
        api.description = "Another".to_owned()
    });
    let world = World {
        graph: stack.graph,
        ..world
    };
    hide(&world, Kind::ApiDeployment);
    let (doomed, power) = unlucky(&world, "api-deployment", Fault::CrashAfter);
    dies(&power, doomed.try_deploy()).await;
    let world = World {
        store: world.store.reopened(),
        ..world
    };
    world.deploy().await;
    stands_once_and_alone(&world, "api-deployment").await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_refused_is_tried_again_by_the_next_run_without_a_wait() {
    for resource in NAMELESS {
        let time_of = async |world: World| {
            let start = Instant::now();
            world.deploy().await;
            start.elapsed()
        };
        let whole = time_of(World::new()).await;
        let world = World::new();
        let refusal = CloudError::new("memory:Put", Class::Denied, "AccessDenied", "not yet");
        let (refused, _) = unlucky(&world, resource, Fault::Refused(refusal));
        assert!(matches!(refused.try_deploy().await, Outcome::Failed(_)));
        assert!(time_of(world).await <= whole, "{resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_right_after_a_crash_finds_what_no_read_shows_yet() {
    let whole = World::new();
    whole.deploy().await;
    for name in whole.state().await.entries.keys() {
        let resource: &'static str = name.as_str().to_owned().leak();
        let world = World::new();
        hide(&world, kind_of(&world, resource));
        let (doomed, power) = unlucky(&world, resource, Fault::CrashAfter);
        dies(&power, doomed.try_deploy()).await;
        let world = World {
            store: world.store.reopened(),
            ..world
        };
        world.destroy().await;
        let left = world.cloud.contents();
        assert!(left.is_empty(), "{resource}: {:?}", left.keys());
        assert!(world.state().await.is_empty(), "{resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn right_after_a_deploy_nothing_that_is_not_shown_yet_counts_as_deleted_outside() {
    let world = World::new();
    let hidden = Duration::from_secs(4);
    world
        .cloud
        .hide(Kind::ALL.iter().map(|kind| (*kind, hidden)));
    world.deploy().await;
    assert!(world.preview().await.is_empty());
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
    world.destroy().await;
    assert!(world.cloud.contents().is_empty());
}
