//! Near the limit: how long a run takes, on a paused clock, against what no run could undercut.
//!
//! What the bound contains stands in `payhook::memory`, in `bound.rs`.

use crate::world::World;
use payhook::memory::{Shape, shortest_deploy, shortest_destroy, shortest_preview};
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::Instant;

/// How much longer than the bound a run may take.
const ALLOWED: f64 = 1.05;

struct Makespan {
    deploy: Duration,
    destroy: Duration,
}

async fn makespan(world: &World) -> Makespan {
    let start = Instant::now();
    world.deploy().await;
    let deploy = start.elapsed();
    // What was just made must be visible everywhere before it is fair to time its end.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let start = Instant::now();
    world.destroy().await;
    let destroy = start.elapsed();
    Makespan { deploy, destroy }
}

fn near(what: &str, took: Duration, bound: Duration) {
    let ratio = took.as_secs_f64() / bound.as_secs_f64();
    assert!(
        bound <= took && took <= bound.mul_f64(ALLOWED),
        "{what} took {took:?}, {ratio:.3} of the {bound:?} it needs at least"
    );
}

#[tokio::test(start_paused = true)]
async fn deploy_and_destroy_of_the_stack_take_hardly_longer_than_their_critical_path() {
    let world = World::new();
    let took = makespan(&world).await;
    let deploy = shortest_deploy(&world.graph).expect("no cycle");
    near("deploy", took.deploy, deploy);
    let destroy = shortest_destroy(&world.graph).expect("no cycle");
    near("destroy", took.destroy, destroy);
}

/// As long after everything else that the rates have recovered.
async fn rested() -> Instant {
    tokio::time::sleep(Duration::from_secs(60)).await;
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn preview_and_a_deploy_of_what_stands_take_one_wave_of_reads() {
    let world = World::new();
    world.deploy().await;
    let wave = shortest_preview(&world.graph);
    let start = rested().await;
    world.preview().await;
    assert_eq!(start.elapsed(), wave);
    let start = rested().await;
    world.deploy().await;
    assert_eq!(start.elapsed(), wave);
}

#[tokio::test(start_paused = true)]
async fn a_preview_of_a_large_stack_takes_longer_only_by_what_published_rates_ask_for() {
    for size in [10, 300] {
        let world = World::of(Shape::Random.graph(size, 1));
        world.deploy().await;
        let start = rested().await;
        world.preview().await;
        assert_eq!(start.elapsed(), shortest_preview(&world.graph), "{size}");
    }
}

fn of_a_generated_graph(shape: Shape, size: usize, seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    let graph = shape.graph(size, seed);
    let deploy = shortest_deploy(&graph).expect("no cycle");
    let destroy = shortest_destroy(&graph).expect("no cycle");
    let took = runtime.block_on(makespan(&World::of(graph)));
    near("deploy", took.deploy, deploy);
    near("destroy", took.destroy, destroy);
}

proptest! {
    // As many as `PROPTEST_CASES` says, 256 unless told.
    #[test]
    fn any_graph_takes_hardly_longer_than_its_critical_path(
        shape in prop::sample::select(Shape::ALL.to_vec()), size in 1usize..60, seed: u64
    ) {
        of_a_generated_graph(shape, size, seed);
    }
}

/// Where rates and the path both count, the bound contains both.
#[tokio::test(start_paused = true)]
async fn large_graphs_take_hardly_longer_than_their_path_and_the_published_rates() {
    let large = Shape::ALL.map(|shape| (shape, 400));
    // So many state machines that attempts which come too early would use up their rate.
    for (shape, size) in large.into_iter().chain([(Shape::Chains, 1_000)]) {
        let world = World::of(shape.graph(size, 1));
        let deploy = shortest_deploy(&world.graph).expect("no cycle");
        let destroy = shortest_destroy(&world.graph).expect("no cycle");
        let took = makespan(&world).await;
        near(&format!("deploy of {shape:?}"), took.deploy, deploy);
        near(&format!("destroy of {shape:?}"), took.destroy, destroy);
        assert_eq!(world.cloud.throttles(), 0, "{shape:?}");
    }
}

/// Edges of a plan in proportion to those of its graph: what is planned and scheduled is looked at once for each.
#[tokio::test(start_paused = true)]
async fn a_plan_has_no_more_edges_than_its_graph_however_much_is_deleted() {
    let graph = Shape::Layers.graph(300, 7);
    let edges = |graph: &payhook::graph::Graph| -> usize {
        let nodes = graph.nodes();
        nodes.map(|node| node.dependencies().len()).sum()
    };
    let world = World::of(graph);
    let planned = world.preview().await;
    let count =
        |plan: &payhook::plan::Plan| plan.steps.iter().map(|s| s.after.len()).sum::<usize>();
    assert_eq!(count(&planned), edges(&world.graph));
    world.deploy().await;
    // Half of it is no longer declared: deletes wait for those that used them and for nobody else.
    let smaller = World {
        graph: Shape::Layers.graph(150, 7),
        ..world.clone()
    };
    let plan = smaller.preview().await;
    assert_eq!(plan.count(payhook::plan::Action::Delete), 150);
    assert!(count(&plan) <= edges(&world.graph));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_is_deleted_after_its_users_let_go_of_it() {
    let world = World::of(Shape::Chains.graph(2, 3));
    world.deploy().await;
    let names: Vec<_> = world.graph.nodes().map(|node| node.name.clone()).collect();
    let mut graph = payhook::graph::Graph::new();
    let mut user = world.graph.get(&names[1]).expect("it was made").clone();
    user.properties["uses"] = serde_json::json!([]);
    graph.insert(user);
    let plan = World { graph, ..world }.preview().await;
    let delete = plan.steps.iter().find(|s| s.resource == names[0]);
    let delete = delete.expect("it is no longer declared");
    let update = plan.steps.iter().find(|s| s.resource == names[1]);
    let update = update.expect("it changes");
    assert!(delete.after.contains(&update.id));
}

/// Published rates are obeyed before a call is sent: the account in memory refuses what comes faster.
#[tokio::test(start_paused = true)]
async fn deploy_destroy_and_deploy_again_meet_no_throttle() {
    let world = World::new();
    world.deploy().await;
    world.deploy().await;
    world.destroy().await;
    world.deploy().await;
    world.destroy().await;
    assert_eq!(world.cloud.throttles(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_care_for_the_rates_is_throttled_and_still_arrives() {
    let world = World::new();
    let hurried = World {
        cloud: world.cloud.hurried(),
        ..world.clone()
    };
    hurried.deploy().await;
    hurried.destroy().await;
    hurried.deploy().await;
    assert!(world.cloud.throttles() > 0);
    assert!(world.preview().await.is_empty());
}
