//! The order of resources: topological, with the longest remaining path of each.

use super::LogicalName;
use indexmap::IndexMap;
use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Resources that wait for each other, so that none can be made first.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("resources wait for each other: {}", .0.iter().map(LogicalName::as_str).collect::<Vec<_>>().join(" -> "))]
pub struct Cycle(pub Vec<LogicalName>);

/// A topological order with both directions of its edges.
#[derive(Clone, Debug)]
pub struct Order {
    sorted: Vec<LogicalName>,
    dependencies: HashMap<LogicalName, BTreeSet<LogicalName>>,
    dependents: HashMap<LogicalName, BTreeSet<LogicalName>>,
}

impl Order {
    /// Orders resources by their dependencies; names outside the map are ignored.
    pub fn of(edges: &IndexMap<LogicalName, BTreeSet<LogicalName>>) -> Result<Self, Cycle> {
        let mut graph = DiGraph::<LogicalName, ()>::with_capacity(edges.len(), edges.len() * 3);
        let index: HashMap<&LogicalName, NodeIndex> = edges
            .keys()
            .map(|name| (name, graph.add_node(name.clone())))
            .collect();
        // petgraph sorts by a depth-first search that starts at the last node; feeding both in reverse keeps
        // the order of declaration wherever dependencies leave it open.
        for (name, dependencies) in edges.iter().rev() {
            for dependency in dependencies {
                if let Some(from) = index.get(dependency) {
                    graph.add_edge(*from, index[name], ());
                }
            }
        }
        let sorted = toposort(&graph, None).map_err(|_| cycle(&graph))?;
        let sorted = sorted.into_iter().map(|i| graph[i].clone()).collect();
        Ok(Self::with_edges(sorted, edges))
    }

    fn with_edges(
        sorted: Vec<LogicalName>,
        edges: &IndexMap<LogicalName, BTreeSet<LogicalName>>,
    ) -> Self {
        let mut dependencies: HashMap<_, BTreeSet<_>> = HashMap::new();
        let mut dependents: HashMap<_, BTreeSet<_>> = HashMap::new();
        for (name, needed) in edges {
            for dependency in needed.iter().filter(|d| edges.contains_key(*d)) {
                dependencies
                    .entry(name.clone())
                    .or_default()
                    .insert(dependency.clone());
                dependents
                    .entry(dependency.clone())
                    .or_default()
                    .insert(name.clone());
            }
        }
        Self {
            sorted,
            dependencies,
            dependents,
        }
    }

    /// Every resource after all it depends on.
    pub fn sorted(&self) -> &[LogicalName] {
        &self.sorted
    }

    /// What a resource waits for directly.
    pub fn dependencies(&self, name: &LogicalName) -> impl Iterator<Item = &LogicalName> {
        self.dependencies.get(name).into_iter().flatten()
    }

    /// What waits directly for a resource.
    pub fn dependents(&self, name: &LogicalName) -> impl Iterator<Item = &LogicalName> {
        self.dependents.get(name).into_iter().flatten()
    }

    /// For each resource the longest time from its start to the end of everything that waits for it.
    pub fn remaining(
        &self,
        cost: impl Fn(&LogicalName) -> Duration,
    ) -> HashMap<LogicalName, Duration> {
        let mut remaining: HashMap<LogicalName, Duration> = HashMap::new();
        for name in self.sorted.iter().rev() {
            let behind = self
                .dependents(name)
                .filter_map(|d| remaining.get(d))
                .max()
                .copied()
                .unwrap_or_default();
            remaining.insert(name.clone(), behind + cost(name));
        }
        remaining
    }

    /// The length of the critical path: no schedule can be shorter.
    pub fn critical_path(&self, cost: impl Fn(&LogicalName) -> Duration) -> Duration {
        self.remaining(cost).into_values().max().unwrap_or_default()
    }
}

fn cycle(graph: &DiGraph<LogicalName, ()>) -> Cycle {
    let members = kosaraju_scc(graph)
        .into_iter()
        .find(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
        .unwrap_or_default();
    Cycle(members.into_iter().map(|i| graph[i].clone()).collect())
}
