//! How a run ends that could not do everything: it says so, starts nothing more, and the next one goes on.

use crate::world::World;
use payhook::engine::{Engine, Event, Outcome, collect, observe};
use payhook::memory::Fault;
use payhook::plan::build;
use payhook::resources::{Class, CloudError};
use payhook::state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Deploys with an interrupt after a while; answers with what was told.
async fn interrupted_after(world: &World, after: Duration) -> (Outcome, Vec<Event>) {
    let facts = world.facts().await;
    let (sink, told) = collect();
    let cancel = CancellationToken::new();
    let engine = Engine::open(&world.cloud, &world.store, sink, cancel.clone())
        .await
        .expect("state loads");
    let state = engine.state();
    let seen = observe(&world.cloud, &world.graph, &state, &facts)
        .await
        .expect("reads succeed");
    let plan = build(&world.graph, &state, &seen, &facts).expect("a plan can be made");
    let run = world.run("deploy").await;
    let (outcome, ()) = tokio::join!(engine.apply(&plan, &seen, run), async {
        sleep(after).await;
        cancel.cancel();
    });
    let told = told.lock().expect("nobody panicked").clone();
    (outcome.expect("state can be written"), told)
}

fn is_complete(state: &State, world: &World) -> bool {
    state.entries.len() == world.graph.len() && state.open.is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_run_interrupted_at_any_time_never_says_that_it_completed_and_the_next_one_goes_on() {
    let mut cancelled = 0;
    for tenths in (0..2_000).step_by(7) {
        let world = World::new();
        let (outcome, told) = interrupted_after(&world, Duration::from_millis(100 * tenths)).await;
        let state = world.state().await;
        match outcome {
            Outcome::Completed => {
                assert!(is_complete(&state, &world) && state.complete, "{tenths}");
                break;
            }
            Outcome::Cancelled => cancelled += 1,
            Outcome::Failed(errors) => panic!("{tenths}: {errors:?}"),
        }
        assert!(!state.complete, "{tenths}");
        let Some(Event::RunEnded { ending, .. }) = told.last() else {
            panic!("{tenths}: {told:?}");
        };
        assert_eq!(ending, "cancelled", "{tenths}");
        world.deploy().await;
        assert_eq!(world.cloud.contents().len(), world.graph.len(), "{tenths}");
        assert!(world.preview().await.is_empty(), "{tenths}");
    }
    assert!(cancelled > 50, "{cancelled}");
}

#[tokio::test(start_paused = true)]
async fn when_the_credentials_expire_nothing_more_is_started_and_the_next_run_goes_on() {
    let whole = World::new();
    whole.deploy().await;
    let calls = whole.cloud.calls().len();
    let expired = CloudError::new("any", Class::Credentials, "ExpiredToken", "it has expired");
    // Everything is read first, and what nobody declares is searched for.
    for at in (whole.graph.len() + 1..calls).step_by(7) {
        let world = World::new();
        let refusal = expired.clone();
        let faults =
            Arc::new(move |n, _: &str, _: &str| (n >= at).then(|| Fault::Refused(refusal.clone())));
        let signed_out = World {
            cloud: world.cloud.with_faults(faults),
            ..world.clone()
        };
        let Outcome::Failed(errors) = signed_out.try_deploy().await else {
            panic!("call {at}: it was to fail");
        };
        // Whoever was on the way hears of it once; nobody sets out after the first.
        let refused = world.cloud.calls().len() - at;
        assert_eq!(refused, errors.len(), "call {at}: {errors:#?}");
        assert!(!world.state().await.complete);
        world.deploy().await;
        assert_eq!(world.cloud.contents().len(), world.graph.len(), "call {at}");
        assert!(world.preview().await.is_empty(), "call {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_is_refused_for_what_was_changed_since_the_plan_is_made_again_as_things_stand()
 {
    let world = World::new();
    world.deploy().await;
    let protected = CloudError::new("any", Class::Invalid, "ValidationException", "protected");
    let first = AtomicBool::new(true);
    let faults = Arc::new(move |_, verb: &str, name: &str| {
        let hit = verb == "delete" && name == "payments" && first.swap(false, Ordering::SeqCst);
        hit.then(|| Fault::Refused(protected.clone()))
    });
    let cloud = world.cloud.with_faults(faults);
    World {
        cloud,
        ..world.clone()
    }
    .destroy()
    .await;
    let calls = world.cloud.calls().into_iter();
    let verbs: Vec<_> = calls
        .filter(|call| call.resource == "payments")
        .map(|call| call.verb)
        .collect();
    let again = verbs
        .windows(3)
        .any(|three| three == ["delete", "read", "delete"]);
    assert!(again, "{verbs:?}");
}
