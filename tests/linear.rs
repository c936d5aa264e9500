//! Planning grows as the stack does, counted in what does not depend on the machine: allocations and bytes.
//!
//! A test program of its own, since one in which allocations are counted is several times slower.

#[allow(dead_code, reason = "the laws use more of it")]
#[path = "laws/world.rs"]
mod world;

use allocation_counter::{AllocationInfo, measure};
use payhook::engine::observe;
use payhook::memory::Shape;
use payhook::plan::{build, destroy};
use payhook::state::State;
use std::collections::BTreeMap;
use world::World;

const SMALL: usize = 250;
const TIMES: usize = 8;
/// Names have more digits, and tables grow by doubling.
const ALLOWED: f64 = 1.05;

/// What a plan from nothing, a plan of what stands, and a plan of a destroy take.
async fn taken(shape: Shape, size: usize) -> [AllocationInfo; 3] {
    let world = World::of(shape.graph(size, 1));
    let facts = world.facts().await;
    let (graph, none) = (&world.graph, State::default());
    let fresh = measure(|| drop(build(graph, &none, &BTreeMap::new(), &facts)));
    world.deploy().await;
    let state = world.state().await;
    let seen = observe(&world.cloud, graph, &state, &facts).await;
    let seen = seen.expect("all of it can be read");
    let standing = measure(|| drop(build(graph, &state, &seen, &facts)));
    let owned: Vec<_> = state.entries.into_iter().collect();
    [fresh, standing, measure(|| drop(destroy(&owned, &[])))]
}

#[tokio::test(start_paused = true)]
async fn eight_times_the_resources_take_eight_times_the_planning() {
    for shape in Shape::ALL {
        let (small, large) = (taken(shape, SMALL).await, taken(shape, SMALL * TIMES).await);
        let plans = ["from nothing", "of what stands", "of a destroy"];
        for (plan, (small, large)) in plans.into_iter().zip(small.into_iter().zip(large)) {
            assert!(small.count_total > SMALL as u64, "{shape:?} {plan}");
            for (what, small, large) in [
                ("allocations", small.count_total, large.count_total),
                ("bytes", small.bytes_total, large.bytes_total),
                ("bytes at once", small.bytes_max, large.bytes_max),
            ] {
                let times = large as f64 / small as f64;
                let allowed = TIMES as f64 * ALLOWED;
                assert!(
                    times <= allowed,
                    "{shape:?} {plan}: {times:.2} x the {what}"
                );
            }
        }
    }
}
