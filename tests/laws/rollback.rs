//! The way back to the last successful deploy: from everywhere, also from the middle of itself.

use crate::standing::{assert_same, standing};
use crate::world::{World, dies};
use payhook::engine::{Engine, Outcome, Run, discard, observe};
use payhook::graph::LogicalName;
use payhook::memory::{Fault, Power};
use payhook::plan::{self, Facts, Plan, graph_of, tags_of, target};
use payhook::resources::{Class, CloudError, Seen};
use payhook::state::{Good, Record, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The deploy to go back to, when nobody names another.
pub async fn way_back(world: &World) -> Option<Good> {
    let given = world.facts().await.given;
    target(&world.state().await, &given).cloned()
}

/// What a rollback would do, and what is there.
pub async fn plan_of_rollback(world: &World, good: &Good) -> (Plan, BTreeMap<LogicalName, Seen>) {
    let state = world.state().await;
    let facts = Facts {
        tags: tags_of(good),
        artifacts: BTreeMap::new(),
        ..world.facts().await
    };
    let graph = graph_of(good, &facts.given);
    let seen = observe(&world.cloud, &graph, &state, &facts)
        .await
        .expect("reads succeed");
    let plan = plan::rollback(good, &state, &seen, &facts).expect("a plan can be made");
    (plan, seen)
}

pub async fn try_rollback(world: &World, good: &Good) -> Outcome {
    let (plan, seen) = plan_of_rollback(world, good).await;
    let cancel = CancellationToken::new();
    let engine = Engine::open(&world.cloud, &world.store, discard(), cancel)
        .await
        .expect("state loads");
    engine
        .record(Record::Returning { run: good.run })
        .await
        .expect("state can be written");
    let run = Run {
        verb: "rollback".to_owned(),
        env: "dev".to_owned(),
        given: world.facts().await.given,
        at: "2026-01-01T00:00:00Z".to_owned(),
    };
    engine
        .apply(&plan, &seen, run)
        .await
        .expect("state can be written")
}

async fn rollback_to(world: &World, good: &Good) {
    let outcome = try_rollback(world, good).await;
    assert!(matches!(outcome, Outcome::Completed), "{outcome:?}");
}

async fn rollback(world: &World) {
    rollback_to(world, &way_back(world).await.expect("there is a way back")).await;
}

/// Another configuration: changed, added to and taken from.
pub fn next(world: &World) -> World {
    let text = crate::world::CONFIG
        .replace(
            "[dashboard]\nenabled = true",
            "[dashboard]\nenabled = false",
        )
        .replace("retention_days = 90", "retention_days = 30")
        .replace("rate_limit = 50 ", "rate_limit = 60 ")
        .replace("#email = ", "email = ");
    let config = payhook::config::Config::parse("infra.toml", &text, Some("dev"), None).unwrap();
    let mut next = World {
        graph: payhook::stack::Stack::payment_webhooks(&config).graph,
        ..world.clone()
    };
    next.artifacts
        .insert("payment-processor".into(), "sha-next".into());
    next.tags.insert("team".into(), "payments".into());
    next
}

/// Two deploys, and what stood after the first.
pub async fn deployed_twice() -> (World, World, BTreeMap<String, String>) {
    let first = World::new();
    first.deploy().await;
    let stood = standing(&first).await;
    let second = next(&first);
    second.deploy().await;
    assert_ne!(standing(&second).await, stood);
    (first, second, stood)
}

async fn nothing_is_left_to_do(world: &World, stood: &BTreeMap<String, String>, at: &str) {
    assert_same(&standing(world).await, stood, at);
    let contents = world.cloud.contents();
    assert_eq!(contents.len(), stood.len(), "{at}: {:?}", contents.keys());
    assert_eq!(world.cloud.problems(), Vec::<String>::new(), "{at}");
    assert!(world.preview().await.is_empty(), "{at}");
}

#[tokio::test(start_paused = true)]
async fn rollback_after_a_good_deploy_brings_back_the_one_before() {
    let (first, _, stood) = deployed_twice().await;
    rollback(&first).await;
    nothing_is_left_to_do(&first, &stood, "after the rollback").await;
    first.cloud.forget_calls();
    rollback(&first).await;
    assert_eq!(first.cloud.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn rollback_after_a_failed_deploy_brings_back_the_last_good_one() {
    let first = World::new();
    first.deploy().await;
    let stood = standing(&first).await;
    let whole = next(&first.fork());
    whole.cloud.forget_calls();
    whole.deploy().await;
    let mut refused_in = 0;
    for at in changing(&whole) {
        let world = first.fork();
        world.cloud.forget_calls();
        let refused = CloudError::new("any", Class::Denied, "AccessDenied", "no");
        let faults = Arc::new(move |n, verb: &str, _: &str| {
            (n == at && verb != "read").then(|| Fault::Refused(refused.clone()))
        });
        let unlucky = next(&World {
            cloud: world.cloud.with_faults(faults),
            ..world.clone()
        });
        if matches!(unlucky.try_deploy().await, Outcome::Completed) {
            continue;
        }
        refused_in += 1;
        rollback(&world).await;
        nothing_is_left_to_do(&world, &stood, &format!("call {at} refused")).await;
    }
    assert!(refused_in > 10, "only {refused_in} calls were refused");
}

#[tokio::test(start_paused = true)]
async fn a_deploy_crashed_anywhere_can_be_rolled_back() {
    let first = World::new();
    first.deploy().await;
    let stood = standing(&first).await;
    let whole = next(&first.fork());
    whole.cloud.forget_calls();
    whole.deploy().await;
    let mut rolled_back = 0;
    for at in changing(&whole) {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let world = first.fork();
            world.cloud.forget_calls();
            let (doomed, power) = doomed(&world, at, &fault);
            dies(&power, next(&doomed).try_deploy()).await;
            let world = World {
                store: world.store.reopened(),
                ..world
            };
            // Without a change begun there is nothing to take back.
            if !world.state().await.way.stands {
                rollback(&world).await;
                rolled_back += 1;
            }
            nothing_is_left_to_do(&world, &stood, &format!("call {at} {fault:?}")).await;
        }
    }
    println!("{rolled_back} boundaries tried");
    assert!(rolled_back > 20, "{rolled_back}");
}

/// Numbers of the calls that may change something; a crash at a read is one just before the next of them.
fn changing(world: &World) -> Vec<usize> {
    let calls = world.cloud.calls().into_iter();
    calls
        .filter(|call| call.verb != "read")
        .map(|call| call.number)
        .collect()
}

/// The same world, in which one call is the last.
fn doomed(world: &World, at: usize, fault: &Fault) -> (World, Power) {
    let power = Power::default();
    let crash = fault.clone();
    let faults = Arc::new(move |n, _: &str, _: &str| (n == at).then(|| crash.clone()));
    let doomed = World {
        cloud: world.cloud.with_faults(faults).on(&power),
        store: world.store.on(&power),
        ..world.clone()
    };
    (doomed, power)
}

#[tokio::test(start_paused = true)]
async fn a_rollback_goes_one_deploy_back_and_no_further_unless_told() {
    let world = World::new();
    let mut stood = Vec::new();
    for n in 0..5 {
        let mut version = world.clone();
        version
            .artifacts
            .insert("payment-processor".into(), format!("sha-{n}"));
        version.deploy().await;
        // A deploy without a change is not one more step back.
        version.deploy().await;
        stood.push(standing(&version).await);
    }
    let known = world.state().await.way.good;
    assert_eq!(known.len(), 3);
    for _ in 0..2 {
        rollback(&world).await;
        assert_same(&standing(&world).await, &stood[3], "one back, once");
    }
    rollback_to(&world, &known[0]).await;
    assert_same(
        &standing(&world).await,
        &stood[2],
        "the oldest that is known",
    );
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_ever_deployed_or_all_is_destroyed_there_is_no_way_back() {
    let world = World::new();
    assert!(way_back(&world).await.is_none());
    world.deploy().await;
    assert!(way_back(&world).await.is_none());
    world.destroy().await;
    assert!(way_back(&world).await.is_none());
    assert!(world.store.load().await.unwrap().way.is_unknown());
}

#[tokio::test(start_paused = true)]
async fn a_half_destroyed_stack_can_be_brought_back() {
    let first = World::new();
    first.deploy().await;
    let stood = standing(&first).await;
    let whole = first.fork();
    whole.cloud.forget_calls();
    whole.destroy().await;
    for at in (0..whole.cloud.calls().len()).step_by(5) {
        let world = first.fork();
        world.cloud.forget_calls();
        let (doomed, power) = doomed(&world, at, &Fault::CrashAfter);
        dies(&power, doomed.try_destroy()).await;
        let world = World {
            store: world.store.reopened(),
            ..world
        };
        if !world.state().await.way.stands {
            rollback(&world).await;
        }
        nothing_is_left_to_do(&world, &stood, &format!("call {at}")).await;
    }
}
