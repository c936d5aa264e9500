//! Reads what is there: one concurrent wave, except where an identity must be found first.

use super::EngineError;
use super::look::hidden_again;
use super::retry::{Patience, Verdict};
use crate::graph::{Graph, LogicalName, Node, OutputRef, references};
use crate::plan::{Facts, PlanError, physical_address};
use crate::resources::{
    Address, Cloud, CloudError, Kind, Outputs, Replace, Schedule, Seen, definition,
};
use crate::state::{Entry, State};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::time::{Instant, sleep};

/// Everything that is there of the graph.
///
/// All that can be found by name or by what state knows is read at once. What stands inside another resource whose id
/// AWS chose (a stage in its API) waits for that one's read alone, and where that one is absent nothing is asked.
pub async fn observe(
    cloud: &dyn Cloud,
    graph: &Graph,
    state: &State,
    facts: &Facts,
) -> Result<BTreeMap<LogicalName, Seen>, EngineError> {
    let mut wave = Wave {
        graph,
        state,
        facts,
        predicted: BTreeMap::new(),
        seen: BTreeMap::new(),
    };
    if graph.nodes().any(|node| wave.entry(node).is_none()) {
        wave.predicted = predictions(graph, facts)?;
    }
    let mut waiting: Vec<&Node> = Vec::new();
    let mut reads = FuturesUnordered::new();
    for node in graph.nodes() {
        match wave.hides_in(node) {
            None => reads.push(wave.read(cloud, node)?),
            Some(_) => waiting.push(node),
        }
    }
    while let Some((name, result)) = reads.next().await {
        let found = result?;
        let absent = found.is_none();
        wave.seen.extend(found.map(|found| (name.clone(), found)));
        let mut still = Vec::new();
        for node in waiting {
            match wave.hides_in(node) {
                None => reads.push(wave.read(cloud, node)?),
                // What it stands in is not there, so neither is it.
                Some(owner) if owner == *name && absent => {}
                Some(_) => still.push(node),
            }
        }
        waiting = still;
    }
    Ok(wave.seen)
}

/// What is known while the graph is read.
struct Wave<'a> {
    graph: &'a Graph,
    state: &'a State,
    facts: &'a Facts,
    predicted: BTreeMap<LogicalName, Outputs>,
    seen: BTreeMap<LogicalName, Seen>,
}

impl<'a> Wave<'a> {
    /// What state knows of a resource under this name in the cloud.
    fn entry(&self, node: &Node) -> Option<&'a Entry> {
        let entry = self.state.entries.get(&node.name);
        let kind = Kind::parse(node.kind)?;
        entry.filter(|entry| entry.stands_for(kind, &node.physical))
    }

    /// Of the two values of an output the one that is there counts, then the one on record.
    fn known(&self, r: &OutputRef) -> Option<String> {
        let outputs = match (
            self.seen.get(&r.resource),
            self.state.entries.get(&r.resource),
        ) {
            (Some(seen), _) => &seen.outputs,
            (None, Some(entry)) => &entry.outputs,
            (None, None) => self.predicted.get(&r.resource)?,
        };
        outputs.get(&r.output).cloned()
    }

    /// The resource in which it stands, while that must be found first.
    fn hides_in(&self, node: &Node) -> Option<LogicalName> {
        if self.entry(node).is_some() {
            return None;
        }
        let kind = Kind::parse(node.kind)?;
        let found_by = definition(kind).found_by().iter();
        let needed = found_by.flat_map(|property| references(&node.properties[*property]));
        let mut owners = needed
            .filter(|r| self.known(r).is_none())
            .map(|r| r.resource);
        owners.find(|owner| self.graph.get(owner).is_some())
    }

    /// Reads a resource with what is known by now.
    fn read<'b>(
        &self,
        cloud: &'b dyn Cloud,
        node: &'b Node,
    ) -> Result<impl Future<Output = Read<'b>> + use<'b>, PlanError> {
        let entry = self.entry(node);
        let mut at = physical_address(node, self.facts, &|r| self.known(r))?;
        if let Some(entry) = entry {
            at.outputs = entry.outputs.clone();
            stay(&mut at, entry);
        }
        let new = entry.is_none();
        Ok(async move { (&node.name, read_whole(cloud, at, new).await) })
    }
}

/// What one read showed.
type Read<'b> = (&'b LogicalName, Result<Option<Seen>, EngineError>);

