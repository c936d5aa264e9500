//! State machine definitions in Amazons States Language: typed states, their rules, and the one of the stack.
//!
//! Expressions are JSONata throughout; a definition has no other query language.

mod json;
mod payment_processor;
mod validate;

#[cfg(test)]
mod tests;

use crate::graph::{AliasArn, Input, TableName};
use serde_json::Value;
use std::collections::BTreeMap;

pub use payment_processor::{AT_ONCE, EXPRESS_SECONDS, Settings, longest_run, payment_processor};
pub use validate::{DefinitionError, validate};

/// A whole state machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Shown in the console.
    pub comment: String,
    /// Its states.
    pub flow: Flow,
}

/// States that hand over to each other: a whole machine, or what a map does with each item.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// The first state.
    pub start_at: String,
    /// States by name, in the order of reading.
    pub states: Vec<(String, State)>,
}

/// One state.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Makes an output.
    Pass(Pass),
    /// Calls a service.
    Task(Box<Task>),
    /// Goes one way or another.
    Choice(Choice),
    /// Does the same with each item of a list, inside the same execution.
    Map(Map),
    /// Ends well.
    Succeed,
    /// Ends the execution as failed.
    Fail(Fail),
}

/// Where a state hands over to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another state of the same flow.
    To(String),
    /// Nowhere: the flow ends well.
    End,
}

impl Next {
    /// Another state of the same flow.
    pub fn to(name: &str) -> Self {
        Self::To(name.to_owned())
    }
}

/// A state that makes an output.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// The output; expressions may stand in it.
    pub output: Value,
    /// What follows.
    pub next: Next,
}

/// A state that calls a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Which call.
    pub call: Call,
    /// Seconds after which the call counts as failed with `States.Timeout`.
    pub timeout_seconds: u32,
    /// The output; `None` hands on the call's answer.
    pub output: Option<Value>,
    /// Errors tried again; the first that fits decides.
    pub retry: Vec<Retry>,
    /// Errors handled once tries are used up; the first that fits decides.
    pub catch: Vec<Catch>,
    /// What follows success.
    pub next: Next,
}

/// A call of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Invokes a function and waits for its answer.
    Invoke {
        /// The alias.
        function: Input<AliasArn>,
        /// What it is given; expressions may stand in it.
        payload: Value,
    },
    /// Changes one DynamoDB item.
    UpdateItem {
        /// The table.
        table: Input<TableName>,
        /// The item's key in DynamoDB's JSON.
        key: Value,
        /// Update expression.
        update: String,
        /// Condition expression.
        condition: String,
        /// Values of both expressions in DynamoDB's JSON, by name.
        values: BTreeMap<String, Value>,
    },
}

/// Tries again with growing pauses, each a random part of its full length, so that tries do not arrive together.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Error names.
    pub errors: Vec<String>,
    /// How long and how often.
    pub backoff: Backoff,
}

/// Pauses that grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first pause, in seconds.
    pub interval_seconds: u32,
    /// What each pause is multiplied by, at least 1.
    pub rate: f64,
    /// Tries after the first.
    pub attempts: u32,
    /// The longest pause, in seconds.
    pub max_delay_seconds: u32,
}

impl Backoff {
    /// Seconds of all pauses together, at most.
    pub fn pauses(&self) -> f64 {
        let longest = f64::from(self.max_delay_seconds);
        let pause = |n: u32| {
            let power = i32::try_from(n).unwrap_or(i32::MAX);
            (f64::from(self.interval_seconds) * self.rate.powi(power)).min(longest)
        };
        (0..self.attempts).map(pause).sum()
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            interval_seconds: 2,
            rate: 2.0,
            attempts: 3,
            max_delay_seconds: 30,
        }
    }
}

/// Handles errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Catch {
    /// Error names.
    pub errors: Vec<String>,
    /// What the next state is given; `$states.errorOutput` is the error.
    pub output: Value,
    /// The state that handles it.
    pub next: String,
}

/// A state that goes one way or another.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Conditions (JSONata, without delimiters) and where each leads; the first that holds decides.
    pub rules: Vec<(String, String)>,
    /// Where it goes when none holds; without it the execution fails there.
    pub default: Option<String>,
}

/// A state that does the same with each item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The list (JSONata, without delimiters).
    pub items: String,
    /// Items worked on at the same time; 0 leaves it to AWS.
    pub concurrency: u32,
    /// What is done with each.
    pub each: Flow,
    /// What follows once all are done.
    pub next: Next,
}

/// A state that ends the execution as failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fail {
    /// Error name.
    pub error: String,
    /// Why; an expression may stand for it.
    pub cause: Value,
}

/// Any error but the few that AWS never lets a state handle.
pub const ALL_ERRORS: &str = "States.ALL";

/// A JSONata expression as it stands in a definition.
pub fn expression(jsonata: &str) -> Value {
    Value::String(format!("{{% {jsonata} %}}"))
}

impl State {
    /// Every state that this one can lead to, and whether the flow can end here.
    fn leads_to(&self) -> (Vec<&str>, bool) {
        let (next, mut targets): (&Next, Vec<&str>) = match self {
            State::Pass(pass) => (&pass.next, Vec::new()),
            State::Task(task) => (
                &task.next,
                task.catch.iter().map(|c| c.next.as_str()).collect(),
            ),
            State::Map(map) => (&map.next, Vec::new()),
            State::Succeed | State::Fail(_) => return (Vec::new(), true),
            State::Choice(choice) => {
                let rules = choice.rules.iter().map(|(_, to)| to.as_str());
                return (rules.chain(choice.default.as_deref()).collect(), false);
            }
        };
        match next {
            Next::To(name) => targets.push(name),
            Next::End => return (targets, true),
        }
        (targets, false)
    }
}
