//! What was declared once stands although the state is lost and the configuration has changed: whatever is done next, it is
//! found by its tags and goes.

use crate::world::{World, config, dies};
use payhook::engine::{EngineError, Outcome, Unsure, left_standing, survey, survey_if_lost};
use payhook::graph::{Graph, LogicalName, Node};
use payhook::memory::{Fault, MemoryCloud, Power, Tear};
use payhook::plan::{Action, rebuild, with_strays};
use payhook::resources::{Cloud, Kind};
use payhook::stack::Stack;
use payhook::state::{Record, State, Store};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The stack without alarms and dashboard.
fn less() -> Graph {
    let mut config = config();
    config.alarms.enabled = false;
    config.dashboard.enabled = false;
    Stack::payment_webhooks(&config).graph
}

/// A kind's resource under a name that no payhook of today declares.
fn former(graph: &mut Graph, kind: Kind, name: &str) {
    let kin = graph.nodes().find(|node| node.kind == kind.as_str());
    let mut node: Node = kin.expect("one of each kind").clone();
    node.name = LogicalName::from(name);
    node.physical = format!("{name}-dev");
    node.properties["name"] = json!(node.physical);
    graph.insert(node);
}

/// Deployed with alarms, dashboard and what only another payhook declared; then the state is lost, and none of that is
/// declared any more.
async fn forgotten_on(cloud: MemoryCloud) -> World {
    let mut graph = Stack::payment_webhooks(&config()).graph;
    for kind in [Kind::Queue, Kind::Topic, Kind::LogGroup, Kind::Alarm] {
        former(&mut graph, kind, &format!("former-{kind}"));
    }
    let before = World {
        cloud,
        graph,
        ..World::new()
    };
    before.deploy().await;
    before.store.lose();
    World {
        graph: less(),
        ..before
    }
}

async fn forgotten() -> World {
    forgotten_on(MemoryCloud::new()).await
}

fn standing(world: &World) -> BTreeSet<String> {
    let contents = world.cloud.contents().into_values();
    contents.map(|(logical, _)| logical).collect()
}

