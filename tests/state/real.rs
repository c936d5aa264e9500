//! Records as the real engine writes them, deploying the first resources of the real stack to an account in memory.

use payhook::config::Config;
use payhook::engine::{Engine, EngineError, Outcome, Run, discard, observe};
use payhook::memory::{MemoryCloud, MemoryStore};
use payhook::plan::{Facts, build};
use payhook::resources::Cloud;
use payhook::stack::{self, Stack};
use payhook::state::{Holder, Record, Store};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

const CONFIG: &str = include_str!("../../infra.toml");

/// This process, at work on a verb.
pub fn holder(verb: &str) -> Holder {
    Holder {
        user: "tester".to_owned(),
        host: "here".to_owned(),
        pid: std::process::id(),
        verb: verb.to_owned(),
        since: "2026-01-01T00:00:00Z".to_owned(),
        ..Holder::default()
    }
}

/// The records of a deploy of this many steps.
pub fn records(steps: usize) -> Vec<Record> {
    standing_still(async move {
        let store = MemoryStore::new();
        let outcome = deploy(&store, &MemoryCloud::new(), steps).await;
        let outcome = outcome.expect("a journal");
        assert!(matches!(outcome, Outcome::Completed), "{outcome:?}");
        let lines = store.history().await.expect("a whole journal");
        lines.into_iter().map(|line| line.record).collect()
    })
}

/// Runs on a thread of its own, on a clock that only moves while everybody waits.
pub fn standing_still<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let working = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(work)
    });
    working.join().expect("its end")
}

/// Deploys the first steps of the stack.
pub async fn deploy(
    store: &dyn Store,
    cloud: &MemoryCloud,
    steps: usize,
) -> Result<Outcome, EngineError> {
    let config = Config::parse("infra.toml", CONFIG, Some("dev"), None).expect("infra.toml");
    let graph = Stack::payment_webhooks(&config).graph;
    let given = cloud.given().await.expect("an account");
    let facts = Facts {
        stack: stack::NAME.to_owned(),
        env: "dev".to_owned(),
        given: given.clone(),
        artifacts: [stack::VALIDATOR, stack::PROCESSOR]
            .map(|function| (function.to_owned(), format!("sha-{function}")))
            .into(),
        tags: BTreeMap::new(),
    };
    let engine = Engine::open(cloud, store, discard(), CancellationToken::new()).await?;
    let seen = observe(cloud, &graph, &engine.state(), &facts).await?;
    let mut plan = build(&graph, &engine.state(), &seen, &facts)?;
    plan.steps.truncate(steps);
    let run = Run {
        verb: "deploy".to_owned(),
        env: "dev".to_owned(),
        given,
        at: "2026-01-01T00:00:00Z".to_owned(),
    };
    engine.apply(&plan, &seen, run).await
}
