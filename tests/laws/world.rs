//! One environment of the real stack in an account in memory.

use payhook::config::Config;
use payhook::engine::{Engine, Outcome, Run, Survey, discard, survey, survey_if_lost};
use payhook::graph::{Graph, LogicalName};
use payhook::memory::{MemoryCloud, MemoryStore, Power};
use payhook::plan::{Facts, Plan, build, destroy_of, owned, with_strays};
use payhook::resources::{Cloud, Seen, Tags};
use payhook::stack::{self, Stack};
use payhook::state::{State, Store};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

pub const CONFIG: &str = include_str!("../../infra.toml");

/// A deploy of the shipped configuration with changes.
#[derive(Clone)]
pub struct World {
    pub cloud: MemoryCloud,
    pub store: MemoryStore,
    pub graph: Graph,
    /// All that any configuration could declare.
    pub everything: Graph,
    pub artifacts: BTreeMap<String, String>,
    pub tags: Tags,
}

pub fn config() -> Config {
    Config::parse("infra.toml", CONFIG, Some("dev"), None).expect("the shipped infra.toml is valid")
}

/// Runs what ends with a crash, up to that instant.
pub async fn dies<T>(power: &Power, run: impl Future<Output = T>) {
    tokio::select! {
        biased;
        () = power.lost() => {}
        _ = run => panic!("it was to crash"),
    }
}

impl World {
    pub fn new() -> Self {
        let artifacts =
            [stack::VALIDATOR, stack::PROCESSOR].map(|f| (f.to_owned(), format!("sha-{f}")));
        Self {
            cloud: MemoryCloud::new(),
            store: MemoryStore::new(),
            graph: Stack::payment_webhooks(&config()).graph,
            everything: Stack::everything(&config()).graph,
            artifacts: artifacts.into(),
            tags: Tags::new(),
        }
    }

    /// An empty account for another graph.
    pub fn of(graph: Graph) -> Self {
        Self {
            everything: graph.clone(),
            graph,
            ..Self::new()
        }
    }

    /// Another world that is the same up to now.
    pub fn fork(&self) -> Self {
        Self {
            cloud: self.cloud.fork(),
            store: self.store.fork(),
            ..self.clone()
        }
    }

    pub async fn facts(&self) -> Facts {
        Facts {
            stack: stack::NAME.to_owned(),
            env: "dev".to_owned(),
            given: self
                .cloud
                .given()
                .await
                .expect("the memory cloud knows where it is"),
            artifacts: self.artifacts.clone(),
            tags: self.tags.clone(),
        }
    }

    pub async fn state(&self) -> State {
        self.store.load().await.expect("the journal is whole")
    }

    pub async fn run(&self, verb: &str) -> Run {
        Run {
            verb: verb.to_owned(),
            env: "dev".to_owned(),
            given: self.facts().await.given,
            at: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    /// What a deploy looks at.
    async fn surveyed(&self, state: &State) -> Survey {
        let facts = self.facts().await;
        let (graph, everything) = (&self.graph, &self.everything);
        survey_if_lost(&self.cloud, graph, everything, state, &facts)
            .await
            .expect("reads succeed")
    }

    async fn plan_of_deploy(&self, state: &State, found: &Survey) -> Plan {
        let known = with_strays(state, &self.graph, &found.strays);
        build(&self.graph, &known, &found.seen, &self.facts().await).expect("a plan can be made")
    }

    pub async fn preview(&self) -> Plan {
        let state = self.state().await;
        let found = self.surveyed(&state).await;
        self.plan_of_deploy(&state, &found).await
    }

    /// Deploys once and returns how it ended.
    pub async fn try_deploy(&self) -> Outcome {
        let engine = Engine::open(
            &self.cloud,
            &self.store,
            discard(),
            CancellationToken::new(),
        )
        .await
        .expect("state loads");
        let state = engine.state();
        let found = self.surveyed(&state).await;
        let plan = self.plan_of_deploy(&state, &found).await;
        engine
            .apply(&plan, &found.seen, self.run("deploy").await)
            .await
            .expect("state can be written")
    }

    pub async fn deploy(&self) {
        match self.try_deploy().await {
            Outcome::Completed => {}
            other => panic!("deploy did not complete: {other:?}"),
        }
    }

    /// What a destroy would do.
    pub async fn plan_of_destroy(&self) -> Plan {
        self.destruction().await.0
    }

    /// The plan of a destroy, and what was seen.
    async fn destruction(&self) -> (Plan, BTreeMap<LogicalName, Seen>) {
        let facts = self.facts().await;
        let state = self.state().await;
        let (graph, everything) = (&self.graph, &self.everything);
        let found = survey(&self.cloud, graph, everything, &state, &facts)
            .await
            .expect("reads succeed");
        let owned = owned(graph, &state, &found.seen, &facts).expect("the graph has an order");
        let owned = owned.and(&found.strays);
        let plan = destroy_of(&owned.entries, &owned.retired, &found.strays);
        (plan, found.seen)
    }

    pub async fn try_destroy(&self) -> Outcome {
        let engine = Engine::open(
            &self.cloud,
            &self.store,
            discard(),
            CancellationToken::new(),
        )
        .await
        .expect("state loads");
        let (plan, seen) = self.destruction().await;
        engine
            .apply(&plan, &seen, self.run("destroy").await)
            .await
            .expect("state can be written")
    }

    pub async fn destroy(&self) {
        match self.try_destroy().await {
            Outcome::Completed => {}
            other => panic!("destroy did not complete: {other:?}"),
        }
    }

    /// Outputs by resource.
    pub async fn outputs(&self) -> BTreeMap<LogicalName, BTreeMap<String, String>> {
        self.state()
            .await
            .entries
            .into_iter()
            .map(|(name, entry)| (name, entry.outputs))
            .collect()
    }
}