fn declared(world: &World) -> BTreeSet<String> {
    world.graph.nodes().map(|n| n.name.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_destroy_without_a_state_deletes_what_is_no_longer_declared() {
    let world = forgotten().await;
    world.destroy().await;
    assert_eq!(standing(&world), BTreeSet::new());
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
    assert!(world.state().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destroy_with_a_state_that_does_not_know_it_deletes_it_too() {
    let world = forgotten().await;
    let graph = world.graph.clone();
    // Somebody put a state in place that knows only what is declared.
    let (facts, none) = (world.facts().await, State::default());
    let looked = survey(&world.cloud, &graph, &world.everything, &none, &facts).await;
    let rebuilt = rebuild(&graph, &looked.expect("reads succeed").seen, &facts);
    let state = Box::new(rebuilt.expect("an order").state);
    let snapshot = Record::Snapshot { state };
    world.store.append(&snapshot).await.expect("recorded");
    world.destroy().await;
    assert_eq!(standing(&world), BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn a_deploy_without_a_state_deletes_it_with_a_reason_and_the_next_has_nothing_to_do() {
    let world = forgotten().await;
    let plan = world.preview().await;
    let deletes = plan.steps.iter().filter(|s| s.action == Action::Delete);
    let reasons: BTreeSet<&str> = deletes.clone().map(|s| s.reason.as_str()).collect();
    assert_eq!(reasons, BTreeSet::from(["no longer declared"]));
    assert_eq!(
        deletes.count(),
        13 + 4,
        "topic, dashboard, eleven alarms, and four of before"
    );
    world.deploy().await;
    assert_eq!(standing(&world), declared(&world));
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
    world.cloud.forget_calls();
    world.deploy().await;
    assert_eq!(world.cloud.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_state_holds_it_and_the_next_deploy_deletes_it() {
    let world = forgotten().await;
    let (facts, none) = (world.facts().await, State::default());
    let (graph, everything) = (&world.graph, &world.everything);
    let looked = survey(&world.cloud, graph, everything, &none, &facts).await;
    let looked = looked.expect("reads succeed");
    let rebuilt = rebuild(graph, &looked.seen, &facts).expect("an order");
    let state = with_strays(&rebuilt.state, graph, &looked.strays);
    let recorded: BTreeSet<String> = state.entries.keys().map(ToString::to_string).collect();
    assert_eq!(recorded, standing(&world));
    let state = Box::new(state);
    let snapshot = Record::Snapshot { state };
    world.store.append(&snapshot).await.expect("recorded");
    world.deploy().await;
    assert_eq!(standing(&world), declared(&world));
    assert_eq!(world.cloud.problems(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_found_it_can_be_cut_at_any_write_of_its_journal_and_any_call() {
    let start = forgotten().await;
    let start = World {
        store: start.store.reopened(),
        ..start
    };
    let whole = start.fork();
    whole.cloud.forget_calls();
    whole.deploy().await;
    let (appends, calls) = (whole.store.appends(), whole.cloud.calls());
    assert!(appends > 30, "{appends}");
    for at in 0..appends {
        for tear in [Tear::Before, Tear::Torn, Tear::After] {
            let (world, power) = (start.fork(), Power::default());
            let cut = World {
                cloud: world.cloud.on(&power),
                store: world.store.crashing(at, tear, &power),
                ..world.clone()
            };
            leads_on(world, cut, &power, &format!("append {at} {tear:?}")).await;
        }
    }
    for at in calls.iter().filter(|c| c.mutated).map(|c| c.number) {
        let (world, power) = (start.fork(), Power::default());
        world.cloud.forget_calls();
        let faults = Arc::new(move |n, _: &str, _: &str| (n == at).then_some(Fault::CrashAfter));
        let cut = World {
            cloud: world.cloud.with_faults(faults).on(&power),
            store: world.store.on(&power),
            ..world.clone()
        };
        leads_on(world, cut, &power, &format!("call {at}")).await;
    }
}

/// After a cut deploy the next one makes the world as it is declared.
async fn leads_on(world: World, cut: World, power: &Power, when: &str) {
    dies(power, cut.try_deploy()).await;
    let world = World {
        store: world.store.reopened(),
        ..world
    };
    world.deploy().await;
    assert_eq!(standing(&world), declared(&world), "{when}");
    assert!(world.preview().await.is_empty(), "{when}");
}

/// The same world for an account that may not do this.
fn refused(world: &World, hit: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> World {
    let faults = Arc::new(move |_, verb: &str, name: &str| hit(verb, name).then(Fault::denied));
    World {
        cloud: world.cloud.with_faults(faults),
        ..world.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_search_deploys_and_destroys_all_the_same_and_is_told() {
    let world = forgotten().await;
    let refused = refused(&world, |verb, _| verb == "search");
    let (facts, none) = (world.facts().await, State::default());
    let (graph, everything) = (&refused.graph, &refused.everything);
    let looked = survey(&refused.cloud, graph, everything, &none, &facts).await;
    let unsure = looked.expect("no dead end").unsure;
    assert!(matches!(&unsure[..], [Unsure::Search(_)]), "{unsure:?}");
    assert!(matches!(refused.try_deploy().await, Outcome::Completed));
    assert!(matches!(refused.try_destroy().await, Outcome::Completed));
    // Whoever may, finds the rest.
    assert!(!standing(&world).is_empty());
    world.destroy().await;
    assert_eq!(standing(&world), BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_told_and_is_in_nobodys_way() {
    let world = forgotten().await;
    let refused = refused(&world, |verb, name| {
        verb == "read" && name == "former-alarm"
    });
    let (facts, none) = (world.facts().await, State::default());
    let (graph, everything) = (&refused.graph, &refused.everything);
    let looked = survey(&refused.cloud, graph, everything, &none, &facts).await;
    let unsure = looked.expect("no dead end").unsure;
    let [Unsure::Standing { kind, physical, .. }] = &unsure[..] else {
        panic!("{unsure:?}");
    };
    assert_eq!(
        (*kind, physical.as_str()),
        (Kind::Alarm, "former-alarm-dev")
    );
    refused.destroy().await;
    assert_eq!(
        standing(&world),
        BTreeSet::from(["former-alarm".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_deploy_without_a_state_does_not_begin_before_the_search_has_been_answered() {
    let world = forgotten().await;
    let (facts, none) = (world.facts().await, State::default());
    let (graph, everything) = (&world.graph, &world.everything);
    let unanswered: [(&str, &str, Fault); 3] = [
        ("search", "", Fault::server_error()),
        ("search", "", Fault::expired()),
        ("read", "former-alarm", Fault::denied()),
    ];
    for (verb, name, fault) in unanswered {
        let faults =
            Arc::new(move |_, v: &str, n: &str| (v == verb && n == name).then(|| fault.clone()));
        let cloud = world.cloud.with_faults(faults);
        let looked = survey_if_lost(&cloud, graph, everything, &none, &facts).await;
        let error = looked.expect_err("what is not found now is never searched for again");
        assert!(matches!(error, EngineError::Unsure(_)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_state_in_place_no_deploy_and_no_preview_searches() {
    let world = World::new();
    world.deploy().await;
    world.cloud.forget_calls();
    world.deploy().await;
    let less = World {
        graph: less(),
        ..world.clone()
    };
    assert!(!less.preview().await.is_empty());
    less.deploy().await;
    let searches = world
        .cloud
        .calls()
        .into_iter()
        .filter(|c| c.verb == "search");
    assert_eq!(searches.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_still_listed_although_it_is_gone_does_not_count() {
    for seed in 0..20 {
        let world = forgotten_on(MemoryCloud::uncertain(seed)).await;
        tokio::time::sleep(std::time::Duration::from_secs(300)).await;
        world.destroy().await;
        assert_eq!(standing(&world), BTreeSet::new(), "seed {seed}");
        let facts = world.facts().await;
        let listed = world.cloud.tagged(&facts.stack, &facts.env).await;
        assert!(!listed.expect("an answer").is_empty(), "seed {seed}");
        let left = left_standing(&world.cloud, &world.everything, &facts, |_| false).await;
        let (left, unsure) = left.expect("an answer");
        assert!(
            left.is_empty() && unsure.is_empty(),
            "seed {seed}: {left:?} {unsure:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_carries_the_tags_of_another_environment_or_stack_is_left_alone() {
    for (tag, value) in [("payhook:env", "prod"), ("payhook:stack", "shop")] {
        let world = forgotten().await;
        world.cloud.tamper("former-alarm", |_, tags| {
            drop(tags.insert(tag.into(), value.into()))
        });
        world.destroy().await;
        assert_eq!(
            standing(&world),
            BTreeSet::from(["former-alarm".to_owned()]),
            "{tag}"
        );
    }
}