/// Outputs that follow from names and properties alone.
fn predictions(graph: &Graph, facts: &Facts) -> Result<BTreeMap<LogicalName, Outputs>, PlanError> {
    let order = graph.order()?;
    let mut predicted: BTreeMap<LogicalName, Outputs> = BTreeMap::new();
    for node in order.sorted().iter().filter_map(|name| graph.get(name)) {
        let known = |r: &OutputRef| predicted.get(&r.resource)?.get(&r.output).cloned();
        let at = physical_address(node, facts, &known)?;
        let outputs = definition(at.kind).predicted(&at.properties, &facts.given);
        predicted.insert(node.name.clone(), outputs);
    }
    Ok(predicted)
}

/// What state knows is where it was made, whatever is wanted by now: a stage in its API, a statement on its function.
fn stay(at: &mut Address, entry: &Entry) {
    for rule in definition(at.kind).forced() {
        let recorded = entry.properties.get(rule.property);
        if let (Value::Object(properties), Some(recorded)) = (&mut at.properties, recorded) {
            properties.insert(rule.property.to_owned(), recorded.clone());
        }
    }
}

/// Everything that is there of what state knows.
pub async fn observe_entries<'a>(
    cloud: &dyn Cloud,
    entries: impl IntoIterator<Item = (&'a LogicalName, &'a Entry)>,
) -> Result<BTreeMap<LogicalName, Seen>, EngineError> {
    let mut reads: FuturesUnordered<_> = entries
        .into_iter()
        .map(|(name, entry)| async move {
            (
                name.clone(),
                read_known(cloud, address_of(name, entry)).await,
            )
        })
        .collect();
    let mut seen = BTreeMap::new();
    while let Some((name, result)) = reads.next().await {
        if let Some(found) = result? {
            seen.insert(name, found);
        }
    }
    Ok(seen)
}

/// Where a resource of the state is.
pub(super) fn address_of(name: &LogicalName, entry: &Entry) -> Address {
    Address {
        kind: entry.kind,
        logical: name.clone(),
        physical: entry.physical.clone(),
        properties: entry.properties.clone(),
        outputs: entry.outputs.clone(),
        tags: entry.tags.clone(),
    }
}

/// Reads a resource and, where state does not know it, what a stopped replace has left beside it.
async fn read_whole(
    cloud: &dyn Cloud,
    at: Address,
    new: bool,
) -> Result<Option<Seen>, EngineError> {
    let seen = match new {
        true => read_patiently(cloud, at.clone()).await?,
        false => read_known(cloud, at.clone()).await?,
    };
    let beside = new && definition(at.kind).replace() == Replace::CreateFirst;
    let mut seen = match seen {
        Some(seen) if beside => seen,
        seen => return Ok(seen),
    };
    let mut patience = Patience::default();
    loop {
        match cloud.leftovers(&at, &seen).await {
            Ok(leftovers) => {
                seen.leftovers = leftovers;
                return Ok(Some(seen));
            }
            Err(error) => again(&at.logical, at.kind, &error, &mut patience).await?,
        }
    }
}

/// Reads what state knows: what is not shown at first may only be hidden still.
async fn read_known(cloud: &dyn Cloud, at: Address) -> Result<Option<Seen>, EngineError> {
    let hidden = hidden_again(cloud, at.kind);
    let start = Instant::now();
    for round in 0.. {
        let seen = read_patiently(cloud, at.clone()).await?;
        let left = hidden.saturating_sub(start.elapsed());
        if seen.is_some() || left.is_zero() {
            return Ok(seen);
        }
        sleep(
            Schedule::PROPAGATION
                .pause(round, start.elapsed())
                .min(left),
        )
        .await;
    }
    Ok(None)
}

/// Reads one resource through throttles and failures of the server.
pub(super) async fn read_patiently(
    cloud: &dyn Cloud,
    at: Address,
) -> Result<Option<Seen>, EngineError> {
    let mut patience = Patience::default();
    loop {
        match cloud.read(&at).await {
            Ok(seen) => return Ok(seen),
            Err(error) => again(&at.logical, at.kind, &error, &mut patience).await?,
        }
    }
}

async fn again(
    resource: &LogicalName,
    kind: Kind,
    error: &CloudError,
    patience: &mut Patience,
) -> Result<(), EngineError> {
    match patience.judge(error, definition(kind).settle(), false) {
        Verdict::Again { pause, .. } => {
            sleep(pause).await;
            Ok(())
        }
        Verdict::Stop(cause) => Err(EngineError::Read {
            resource: resource.clone(),
            kind,
            cause,
        }),
    }
}
