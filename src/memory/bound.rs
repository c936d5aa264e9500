//! The shortest time in which a graph can be made or deleted, from the published latencies and rates and the edges alone.
//!
//! It is computed without the planner and the engine, so that a makespan can be held against it. It contains:
//!
//! - to look: one wave of reads, which all begin at once, and beside them, where nothing is on record or all of it is to
//!   go, the search by tags;
//! - to make: that wave first, since nothing is made before everything has been looked at and the plan is shown; then,
//!   along the longest path, of each resource one call and the time until AWS has finished, then the call that finds
//!   nothing left to do where AWS works in the background (what must follow it, such as backups of a table, can only be
//!   asked for then); for kinds that AWS names itself a read and a call more; and before a call that uses what is not
//!   yet visible to it, the rest of that time;
//! - to delete: that wave first, then along the longest path one call and the time until it is gone.
//!
//! Every call of these takes its turn at the published rates that count it, the read included that shows that AWS has
//! finished. No order of the calls is assumed: `paced` says what none can undercut.
//!
//! It contains no other polling, no repeated call, no journal and no planning.

mod paced;

use super::SEARCH;
use super::outputs::chosen_by_aws;
use super::traffic::traffic;
use crate::graph::{Graph, LogicalName, Order, references};
use crate::resources::{Kind, Latency, definition, latency, sees_late};
use paced::Paced;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Why there is no bound: the graph cannot be made at all.
type Wrong = crate::graph::GraphError;

/// The shortest time in which an empty account can come to hold the graph.
pub fn shortest_deploy(graph: &Graph) -> Result<Duration, Wrong> {
    let order = graph.order()?;
    let made = made(graph, &order);
    let end = made.values().map(|made| made.known).max();
    let end = end.unwrap_or_default();
    let mut calls = Paced::default();
    let look = look(graph, false, end, &mut calls).max(SEARCH);
    let mut to_end: HashMap<&LogicalName, Duration> = HashMap::new();
    for name in order.sorted().iter().rev() {
        let (Some(one), Some(kind)) = (made.get(name), kind_of(graph, name)) else {
            continue;
        };
        let call = latency(kind).call;
        // From the call that makes it until all that waits for it is there.
        let mut from_first = one.known - one.first;
        // From the call that finds nothing left to do.
        let mut from_last = call;
        for dependent in order.dependents(name) {
            let (Some(next), Some(rest)) = (made.get(dependent), to_end.get(dependent)) else {
                continue;
            };
            let ready = match next.late.contains(name) {
                true => one.known.max(one.visible.saturating_sub(call)),
                false => one.known,
            };
            from_first = from_first.max(ready - one.first + *rest);
            from_last = from_last.max(call + *rest);
        }
        to_end.insert(name, from_first);
        calls.add(traffic(kind, "put", false), look + one.first, from_first);
        if one.again {
            let last = look + one.known - call;
            // It is sent before AWS has finished, and shows all of what then stands.
            calls.add(traffic(kind, "read", true), last - call, call + from_last);
            calls.add(traffic(kind, "put", true), last, from_last);
        }
    }
    Ok((look + end).max(calls.shortest()))
}

/// The shortest time in which all of the graph can be deleted.
pub fn shortest_destroy(graph: &Graph) -> Result<Duration, Wrong> {
    let order = graph.order()?;
    let cost = |name: &LogicalName| {
        let pace = kind_of(graph, name).map(latency);
        pace.map(|pace| pace.call + pace.delete).unwrap_or_default()
    };
    let end = order.critical_path(cost);
    let mut calls = Paced::default();
    let look = look(graph, true, end, &mut calls).max(SEARCH);
    // Users go first, so what waits for a delete are the deletes of what it uses.
    let before = order.remaining(cost);
    let mut to_end: HashMap<&LogicalName, Duration> = HashMap::new();
    for name in order.sorted() {
        let needed = order.dependencies(name).filter_map(|d| to_end.get(d)).max();
        let rest = needed.copied().unwrap_or_default() + cost(name);
        to_end.insert(name, rest);
        let earliest = before.get(name).copied().unwrap_or_default() - cost(name);
        if let Some(kind) = kind_of(graph, name) {
            calls.add(traffic(kind, "delete", true), look + earliest, rest);
        }
    }
    Ok((look + end).max(calls.shortest()))
}

/// The shortest time in which all of a graph that stands can be looked at.
pub fn shortest_preview(graph: &Graph) -> Duration {
    look(graph, true, Duration::ZERO, &mut Paced::default())
}

/// How long the wave of reads takes at least; after it comes at least so much.
fn look(graph: &Graph, stands: bool, then: Duration, calls: &mut Paced) -> Duration {
    let mut alone = Paced::default();
    let mut longest = Duration::ZERO;
    for kind in graph.nodes().filter_map(|node| Kind::parse(node.kind)) {
        // In an empty account nobody looks for what stands inside something else.
        if stands || definition(kind).found_by().is_empty() {
            let call = latency(kind).call;
            alone.add(traffic(kind, "read", stands), Duration::ZERO, call);
            calls.add(traffic(kind, "read", stands), Duration::ZERO, call + then);
            longest = longest.max(call);
        }
    }
    longest.max(alone.shortest())
}

/// When one resource is made, from the first call on, if no rate holds anything up.
struct Made {
    /// The call that makes it is sent.
    first: Duration,
    /// The last call about it is answered.
    known: Duration,
    /// Others can use it.
    visible: Duration,
    /// Whether a second call must find nothing left to do.
    again: bool,
    /// What it may only use once that is visible.
    late: BTreeSet<LogicalName>,
}

fn made<'a>(graph: &Graph, order: &'a Order) -> HashMap<&'a LogicalName, Made> {
    let mut made: HashMap<&LogicalName, Made> = HashMap::new();
    for name in order.sorted() {
        let Some(node) = graph.get(name) else {
            continue;
        };
        let kind = Kind::parse(node.kind);
        let pace: Latency = latency(kind.unwrap_or(Kind::Alarm));
        let used = references(&node.properties).into_iter();
        let used: BTreeSet<LogicalName> = used.map(|r| r.resource).collect();
        let sees_late = |needed: &LogicalName| match (kind, kind_of(graph, needed)) {
            (Some(user), Some(of)) => used.contains(needed) && sees_late(user, of),
            _ => false,
        };
        let late: BTreeSet<LogicalName> = order
            .dependencies(name)
            .filter(|needed| sees_late(needed))
            .cloned()
            .collect();
        let mut arrives = pace.call;
        for needed in order.dependencies(name) {
            if let Some(before) = made.get(needed) {
                arrives = arrives.max(before.known + pace.call);
                if late.contains(needed) {
                    arrives = arrives.max(before.visible);
                }
            }
        }
        let again = match kind.and_then(chosen_by_aws) {
            Some(_) => pace.call * 2,
            None if pace.create.is_zero() => Duration::ZERO,
            None => pace.call,
        };
        let one = Made {
            first: arrives - pace.call,
            known: arrives + pace.create + again,
            visible: arrives + pace.create + pace.visible,
            again: !again.is_zero(),
            late,
        };
        made.insert(name, one);
    }
    made
}

fn kind_of(graph: &Graph, name: &LogicalName) -> Option<Kind> {
    graph.get(name).and_then(|node| Kind::parse(node.kind))
}
