//! After drift: what was applied comes back, or what was found is known from then on.

use super::{deployed, look, reported};
use crate::world::World;
use payhook::engine::{Engine, Outcome, Run, discard};
use payhook::plan::{self, Facts, accept};
use payhook::state::{Record, Store};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;

/// Changes many settings at once: properties, tags, and what payhook never sets.
fn change_settings(world: &World) {
    world.cloud.tamper("payments", |properties, tags| {
        properties["pointInTimeRecovery"] = json!(false);
        properties["unmanaged"] = json!({"tableClass": "STANDARD_INFREQUENT_ACCESS"});
        tags.insert("by-hand".to_owned(), "x".to_owned());
    });
    world.cloud.tamper("webhook-validator", |properties, _| {
        properties["memoryMb"] = json!(10_240);
        properties["environment"]["DEBUG"] = json!("1");
    });
    world.cloud.tamper("payment-events-pipe", |properties, _| {
        properties["running"] = json!(false)
    });
}

/// Changes settings and deletes what others stand on.
fn meddle(world: &World) {
    change_settings(world);
    for deleted in [
        "providers",
        "api",
        "api-deployment",
        "api-stage",
        "post-webhooks",
        "post-webhooks-provider",
        "key-alias",
    ] {
        world.cloud.remove(deleted);
    }
}

async fn revert(world: &World) {
    let state = world.state().await;
    let (_, seen) = look(world, &state).await;
    let facts = Facts {
        artifacts: BTreeMap::new(),
        ..world.facts().await
    };
    let plan = plan::revert(&state, &seen, &facts).expect("a plan can be made");
    let cancel = CancellationToken::new();
    let engine = Engine::open(&world.cloud, &world.store, discard(), cancel)
        .await
        .expect("state loads");
    let run = Run {
        verb: "revert".into(),
        env: "dev".into(),
        given: facts.given,
        at: "2026-01-01T00:00:00Z".into(),
    };
    let outcome = engine
        .apply(&plan, &seen, run)
        .await
        .expect("state can be written");
    assert!(matches!(outcome, Outcome::Completed), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn revert_brings_everything_back_without_infra_toml_and_then_nothing_has_drifted() {
    let (world, before) = deployed().await;
    meddle(&world);
    let (drift, _) = look(&world, &before).await;
    assert!(drift.drifted.len() > 6, "{drift:#?}");
    revert(&world).await;
    let (drift, _) = look(&world, &world.state().await).await;
    assert!(drift.is_empty(), "{drift:#?}");
    // What AWS chose anew has reached everything that uses it: infra.toml finds nothing to do.
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
    assert_eq!(world.cloud.contents().len(), world.graph.len());
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn reverting_everything_ever_made_is_a_deploy_without_sources() {
    let (world, before) = deployed().await;
    for name in before.entries.keys() {
        world.cloud.remove(name.as_str());
    }
    revert(&world).await;
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
    assert_eq!(world.cloud.contents().len(), world.graph.len());
}

async fn accept_all(world: &World) {
    let state = world.state().await;
    let (drift, seen) = look(world, &state).await;
    for drifted in drift.drifted {
        let resource = drifted.resource;
        let record = match seen.get(&resource) {
            None => Record::Deleted { resource },
            Some(seen) => Record::Put {
                entry: accept(&state.entries[&resource], seen),
                resource,
                done: true,
            },
        };
        world.store.append(&record).await.expect("recorded");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_is_quiet_until_it_changes_again_and_infra_toml_still_wins() {
    let (world, before) = deployed().await;
    meddle(&world);
    accept_all(&world).await;
    let accepted = world.state().await;
    let (drift, _) = look(&world, &accepted).await;
    assert!(drift.is_empty(), "{drift:#?}");
    // Back as it was applied is no drift either; a third value is.
    world.cloud.tamper("payments", |properties, _| {
        properties["pointInTimeRecovery"] = json!(true)
    });
    let (drift, _) = look(&world, &accepted).await;
    assert!(drift.is_empty(), "{drift:#?}");
    world.cloud.tamper("webhook-validator", |properties, _| {
        properties["memoryMb"] = json!(512)
    });
    let (drift, _) = look(&world, &accepted).await;
    let expected = ("webhook-validator".to_owned(), "memoryMb".to_owned());
    assert_eq!(reported(&drift), BTreeSet::from([expected]));
    let change = &drift.drifted[0].changes[0];
    assert_eq!(
        (&change.recorded, &change.live),
        (&Some(json!(10_240)), &Some(json!(512)))
    );

    world.deploy().await;
    let after = world.state().await;
    for (name, entry) in &after.entries {
        assert_eq!(
            entry.properties["name"],
            before.entries[name].properties["name"]
        );
        assert_eq!(entry.accepted, None, "{name}");
    }
    assert!(world.preview().await.is_empty());
    let (drift, _) = look(&world, &after).await;
    assert!(drift.is_empty(), "{drift:#?}");
}

#[tokio::test(start_paused = true)]
async fn reverting_after_accepting_goes_back_to_what_payhook_applied() {
    let (world, before) = deployed().await;
    change_settings(&world);
    accept_all(&world).await;
    world.cloud.tamper("payment-processor", |properties, _| {
        properties["timeoutSeconds"] = json!(1)
    });
    revert(&world).await;
    assert_eq!(world.state().await.entries, before.entries);
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
}
