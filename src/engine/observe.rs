//! Reads what is there: one concurrent wave, except where an identity must be found first.

use super::EngineError;
use super::look::hidden_again;
use super::retry::{Patience, Verdict};
use crate::graph::{Graph, LogicalName, Node, OutputRef};
use crate::plan::{Facts, physical_address};
use crate::resources::{Address, Cloud, CloudError, Kind, Replace, Schedule, Seen, definition};
use crate::state::{Entry, State};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::time::{Instant, sleep};

/// Everything that is there of the graph.
///
/// A resource that state knows is read at once. One that state does not know may need outputs of others to be found
/// (a stage needs its API's id), so it waits for their reads.
pub async fn observe(
    cloud: &dyn Cloud,
    graph: &Graph,
    state: &State,
    facts: &Facts,
) -> Result<BTreeMap<LogicalName, Seen>, EngineError> {
    let order = graph.order().map_err(crate::plan::PlanError::from)?;
    let entry_of = |node: &Node| {
        let entry = state.entries.get(&node.name);
        entry.filter(|entry| entry.physical == node.physical)
    };
    let mut seen: BTreeMap<LogicalName, Seen> = BTreeMap::new();
    // How many reads each resource still waits for.
    let mut open: BTreeMap<&LogicalName, usize> = BTreeMap::new();
    for node in graph.nodes() {
        let needed = match entry_of(node) {
            Some(_) => 0,
            None => order.dependencies(&node.name).count(),
        };
        open.insert(&node.name, needed);
    }
    let free = order.sorted().iter().filter(|name| open[*name] == 0);
    let mut free: Vec<&LogicalName> = free.collect();
    let mut reads = FuturesUnordered::new();
    loop {
        for node in free.drain(..).filter_map(|name| graph.get(name)) {
            let entry = entry_of(node);
            let known = |r: &OutputRef| match seen.get(&r.resource) {
                Some(seen) => seen.outputs.get(&r.output).cloned(),
                None => state
                    .entries
                    .get(&r.resource)?
                    .outputs
                    .get(&r.output)
                    .cloned(),
            };
            let mut at = physical_address(node, facts, &known)?;
            if let Some(entry) = entry {
                at.outputs = entry.outputs.clone();
                stay(&mut at, entry);
            }
            let new = entry.is_none();
            reads.push(async move { (&node.name, read_whole(cloud, at, new).await) });
        }
        let Some((name, result)) = reads.next().await else {
            break;
        };
        if let Some(found) = result? {
            seen.insert(name.clone(), found);
        }
        for dependent in order.dependents(name) {
            if let Some(needed) = open.get_mut(dependent).filter(|needed| **needed > 0) {
                *needed -= 1;
                if *needed == 0 {
                    free.push(dependent);
                }
            }
        }
    }
    Ok(seen)
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
