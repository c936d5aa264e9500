//! The shortest time in which a graph can be made or deleted, from the published latencies and the edges alone.
//!
//! It is computed without the planner and the engine, so that a makespan can be held against it. It contains:
//!
//! - to make: one read of each resource along the deepest chain, since one of which nothing is known may only be found
//!   by what it depends on; along the longest path of each resource one call and the time until AWS
//!   has finished, then the call that finds nothing left to do where AWS works in the background (what must follow it,
//!   such as backups of a table, can only be asked for then); for kinds that AWS names itself a read and a call more;
//!   and before a call that uses what is not yet visible to it, the rest of that time;
//! - to delete: along the longest path one read, since nothing is deleted unseen, one call, and the time until it is
//!   gone;
//! - to look: one wave of reads, which all begin at once.
//!
//! Nor can any of them end before published rates have let through every call that it consists of at least.
//!
//! It contains no polling, no repeated call, no journal and no planning.

use super::outputs::chosen_by_aws;
use super::traffic::traffic;
use crate::graph::{Graph, LogicalName, references};
use crate::resources::{Kind, RATES, Schedule, definition, latency, sees_late};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When something made can be used.
#[derive(Clone, Copy, Default)]
struct Made {
    known: Duration,
    visible: Duration,
}

/// Why there is no bound: the graph cannot be made at all.
type Wrong = crate::graph::GraphError;

/// The shortest time in which an empty account can come to hold the graph.
pub fn shortest_deploy(graph: &Graph) -> Result<Duration, Wrong> {
    let order = graph.order()?;
    let kind_of = |name: &LogicalName| graph.get(name).and_then(|node| Kind::parse(node.kind));
    let mut made: BTreeMap<&LogicalName, Made> = BTreeMap::new();
    let mut end = Duration::ZERO;
    for name in order.sorted() {
        let Some(node) = graph.get(name) else {
            continue;
        };
        let kind = Kind::parse(node.kind);
        let pace = kind.map(latency).unwrap_or_else(|| latency(Kind::Alarm));
        // A kind that knows no such refusal is never refused for what it uses.
        let rules = kind
            .map(|kind| definition(kind).settle())
            .unwrap_or_default();
        let refused = rules.iter().any(|r| r.schedule == Schedule::PROPAGATION);
        let used = references(&node.properties);
        let used: BTreeSet<&LogicalName> = used.iter().map(|r| &r.resource).collect();
        let mut arrives = pace.call;
        for needed in order.dependencies(name) {
            let needed_made = made.get(needed).copied().unwrap_or_default();
            arrives = arrives.max(needed_made.known + pace.call);
            let late = match (kind, kind_of(needed)) {
                (Some(user), Some(used)) => refused && sees_late(user, used),
                _ => false,
            };
            if late && used.contains(needed) {
                arrives = arrives.max(needed_made.visible);
            }
        }
        let again = match kind.and_then(chosen_by_aws) {
            Some(_) => pace.call * 2,
            None if pace.create.is_zero() => Duration::ZERO,
            None => pace.call,
        };
        let known = arrives + pace.create + again;
        end = end.max(known);
        let visible = arrives + pace.create + pace.visible;
        made.insert(name, Made { known, visible });
    }
    let read = |name: &LogicalName| {
        kind_of(name)
            .map(|kind| latency(kind).call)
            .unwrap_or_default()
    };
    let path = order.critical_path(read) + end;
    Ok(path.max(let_through(graph, &[("read", false), ("put", false)])))
}

/// The shortest time in which all of the graph can be deleted.
pub fn shortest_destroy(graph: &Graph) -> Result<Duration, Wrong> {
    let kind_of = |name: &LogicalName| graph.get(name).and_then(|node| Kind::parse(node.kind));
    let cost = |name: &LogicalName| {
        let pace = kind_of(name).map(latency);
        pace.map(|pace| pace.call * 2 + pace.delete)
            .unwrap_or_default()
    };
    let path = graph.order()?.critical_path(cost);
    Ok(path.max(let_through(graph, &[("read", true), ("delete", true)])))
}

/// The shortest time in which all of a graph that stands can be looked at.
pub fn shortest_preview(graph: &Graph) -> Duration {
    let kinds = graph.nodes().filter_map(|node| Kind::parse(node.kind));
    let call = kinds.map(|kind| latency(kind).call).max();
    let_through(graph, &[("read", true)]) + call.unwrap_or_default()
}

/// Until the slowest rate lets the last call through, when each resource is called once with each verb.
///
/// A verb stands with whether the resource exists when it is called.
fn let_through(graph: &Graph, verbs: &[(&str, bool)]) -> Duration {
    let kinds: Vec<Kind> = graph
        .nodes()
        .filter_map(|node| Kind::parse(node.kind))
        .collect();
    let calls: Vec<&str> = verbs
        .iter()
        .flat_map(|(verb, exists)| kinds.iter().flat_map(|k| traffic(*k, verb, *exists)))
        .copied()
        .collect();
    let last = RATES.iter().map(|rate| {
        let counted = calls.iter().filter(|call| rate.counts(call)).count();
        let counted = u32::try_from(counted).unwrap_or(u32::MAX);
        rate.every() * counted.saturating_sub(rate.burst)
    });
    last.max().unwrap_or_default()
}
