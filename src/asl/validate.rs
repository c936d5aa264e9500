//! What is wrong with a definition, found before any call: AWS tells only some of it, and the emulator none.

use super::{ALL_ERRORS, Backoff, Definition, Flow, Map, Pass, Retry, State, Task};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A rule of Amazons States Language that a definition breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DefinitionError {
    /// A flow without states.
    #[error("a flow that starts at `{0}` has no states")]
    Empty(String),
    /// The first state is not there.
    #[error("the flow starts at `{0}`, which is not one of its states")]
    UnknownStart(String),
    /// A target that is not there; targets never reach into or out of a map.
    #[error("state `{from}` leads to `{to}`, which is not a state of the same flow")]
    UnknownTarget {
        /// Where.
        from: String,
        /// To what.
        to: String,
    },
    /// Nothing leads to a state.
    #[error("state `{0}` is never reached")]
    Unreachable(String),
    /// No way out.
    #[error("from state `{0}` the flow can never end; give it a way to a state that ends")]
    Endless(String),
    /// Names are unique across the whole machine, also inside maps.
    #[error("the name `{0}` stands for two states")]
    Duplicate(String),
    /// Names are 1 to 80 characters.
    #[error("the state name `{0}` is not 1 to 80 characters long, or holds control characters")]
    BadName(String),
    /// A choice that no rule can leave.
    #[error("choice `{0}` has no rules")]
    NoRules(String),
    /// A choice that an unforeseen input fails.
    #[error(
        "choice `{0}` has no default: an input that no rule fits would fail the whole execution"
    )]
    NoDefault(String),
    /// A retry that does not do what it says.
    #[error("state `{state}` retries wrongly: {rule}")]
    BadRetry {
        /// Where.
        state: String,
        /// What must hold.
        rule: &'static str,
    },
    /// Error names that shadow each other or never match.
    #[error("state `{state}` handles errors wrongly: {rule}")]
    BadErrors {
        /// Where.
        state: String,
        /// What must hold.
        rule: &'static str,
    },
    /// A time limit that AWS does not take.
    #[error("state `{0}` needs a timeout of 1 to 99,999,999 seconds")]
    BadTimeout(String),
    /// Text that AWS would read as a broken expression.
    #[error(
        "state `{state}` holds a broken expression `{text}`; it must stand between {{% and %}}"
    )]
    BrokenExpression {
        /// Where.
        state: String,
        /// What stands there.
        text: String,
    },
}

/// Every broken rule, in the order of the definition; empty when all is well.
pub fn validate(definition: &Definition) -> Vec<DefinitionError> {
    let mut errors = Vec::new();
    check_flow(&definition.flow, &mut errors, &mut HashSet::new());
    errors
}

fn check_flow<'a>(flow: &'a Flow, errors: &mut Vec<DefinitionError>, taken: &mut HashSet<&'a str>) {
    if flow.states.is_empty() {
        errors.push(DefinitionError::Empty(flow.start_at.clone()));
        return;
    }
    for (name, state) in &flow.states {
        if !taken.insert(name) {
            errors.push(DefinitionError::Duplicate(name.clone()));
        }
        if !(1..=80).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            errors.push(DefinitionError::BadName(name.clone()));
        }
        check_state(name, state, errors);
        if let State::Map(Map { each, .. }) = state {
            check_flow(each, errors, taken);
        }
    }
    check_paths(flow, errors);
}

fn check_paths(flow: &Flow, errors: &mut Vec<DefinitionError>) {
    let states: HashMap<&str, &State> = flow.states.iter().map(|(n, s)| (n.as_str(), s)).collect();
    if !states.contains_key(flow.start_at.as_str()) {
        errors.push(DefinitionError::UnknownStart(flow.start_at.clone()));
        return;
    }
    for (from, state) in &flow.states {
        let unknown = state.leads_to().0.into_iter();
        for to in unknown.filter(|to| !states.contains_key(to)) {
            errors.push(DefinitionError::UnknownTarget {
                from: from.clone(),
                to: to.to_owned(),
            });
        }
    }
    let reached = reached(&states, &flow.start_at);
    let ending = ending(&flow.states);
    for (name, _) in &flow.states {
        if !reached.contains(name.as_str()) {
            errors.push(DefinitionError::Unreachable(name.clone()));
        } else if !ending.contains(name.as_str()) {
            errors.push(DefinitionError::Endless(name.clone()));
        }
    }
}

fn reached<'a>(states: &HashMap<&'a str, &'a State>, start: &'a str) -> HashSet<&'a str> {
    let mut reached = HashSet::new();
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        if let Some(state) = states.get(name)
            && reached.insert(name)
        {
            open.extend(state.leads_to().0);
        }
    }
    reached
}

