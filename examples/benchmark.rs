//! How near to the limit payhook works: makespans against their bound, and planning time against size.
//!
//! `cargo run --release --example benchmark` prints both for the real stack and for generated graphs. Runs take place in
//! an account in memory, on a clock that jumps; only planning is timed on a real one. docs/benchmark.md explains the
//! columns.

use payhook::config::Config;
use payhook::engine::{Engine, Outcome, Run, discard, observe, survey, survey_if_lost};
use payhook::graph::Graph;
use payhook::memory::{
    MemoryCloud, MemoryStore, Shape, shortest_deploy, shortest_destroy, shortest_preview,
};
use payhook::plan::{Facts, build, destroy, owned};
use payhook::resources::{Cloud, Tags};
use payhook::stack::{self, Stack};
use payhook::state::{State, Store};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error>;

const CONFIG: &str = include_str!("../infra.toml");
const SIZES: [usize; 4] = [10, 100, 1_000, 5_000];
/// Planning is timed so often, and the shortest time counts: what else the machine does only adds to it.
const TIMES: usize = 5;
const PLANNED: [usize; 4] = [625, 1_250, 2_500, 5_000];
/// Until what was made is visible everywhere.
const REST: Duration = Duration::from_secs(60);

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(async {
        println!("makespans, in seconds of the account in memory");
        println!(
            "{:<22} {:>9} {:>9} {:>9} {:>7} {:>7}",
            "graph", "run", "makespan", "bound", "ratio", "calls"
        );
        let config = Config::parse("infra.toml", CONFIG, Some("dev"), None)?;
        let stack = Stack::payment_webhooks(&config).graph;
        runs(&format!("the stack, {}", stack.len()), stack).await?;
        for shape in Shape::ALL {
            for size in SIZES {
                runs(&format!("{shape:?}, {size}"), shape.graph(size, 1)).await?;
            }
        }
        println!("\nplanning, in microseconds a resource, and against the smallest size");
        println!(
            "{:<22} {:>16} {:>16} {:>16} {:>16}",
            "graph", "from nothing", "as it stands", "destroy", "a copy"
        );
        for shape in Shape::ALL {
            planning(shape).await?;
        }
        Ok(())
    })
}

/// An account, a journal, and what is to stand there.
struct Bench {
    cloud: MemoryCloud,
    store: MemoryStore,
    graph: Graph,
    facts: Facts,
}

impl Bench {
    async fn of(graph: Graph) -> Result<Self, Failure> {
        let cloud = MemoryCloud::new();
        let artifacts = [stack::VALIDATOR, stack::PROCESSOR];
        let facts = Facts {
            stack: stack::NAME.to_owned(),
            env: "dev".to_owned(),
            given: cloud.given().await?,
            artifacts: artifacts.map(|f| (f.to_owned(), format!("sha-{f}"))).into(),
            tags: Tags::new(),
        };
        Ok(Self {
            cloud,
            store: MemoryStore::new(),
            graph,
            facts,
        })
    }

    async fn state(&self) -> Result<State, Failure> {
        Ok(self.store.load().await?)
    }

    /// Deploys, or destroys, and says how long it took.
    async fn run(&self, verb: &str) -> Result<Duration, Failure> {
        let start = Instant::now();
        let cancel = CancellationToken::new();
        let engine = Engine::open(&self.cloud, &self.store, discard(), cancel).await?;
        let state = engine.state();
        let (graph, facts) = (&self.graph, &self.facts);
        let (plan, seen) = if verb == "destroy" {
            let seen = survey(&self.cloud, graph, graph, &state, facts).await?.seen;
            let owned = owned(graph, &state, &seen, facts)?;
            (destroy(&owned.entries, &owned.retired), seen)
        } else {
            let seen = survey_if_lost(&self.cloud, graph, graph, &state, facts)
                .await?
                .seen;
            (build(graph, &state, &seen, facts)?, seen)
        };
        let run = Run {
            verb: verb.to_owned(),
            env: "dev".to_owned(),
            given: self.facts.given.clone(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        match engine.apply(&plan, &seen, run).await? {
            Outcome::Completed => Ok(start.elapsed()),
            Outcome::Failed(errors) => {
                let first = errors.first().map(ToString::to_string);
                let first = first.unwrap_or_default();
                Err(format!("{verb}: {} steps failed, first {first}", errors.len()).into())
            }
            _ => Err(format!("{verb} did not complete").into()),
        }
    }
}

async fn runs(name: &str, graph: Graph) -> Result<(), Failure> {
    let bench = Bench::of(graph).await?;
    let line = |run: &str, took: Duration, bound: Duration| {
        let (took, bound) = (took.as_secs_f64(), bound.as_secs_f64());
        let (ratio, calls) = (took / bound, bench.cloud.calls().len());
        println!("{name:<22} {run:>9} {took:>9.2} {bound:>9.2} {ratio:>7.3} {calls:>7}");
        bench.cloud.forget_calls();
    };
    line(
        "deploy",
        bench.run("deploy").await?,
        shortest_deploy(&bench.graph)?,
    );
    tokio::time::sleep(REST).await;
    line(
        "no-op",
        bench.run("deploy").await?,
        shortest_preview(&bench.graph),
    );
    line(
        "destroy",
        bench.run("destroy").await?,
        shortest_destroy(&bench.graph)?,
    );
    Ok(())
}

/// The shortest of several times, in microseconds a resource.
fn timed<T>(size: usize, mut what: impl FnMut() -> Result<T, Failure>) -> Result<f64, Failure> {
    let mut shortest = f64::INFINITY;
    for _ in 0..TIMES {
        let start = std::time::Instant::now();
        drop(what()?);
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    Ok(shortest * 1e6 / size as f64)
}

async fn planning(shape: Shape) -> Result<(), Failure> {
    let mut smallest: Option<[f64; 4]> = None;
    for size in PLANNED {
        let bench = Bench::of(shape.graph(size, 1)).await?;
        let facts = &bench.facts;
        let none = State::default();
        let fresh = timed(size, || {
            Ok(build(&bench.graph, &none, &BTreeMap::new(), facts)?)
        })?;
        bench.run("deploy").await?;
        let state = bench.state().await?;
        let seen = observe(&bench.cloud, &bench.graph, &state, facts).await?;
        let standing = timed(size, || Ok(build(&bench.graph, &state, &seen, facts)?))?;
        let owned: Vec<_> = state.entries.clone().into_iter().collect();
        let end = timed(size, || Ok(destroy(&owned, &[])))?;
        // What no plan of a destroy can do without: it holds everything that is to go.
        let copy = timed(size, || Ok(owned.clone()))?;
        let all = [fresh, standing, end, copy];
        let first = *smallest.get_or_insert(all);
        let column = |i: usize| format!("{:.1} ({:.2})", all[i], all[i] / first[i]);
        println!(
            "{:<22} {:>16} {:>16} {:>16} {:>16}",
            format!("{shape:?}, {size}"),
            column(0),
            column(1),
            column(2),
            column(3)
        );
    }
    Ok(())
}
