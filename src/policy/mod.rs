//! Rules over the graph: the eight constraints that a stack must keep, checked before anything is deployed. Pure.

mod access;
mod deployer;
mod rules;

pub use deployer::deployer;

use crate::graph::{Declared, Graph, LogicalName};
use crate::stack::Stack;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A rule that every stack keeps.
pub struct Constraint {
    /// 1 to 8, as the design numbers them.
    pub number: u8,
    /// What must hold.
    pub title: &'static str,
    rule: fn(&Graph) -> Vec<Breach>,
}

/// Where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which resource.
    pub resource: LogicalName,
    /// What is wrong with it.
    pub problem: String,
}

/// A broken constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Number of the constraint; 0 for what AWS would refuse anyway.
    pub constraint: u8,
    /// Where and how.
    #[serde(flatten)]
    pub breach: Breach,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Breach { resource, problem } = &self.breach;
        match self.constraint {
            0 => write!(f, "{resource}: {problem}"),
            number => write!(f, "constraint {number}: {resource}: {problem}"),
        }
    }
}

/// The eight constraints.
pub const CONSTRAINTS: [Constraint; 8] = [
    Constraint {
        number: 1,
        title: "every Lambda function runs on arm64, runtime provided.al2023",
        rule: rules::graviton,
    },
    Constraint {
        number: 2,
        title: "the table is on-demand, restorable, streamed, encrypted with the key, keyed by paymentId and timestamp",
        rule: rules::table,
    },
    Constraint {
        number: 3,
        title: "one rotated customer-managed key for function environments, table, bucket, secret, queue and log groups",
        rule: rules::one_key,
    },
    Constraint {
        number: 4,
        title: "every function has reserved concurrency",
        rule: rules::reserved_concurrency,
    },
    Constraint {
        number: 5,
        title: "X-Ray traces on the API stage, both functions and the state machine",
        rule: rules::tracing,
    },
    Constraint {
        number: 6,
        title: "the state machine retries with exponential backoff and catches what is left",
        rule: rules::retries,
    },
    Constraint {
        number: 7,
        title: "a pipe connects the table's stream to the state machine: inserts of events only, bounded retries, bisect, dead-letter queue",
        rule: rules::pipe,
    },
    Constraint {
        number: 8,
        title: "IAM is least privilege: no wildcard in any action, exact resources",
        rule: access::least_privilege,
    },
];

/// Every broken constraint of a stack, and what else AWS or its emulator would not tell in time.
pub fn check(stack: &Stack) -> Vec<Violation> {
    let definition = crate::asl::validate(&stack.definition)
        .into_iter()
        .map(|error| Violation {
            constraint: 0,
            breach: Breach {
                resource: stack.state_machine.name().clone(),
                problem: error.to_string(),
            },
        });
    check_graph(&stack.graph)
        .into_iter()
        .chain(definition)
        .collect()
}

/// Every broken constraint of a graph.
pub fn check_graph(graph: &Graph) -> Vec<Violation> {
    CONSTRAINTS
        .iter()
        .flat_map(|constraint| {
            let breaches = (constraint.rule)(graph).into_iter();
            breaches.map(|breach| Violation {
                constraint: constraint.number,
                breach,
            })
        })
        .collect()
}

/// All resources of one kind, typed.
fn all<R: Declared + DeserializeOwned>(graph: &Graph) -> Vec<(LogicalName, R)> {
    graph
        .nodes()
        .filter(|node| node.kind == R::KIND)
        .filter_map(|node| {
            Some((
                node.name.clone(),
                serde_json::from_value(node.properties.clone()).ok()?,
            ))
        })
        .collect()
}

/// The breaches found by looking at each resource of a kind; none of the kind is a breach too.
fn each<R: Declared + DeserializeOwned>(
    graph: &Graph,
    look: impl Fn(&R) -> Vec<String>,
) -> Vec<Breach> {
    let found = all::<R>(graph);
    if found.is_empty() {
        let resource = LogicalName::from(R::KIND);
        return vec![Breach {
            resource,
            problem: "there is none in the stack".to_owned(),
        }];
    }
    found
        .iter()
        .flat_map(|(name, resource)| {
            let problems = look(resource).into_iter();
            problems.map(|problem| Breach {
                resource: name.clone(),
                problem,
            })
        })
        .collect()
}

/// A problem unless something holds.
fn unless(holds: bool, problem: &str) -> Option<String> {
    (!holds).then(|| problem.to_owned())
}

#[cfg(test)]
mod tests;
