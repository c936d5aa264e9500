use crate::world::World;
use payhook::memory::{Fault, Power, Tear};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any run takes: whoever is not back by then has crashed.
const FOREVER: Duration = Duration::from_secs(100_000);

#[derive(Clone, Copy, Debug)]
enum Verb {
    Deploy,
    Change,
    Destroy,
}

/// The world just before the run that is cut.
async fn before(verb: Verb) -> World {
    let world = World::new();
    match verb {
        Verb::Deploy => world,
        Verb::Change => {
            world.deploy().await;
            changed(&world)
        }
        Verb::Destroy => {
            world.deploy().await;
            world
        }
    }
}

/// Another configuration that updates, replaces and removes.
fn changed(world: &World) -> World {
    let mut changed = world.clone();
    changed
        .artifacts
        .insert("payment-processor".into(), "sha-new".into());
    changed.tags.insert("team".into(), "payments".into());
    changed.cloud.tamper("payments", |properties, _| {
        properties["stream"] = "KEYS_ONLY".into()
    });
    changed
}

async fn cut(world: &World, verb: Verb) {
    let crashed = match verb {
        Verb::Deploy | Verb::Change => timeout(FOREVER, world.try_deploy()).await.is_err(),
        Verb::Destroy => timeout(FOREVER, world.try_destroy()).await.is_err(),
    };
    assert!(crashed, "the run was to crash");
}

/// After a crash: run again, and everything is as if nothing had happened.
async fn recovers(world: &World, verb: Verb, cut_at: &str) {
    match verb {
        Verb::Deploy | Verb::Change => {
            world.deploy().await;
            let contents = world.cloud.contents();
            assert_eq!(
                contents.len(),
                world.graph.len(),
                "{cut_at}: duplicated or leaked: {:?}",
                contents.keys()
            );
            world.cloud.forget_calls();
            world.deploy().await;
            assert_eq!(
                world.cloud.mutations(),
                0,
                "{cut_at}: the next deploy changed something"
            );
        }
        Verb::Destroy => {
            world.destroy().await;
            assert!(
                world.cloud.contents().is_empty(),
                "{cut_at}: leaked {:?}",
                world.cloud.contents().keys()
            );
        }
    }
    assert_eq!(world.cloud.problems(), Vec::<String>::new(), "{cut_at}");
}

async fn every_call_can_be_the_last(verb: Verb) -> usize {
    let whole = before(verb).await;
    whole.cloud.forget_calls();
    match verb {
        Verb::Deploy | Verb::Change => whole.deploy().await,
        Verb::Destroy => whole.destroy().await,
    }
    let calls = whole.cloud.calls().len();
    let start = before(verb).await;
    for at in 0..calls {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
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
            cut(&doomed, verb).await;
            recovers(
                &World {
                    store: world.store.reopened(),
                    ..world
                },
                verb,
                &format!("{verb:?} call {at} {fault:?}"),
            )
            .await;
        }
    }
    calls * 2
}

async fn every_journal_write_can_be_the_last(verb: Verb) -> usize {
    let whole = before(verb).await;
    let whole = World {
        store: whole.store.reopened(),
        ..whole
    };
    match verb {
        Verb::Deploy | Verb::Change => whole.deploy().await,
        Verb::Destroy => whole.destroy().await,
    }
    let appends = whole.store.appends();
    let start = before(verb).await;
    for at in 0..appends {
        for tear in [Tear::Before, Tear::Torn, Tear::After] {
            let world = start.fork();
            let power = Power::default();
            let doomed = World {
                cloud: world.cloud.on(&power),
                store: world.store.crashing(at, tear, &power),
                ..world.clone()
            };
            cut(&doomed, verb).await;
            recovers(
                &World {
                    store: world.store.reopened(),
                    ..world
                },
                verb,
                &format!("{verb:?} append {at} {tear:?}"),
            )
            .await;
        }
    }
    appends * 3
}

macro_rules! crash_tests {
    ($($name:ident: $cut:ident($verb:ident);)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            let boundaries = $cut(Verb::$verb).await;
            println!("{boundaries} boundaries tried");
            assert!(boundaries > 60, "too few boundaries to mean anything: {boundaries}");
        })*
    };
}

crash_tests! {
    a_deploy_cut_at_any_call_converges_on_the_next_run: every_call_can_be_the_last(Deploy);
    a_deploy_cut_at_any_journal_write_converges_on_the_next_run: every_journal_write_can_be_the_last(Deploy);
    a_change_cut_at_any_call_converges_on_the_next_run: every_call_can_be_the_last(Change);
    a_change_cut_at_any_journal_write_converges_on_the_next_run: every_journal_write_can_be_the_last(Change);
    a_destroy_cut_at_any_call_converges_on_the_next_run: every_call_can_be_the_last(Destroy);
    a_destroy_cut_at_any_journal_write_converges_on_the_next_run: every_journal_write_can_be_the_last(Destroy);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_never_makes_a_second_resource() {
    let whole = before(Verb::Deploy).await;
    whole.deploy().await;
    let calls = whole.cloud.calls().len();
    for at in 0..calls {
        let world = before(Verb::Deploy).await;
        let faults = Arc::new(move |n, _: &str, _: &str| (n == at).then_some(Fault::AnswerLost));
        let unlucky = World {
            cloud: world.cloud.with_faults(faults),
            ..world.clone()
        };
        unlucky.deploy().await;
        let contents = world.cloud.contents();
        assert_eq!(
            contents.len(),
            world.graph.len(),
            "call {at}: {:?}",
            contents.keys()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_is_deleted_although_it_is_no_longer_declared() {
    let text = crate::world::CONFIG.replace(
        "[dashboard]\nenabled = true",
        "[dashboard]\nenabled = false",
    );
    let config = payhook::config::Config::parse("infra.toml", &text, Some("dev"), None).unwrap();
    let graph = payhook::stack::Stack::payment_webhooks(&config).graph;
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let world = World::new();
        let power = Power::default();
        let crash = fault.clone();
        let making = move |_, verb: &str, resource: &str| {
            (verb == "put" && resource == "dashboard").then(|| crash.clone())
        };
        let doomed = World {
            cloud: world.cloud.with_faults(Arc::new(making)).on(&power),
            store: world.store.on(&power),
            ..world.clone()
        };
        cut(&doomed, Verb::Deploy).await;
        let smaller = World {
            graph: graph.clone(),
            store: world.store.reopened(),
            ..world
        };
        recovers(&smaller, Verb::Deploy, &format!("{fault:?}")).await;
        smaller.destroy().await;
        assert!(smaller.state().await.is_empty());
        assert!(smaller.cloud.contents().is_empty());
    }
}
