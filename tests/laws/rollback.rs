//! The way back to the last successful deploy: from everywhere, also from the middle of itself.

use crate::world::World;
use payhook::engine::{Engine, Outcome, Run, discard, observe};
use payhook::memory::{Fault, Power, Tear};
use payhook::plan::{self, Facts, graph_of, tags_of, target};
use payhook::resources::{Class, CloudError, definition};
use payhook::state::{Good, Record, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const FOREVER: Duration = Duration::from_secs(100_000);

/// What stands, by logical name; ids that AWS chose are left out of it.
async fn standing(world: &World) -> BTreeMap<String, String> {
    let given = world.facts().await.given;
    let mut chosen = BTreeSet::new();
    let mut kinds = BTreeMap::new();
    for (name, entry) in world.state().await.entries {
        kinds.insert(name.to_string(), entry.kind);
        let predicted = definition(entry.kind).predicted(&entry.properties, &given);
        let ids = entry.outputs.into_iter();
        chosen.extend(ids.filter(|(name, id)| !predicted.contains_key(name) && id.len() > 5));
    }
    let mut chosen: Vec<String> = chosen.into_iter().map(|(_, id)| id).collect();
    chosen.sort_by_key(|id| std::cmp::Reverse(id.len()));
    let plain = |name: &str, properties: Value| {
        let text = match kinds.get(name) {
            Some(kind) => definition(*kind).canonical(&properties).to_string(),
            None => properties.to_string(),
        };
        chosen.iter().fold(text, |text, id| text.replace(id, "ID"))
    };
    let contents = world.cloud.contents().into_values();
    contents
        .map(|(name, properties)| (name.clone(), plain(&name, properties)))
        .collect()
}

fn assert_same(found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>, at: &str) {
    let names: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    for name in names {
        assert_eq!(found.get(name), wanted.get(name), "{at}: {name}");
    }
}

/// The deploy to go back to, when nobody names another.
async fn way_back(world: &World) -> Option<Good> {
    let given = world.facts().await.given;
    target(&world.state().await, &given).cloned()
}

async fn try_rollback(world: &World, good: &Good) -> Outcome {
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
        given: facts.given,
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
fn next(world: &World) -> World {
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
async fn deployed_twice() -> (World, World, BTreeMap<String, String>) {
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
            let (doomed, _) = doomed(&world, at, &fault);
            assert!(timeout(FOREVER, next(&doomed).try_deploy()).await.is_err());
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

/// After a crash in the middle of a rollback, both ways lead on: back, and forward again.
async fn goes_on(world: World, second: &World, stood: &BTreeMap<String, String>, at: &str) {
    let world = World {
        store: world.store.reopened(),
        ..world
    };
    let forward = World {
        cloud: world.cloud.fork(),
        store: world.store.fork(),
        ..second.clone()
    };
    rollback(&world).await;
    nothing_is_left_to_do(&world, stood, at).await;
    forward.deploy().await;
    assert!(forward.preview().await.is_empty(), "{at}, forward");
    assert_eq!(
        forward.cloud.contents().len(),
        forward.graph.len(),
        "{at}, forward"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_cut_at_any_call_goes_on_back_or_forward() {
    let (first, second, stood) = deployed_twice().await;
    let to = way_back(&first).await.expect("there is a way back");
    let whole = first.fork();
    whole.cloud.forget_calls();
    rollback(&whole).await;
    let calls = changing(&whole);
    for at in calls.iter().copied() {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let world = first.fork();
            world.cloud.forget_calls();
            let (doomed, _) = doomed(&world, at, &fault);
            assert!(timeout(FOREVER, try_rollback(&doomed, &to)).await.is_err());
            goes_on(world, &second, &stood, &format!("call {at} {fault:?}")).await;
        }
    }
    println!("{} boundaries tried", calls.len() * 2);
    assert!(calls.len() > 20, "{}", calls.len());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_cut_at_any_journal_write_goes_on_back_or_forward() {
    let (first, second, stood) = deployed_twice().await;
    let to = way_back(&first).await.expect("there is a way back");
    let whole = first.fork();
    let whole = World {
        store: whole.store.reopened(),
        ..whole
    };
    rollback(&whole).await;
    let appends = whole.store.appends();
    for at in 0..appends {
        // A torn record is as good as none.
        for tear in [[Tear::Before, Tear::Torn][at % 2], Tear::After] {
            let world = first.fork();
            let power = Power::default();
            let doomed = World {
                cloud: world.cloud.on(&power),
                store: world.store.crashing(at, tear, &power),
                ..world.clone()
            };
            assert!(timeout(FOREVER, try_rollback(&doomed, &to)).await.is_err());
            goes_on(world, &second, &stood, &format!("append {at} {tear:?}")).await;
        }
    }
    println!("{} boundaries tried", appends * 2);
    assert!(appends > 20);
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
        let (doomed, _) = doomed(&world, at, &Fault::CrashAfter);
        assert!(timeout(FOREVER, doomed.try_destroy()).await.is_err());
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
