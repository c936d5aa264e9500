//! What the account in memory does to a deploy, as AWS would.

use crate::world::World;
use payhook::engine::{Cause, Engine, Event, Outcome, collect, observe};
use payhook::memory::MemoryCloud;
use payhook::plan::build;
use payhook::resources::{Class, Kind};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

fn uncertain(seed: u64) -> World {
    World {
        cloud: MemoryCloud::uncertain(seed),
        ..World::new()
    }
}

/// Deploys, and says what was waited for.
async fn waits(world: &World) -> BTreeSet<String> {
    let (sink, events) = collect();
    let cancel = CancellationToken::new();
    let engine = Engine::open(&world.cloud, &world.store, sink, cancel).await;
    let engine = engine.expect("state loads");
    let (state, facts) = (engine.state(), world.facts().await);
    let seen = observe(&world.cloud, &world.graph, &state, &facts).await;
    let seen = seen.expect("reads succeed");
    let plan = build(&world.graph, &state, &seen, &facts).expect("a plan");
    let outcome = engine.apply(&plan, &seen, world.run("deploy").await).await;
    assert!(matches!(outcome, Ok(Outcome::Completed)), "{outcome:?}");
    let events = events.lock().expect("no panic");
    let waited = events.iter().filter_map(|event| match event {
        Event::StepWaiting { waiting_for, .. } => Some(waiting_for.clone()),
        _ => None,
    });
    waited.collect()
}

#[tokio::test(start_paused = true)]
async fn a_deploy_completes_however_late_what_is_made_reaches_those_who_use_it() {
    let mut waited = BTreeSet::new();
    for seed in 0..20 {
        let world = uncertain(seed);
        waited.extend(waits(&world).await);
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert!(world.preview().await.is_empty(), "seed {seed}");
    }
    // A role that Lambda does not see yet, and a stream that made the pipe fail, so that it was made anew.
    for what in ["role", "it to be deleted"] {
        let named = waited.iter().any(|waited| waited.contains(what));
        assert!(named, "{what}: {waited:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_right_after_a_destroy_waits_until_names_are_free_again_and_finds_the_secret() {
    let world = World::new();
    world.deploy().await;
    let secret = |outputs: &std::collections::BTreeMap<_, std::collections::BTreeMap<_, _>>| {
        let mut all = outputs.values();
        all.find_map(|outputs| outputs.get("secretArn").cloned())
    };
    let before = secret(&world.outputs().await);
    world.destroy().await;
    let start = Instant::now();
    world.deploy().await;
    assert!(start.elapsed() > Duration::from_secs(30), "{start:?}");
    assert!(before.is_some());
    assert_eq!(before, secret(&world.outputs().await));
}

#[tokio::test(start_paused = true)]
async fn a_quota_ends_a_deploy_without_waiting_and_once_it_is_raised_the_next_goes_on() {
    let world = World::new();
    world.cloud.limit(Kind::Function, Some(1));
    let start = Instant::now();
    let Outcome::Failed(errors) = world.try_deploy().await else {
        panic!("there is no place for the second function");
    };
    let quota = |cause: &Cause| matches!(cause, Cause::Call(error) if error.class == Class::Quota);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(quota(&errors[0].cause), "{errors:?}");
    assert!(start.elapsed() < Duration::from_secs(120));
    world.cloud.limit(Kind::Function, None);
    world.deploy().await;
    assert!(world.preview().await.is_empty());
}
