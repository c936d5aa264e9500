//! How many calls each verb makes of AWS, by operation: a regression shows in review.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::series::{Verb, once};

/// Runs in the order in which they are counted.
const RUNS: [(&str, &str); 4] = [
    ("deploy", "deploy"),
    ("again", "deploy"),
    ("preview", "preview"),
    ("destroy", "destroy --yes"),
];

/// REST paths by what they name: the segment after each of these is an identity.
const NAMED: [&str; 8] = [
    "restapis",
    "deployments",
    "resources",
    "requestvalidators",
    "functions",
    "aliases",
    "policy",
    "pipes",
];

/// Sent once for all that ask within a moment: where they ask one after the other, how often depends on the machine.
const TOGETHER: &str = "DescribeAlarms";

/// An operation without what is different in every run.
fn general(call: &str) -> String {
    let Some((verb, path)) = call.split_once(' ') else {
        return call.to_owned();
    };
    if path.contains("/tags/") {
        return format!("{verb} /tags/*");
    }
    let mut named = false;
    let segments = path.split('/').map(|segment| {
        let shown = if named { "*" } else { segment };
        named = NAMED.contains(&segment);
        shown
    });
    format!("{verb} {}", segments.collect::<Vec<_>>().join("/"))
}

fn counted(calls: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(general(call)).or_default() += 1;
    }
    if let Some(together) = counts.get_mut(TOGETHER) {
        *together = 1;
    }
    counts
}

#[test]
fn each_verb_makes_the_calls_that_are_written_down() {
    once(Verb::Deploy, async |lane, verb, _| {
        verb.prepare(lane).await;
        let runs = RUNS.map(|(name, words)| {
            lane.payhook(words, None).well(name);
            if ["again", "preview"].contains(&name) {
                assert_eq!(lane.proxy.mutations(), Vec::<String>::new(), "{name}");
            }
            counted(&lane.proxy.calls())
        });
        insta::assert_snapshot!(table(&runs));
    });
}

/// Operations down, runs across.
fn table(runs: &[BTreeMap<String, usize>]) -> String {
    let operations: BTreeSet<&String> = runs.iter().flat_map(BTreeMap::keys).collect();
    let mut table = format!("{:<62}", "");
    for (name, _) in RUNS {
        let _ = write!(table, "{name:>9}");
    }
    let mut row = |name: &str, counts: Vec<usize>| {
        let _ = write!(table, "\n{name:<62}");
        for count in counts {
            let _ = write!(table, "{count:>9}");
        }
    };
    for operation in operations {
        let count = |run: &BTreeMap<String, usize>| run.get(operation).copied().unwrap_or(0);
        row(operation, runs.iter().map(count).collect());
    }
    row("all", runs.iter().map(|run| run.values().sum()).collect());
    table
}
