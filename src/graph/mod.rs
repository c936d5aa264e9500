//! The typed resource graph: resources, the outputs they use of each other, and their order. Pure: no clock, no I/O.

mod handle;
mod input;
mod order;
mod values;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

pub use handle::Handle;
pub use input::{
    Input, Output, OutputRef, Part, Resolution, Unresolved, join, references, resolve,
};
pub use order::{Cycle, Order};
pub use values::*;

/// The name of a resource inside its stack, the same in every environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogicalName(String);

impl LogicalName {
    /// Wraps a logical name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogicalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for LogicalName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Names that look like resources in a reference but stand for facts known before any resource exists.
pub mod given {
    /// `aws.partition`, `aws.region`, `aws.accountId`.
    pub const AWS: &str = "aws";
    /// `artifact.NAME`: the base64 SHA-256 of a function's zip.
    pub const ARTIFACT: &str = "artifact";
}

/// What a graph needs to know of the type of a resource.
pub trait Declared: Serialize {
    /// The kind's name as it stands in plans and state.
    const KIND: &'static str;
    /// The resource's name in the cloud; what AWS shows the user.
    fn physical_name(&self) -> String;
}

/// One resource of the graph: kind, names and properties, outputs still as references.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Name inside the stack.
    pub name: LogicalName,
    /// Kind, as in the registry of kinds.
    pub kind: &'static str,
    /// Name in the cloud.
    pub physical: String,
    /// Properties as data; references stand as `{"$output": "resource.output"}`.
    pub properties: Value,
    /// Resources that must be ready first although none of their outputs is used.
    pub after: BTreeSet<LogicalName>,
}

impl Node {
    /// Everything this resource must wait for: the owners of the outputs it uses, and its `after` list.
    pub fn dependencies(&self) -> BTreeSet<LogicalName> {
        references(&self.properties)
            .into_iter()
            .map(|r| r.resource)
            .filter(|name| name.as_str() != given::AWS && name.as_str() != given::ARTIFACT)
            .chain(self.after.iter().cloned())
            .collect()
    }
}

/// A graph that cannot be built; always a mistake in the program, found by its tests.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GraphError {
    /// Two resources of one logical name.
    #[error("resource `{0}` is declared twice")]
    Duplicate(LogicalName),
    /// A reference to a resource that is not in the graph.
    #[error("resource `{from}` uses an output of `{to}`, which is not in the graph")]
    Dangling {
        /// Who refers.
        from: LogicalName,
        /// To what.
        to: LogicalName,
    },
    /// Resources that wait for each other.
    #[error(transparent)]
    Cycle(#[from] Cycle),
}

/// All resources of one stack in the order of their declaration.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: IndexMap<LogicalName, Node>,
    duplicate: Option<LogicalName>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resource and returns its typed handle.
    pub fn add<R: Declared>(&mut self, name: &str, resource: R) -> Handle<R> {
        let name = LogicalName::from(name);
        let physical = resource.physical_name();
        let node = Node {
            name: name.clone(),
            kind: R::KIND,
            physical: physical.clone(),
            // A properties struct holds only text, numbers, lists and maps with text keys, which always serialise.
            properties: serde_json::to_value(&resource).unwrap_or(Value::Null),
            after: BTreeSet::new(),
        };
        if self.nodes.insert(name.clone(), node).is_some() {
            self.duplicate = Some(name.clone());
        }
        Handle::new(name, physical)
    }

    /// Adds a resource as plain data, in the place of one of the same name.
    pub fn insert(&mut self, node: Node) {
        self.nodes.insert(node.name.clone(), node);
    }

    /// Makes one resource wait for another of which it uses no output.
    pub fn after<A, B>(&mut self, later: &Handle<A>, earlier: &Handle<B>) {
        if let Some(node) = self.nodes.get_mut(later.name()) {
            node.after.insert(earlier.name().clone());
        }
    }

    /// Changes the properties of a resource already added.
    pub fn amend<R>(&mut self, handle: &Handle<R>, change: impl FnOnce(&mut R))
    where
        R: Declared + serde::de::DeserializeOwned,
    {
        let Some(node) = self.nodes.get_mut(handle.name()) else {
            return;
        };
        if let Ok(mut resource) = serde_json::from_value::<R>(node.properties.clone()) {
            change(&mut resource);
            node.properties = serde_json::to_value(&resource).unwrap_or(Value::Null);
        }
    }

    /// Looks a resource up by name.
    pub fn get(&self, name: &LogicalName) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The typed properties behind a handle; `None` when the node does not hold an `R`.
    pub fn properties<R>(&self, handle: &Handle<R>) -> Option<R>
    where
        R: Declared + serde::de::DeserializeOwned,
    {
        serde_json::from_value(self.nodes.get(handle.name())?.properties.clone()).ok()
    }

    /// All resources in the order of their declaration.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no resource at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The order in which resources can be made; fails on duplicates, dangling references and cycles.
    pub fn order(&self) -> Result<Order, GraphError> {
        if let Some(name) = &self.duplicate {
            return Err(GraphError::Duplicate(name.clone()));
        }
        let mut edges = IndexMap::new();
        for node in self.nodes.values() {
            let dependencies = node.dependencies();
            if let Some(to) = dependencies.iter().find(|d| !self.nodes.contains_key(*d)) {
                return Err(GraphError::Dangling {
                    from: node.name.clone(),
                    to: to.clone(),
                });
            }
            edges.insert(node.name.clone(), dependencies);
        }
        Ok(Order::of(&edges)?)
    }
}
