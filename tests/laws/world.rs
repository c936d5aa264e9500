//! One environment of the real stack in an account in memory.

use payhook::config::Config;
use payhook::engine::{Engine, Outcome, Run, discard, observe};
use payhook::graph::{Graph, LogicalName};
use payhook::memory::{MemoryCloud, MemoryStore, Power};
use payhook::plan::{Facts, Plan, build, destroy, owned};
use payhook::resources::{Cloud, Tags};
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
            artifacts: artifacts.into(),
            tags: Tags::new(),
        }
    }

    /// An empty account for another graph.
    pub fn of(graph: Graph) -> Self {
        Self {
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

    pub async fn preview(&self) -> Plan {
        let facts = self.facts().await;
        let state = self.state().await;
        let seen = observe(&self.cloud, &self.graph, &state, &facts)
            .await
            .expect("reads succeed");
        build(&self.graph, &state, &seen, &facts).expect("a plan can be made")
    }

    /// Deploys once and returns how it ended.
    pub async fn try_deploy(&self) -> Outcome {
        let facts = self.facts().await;
        let engine = Engine::open(
            &self.cloud,
            &self.store,
            discard(),
            CancellationToken::new(),
        )
        .await
        .expect("state loads");
        let state = engine.state();
        let seen = observe(&self.cloud, &self.graph, &state, &facts)
            .await
            .expect("reads succeed");
        let plan = build(&self.graph, &state, &seen, &facts).expect("a plan can be made");
        engine
            .apply(&plan, &seen, self.run("deploy").await)
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
        let facts = self.facts().await;
        let state = self.state().await;
        let seen = observe(&self.cloud, &self.graph, &state, &facts)
            .await
            .expect("reads succeed");
        let owned = owned(&self.graph, &state, &seen, &facts).expect("the graph has an order");
        destroy(&owned.entries, &owned.retired)
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
        let plan = self.plan_of_destroy().await;
        engine
            .apply(&plan, &BTreeMap::new(), self.run("destroy").await)
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
