//! A policy between payhook and the emulator: what it does not allow is refused, as IAM would.

mod needs;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::request::Request;
use needs::Need;

/// What a caller may do, and what the caller did.
pub struct Guard {
    statements: Vec<Statement>,
    /// Allowed actions that were used, with the statement that allowed each.
    used: BTreeSet<(String, String)>,
    refused: Vec<String>,
}

struct Statement {
    sid: String,
    actions: BTreeSet<String>,
    resources: Vec<String>,
    /// Condition keys with the values that they may have.
    equal: BTreeMap<String, BTreeSet<String>>,
}

impl Guard {
    /// Allows what a policy document allows, as far as documents of this kind go: exact actions, and `StringEquals`.
    pub fn of(policy: &Value) -> Self {
        let statements = policy["Statement"].as_array().expect("statements");
        Self {
            statements: statements.iter().map(Statement::read).collect(),
            used: BTreeSet::new(),
            refused: Vec::new(),
        }
    }

    /// The same without one action.
    pub fn without(mut self, action: &str) -> Self {
        for statement in &mut self.statements {
            statement.actions.remove(action);
        }
        self
    }

    /// Whether all that a request needs is allowed.
    pub fn admits(&mut self, request: &Request) -> bool {
        let mut admitted = true;
        for need in needs::of(request) {
            match self.statements.iter().find(|one| one.allows(&need)) {
                Some(statement) => {
                    self.used.insert((statement.sid.clone(), need.action));
                }
                None => {
                    admitted = false;
                    self.refused.push(need.to_string());
                }
            }
        }
        admitted
    }

    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Allowed actions that nothing used, by statement.
    pub fn unused(&self) -> Vec<String> {
        let all = self.statements.iter().flat_map(|one| {
            let actions = one.actions.iter();
            actions.map(|action| (one.sid.clone(), action.clone()))
        });
        let unused = all.filter(|one| !self.used.contains(one));
        unused
            .map(|(sid, action)| format!("{sid} {action}"))
            .collect()
    }
}

impl Statement {
    fn read(statement: &Value) -> Self {
        assert_eq!(statement["Effect"], "Allow");
        let conditions = statement["Condition"].as_object();
        let conditions = conditions
            .into_iter()
            .flatten()
            .flat_map(|(operator, keys)| {
                assert_eq!(operator, "StringEquals");
                keys.as_object().expect("condition keys")
            });
        Self {
            sid: texts(&statement["Sid"]).remove(0),
            actions: texts(&statement["Action"]).into_iter().collect(),
            resources: texts(&statement["Resource"]),
            equal: conditions
                .map(|(key, values)| (key.clone(), texts(values).into_iter().collect()))
                .collect(),
        }
    }

    fn allows(&self, need: &Need) -> bool {
        let holds = |(key, values): (&String, &BTreeSet<String>)| {
            need.context
                .get(key)
                .is_some_and(|value| values.contains(value))
        };
        self.actions.contains(&need.action)
            && self
                .resources
                .iter()
                .any(|pattern| matches(pattern, &need.resource))
            && self.equal.iter().all(holds)
    }
}

fn texts(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let text = |one: &Value| one.as_str().expect("a text").to_owned();
    list.iter().map(text).collect()
}

/// Whether an ARN is one that a pattern means: `*` is any text, `?` any one character.
fn matches(pattern: &str, arn: &str) -> bool {
    match (pattern.chars().next(), arn.chars().next()) {
        (None, found) => found.is_none(),
        (Some('*'), _) => (arn.char_indices().map(|(at, _)| at))
            .chain([arn.len()])
            .any(|at| matches(&pattern[1..], &arn[at..])),
        (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
            matches(&pattern[wanted.len_utf8()..], &arn[found.len_utf8()..])
        }
        _ => false,
    }
}

#[test]
fn a_pattern_means_what_iam_takes_it_to_mean() {
    for (pattern, arn, meant) in [
        (
            "arn:aws:sqs:us-east-1:*:letters",
            "arn:aws:sqs:us-east-1:0:letters",
            true,
        ),
        (
            "arn:aws:sqs:us-east-1:*:letters",
            "arn:aws:sqs:us-east-1:0:letters-2",
            false,
        ),
        ("secret:a-??????", "secret:a-AbCdEf", true),
        ("secret:a-??????", "secret:a-AbCdEfG", false),
        ("*", "", true),
        ("/restapis/*", "/restapis", false),
    ] {
        assert_eq!(matches(pattern, arn), meant, "{pattern} {arn}");
    }
}