/// States from which an end can be reached, grown backwards from the ends.
fn ending(states: &[(String, State)]) -> HashSet<&str> {
    let mut ending: HashSet<&str> = HashSet::new();
    loop {
        let before = ending.len();
        for (name, state) in states {
            let (targets, ends) = state.leads_to();
            if ends || targets.iter().any(|to| ending.contains(to)) {
                ending.insert(name);
            }
        }
        if ending.len() == before {
            return ending;
        }
    }
}

fn check_state(name: &str, state: &State, errors: &mut Vec<DefinitionError>) {
    match state {
        State::Task(task) => check_task(name, task, errors),
        State::Choice(choice) => {
            if choice.rules.is_empty() {
                errors.push(DefinitionError::NoRules(name.to_owned()));
            }
            if choice.default.is_none() {
                errors.push(DefinitionError::NoDefault(name.to_owned()));
            }
        }
        State::Pass(Pass { output, .. }) => check_expressions(name, output, errors),
        State::Fail(fail) => check_expressions(name, &fail.cause, errors),
        State::Map(_) | State::Succeed => {}
    }
}

fn check_task(name: &str, task: &Task, errors: &mut Vec<DefinitionError>) {
    if !(1..=99_999_999).contains(&task.timeout_seconds) {
        errors.push(DefinitionError::BadTimeout(name.to_owned()));
    }
    for Retry { backoff, .. } in &task.retry {
        if let Some(rule) = backoff_rule(backoff) {
            errors.push(DefinitionError::BadRetry {
                state: name.to_owned(),
                rule,
            });
        }
    }
    let retried = task.retry.iter().map(|retry| retry.errors.as_slice());
    let caught = task.catch.iter().map(|catch| catch.errors.as_slice());
    for rule in [errors_rule(retried), errors_rule(caught)]
        .into_iter()
        .flatten()
    {
        errors.push(DefinitionError::BadErrors {
            state: name.to_owned(),
            rule,
        });
    }
    for value in task
        .output
        .iter()
        .chain(task.catch.iter().map(|c| &c.output))
    {
        check_expressions(name, value, errors);
    }
    match &task.call {
        super::Call::Invoke { payload, .. } => check_expressions(name, payload, errors),
        super::Call::UpdateItem { key, values, .. } => {
            for value in values.values().chain([key]) {
                check_expressions(name, value, errors);
            }
        }
    }
}

/// The rule that a backoff breaks; limits of Amazon States Language.
fn backoff_rule(backoff: &Backoff) -> Option<&'static str> {
    if !(1..=99_999_999).contains(&backoff.interval_seconds) {
        return Some("the first pause must be 1 to 99,999,999 seconds");
    }
    if !(backoff.rate >= 1.0 && backoff.rate.is_finite()) {
        return Some("the backoff rate must be at least 1");
    }
    if !(1..=99_999_999).contains(&backoff.attempts) {
        return Some("attempts must be 1 to 99,999,999; 0 would never retry");
    }
    if backoff.max_delay_seconds <= backoff.interval_seconds {
        return Some("the longest pause must be longer than the first");
    }
    if backoff.max_delay_seconds > 31_622_400 {
        return Some("the longest pause must be at most 31,622,400 seconds (a year)");
    }
    None
}

/// The rule that lists of error names break; the first list that fits an error decides.
fn errors_rule<'a>(lists: impl Iterator<Item = &'a [String]>) -> Option<&'static str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for list in lists {
        if list.is_empty() {
            return Some("a list of error names is empty");
        }
        if seen.contains(ALL_ERRORS) {
            return Some("States.ALL must come last, nothing after it is ever used");
        }
        if list.len() > 1 && list.iter().any(|name| name == ALL_ERRORS) {
            return Some("States.ALL must stand alone in its list");
        }
        for name in list {
            if !seen.insert(name) {
                return Some("an error name stands twice, the second is never used");
            }
        }
    }
    None
}

fn check_expressions(state: &str, value: &Value, errors: &mut Vec<DefinitionError>) {
    match value {
        Value::String(text) => {
            let (opened, closed) = (text.starts_with("{%"), text.ends_with("%}"));
            let empty = opened && closed && text.trim_matches(['{', '%', '}', ' ']).is_empty();
            if opened != closed || empty {
                errors.push(DefinitionError::BrokenExpression {
                    state: state.to_owned(),
                    text: text.clone(),
                });
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| check_expressions(state, item, errors)),
        Value::Object(object) => object
            .values()
            .for_each(|item| check_expressions(state, item, errors)),
        _ => {}
    }
}
