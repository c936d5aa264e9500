//! Policy documents as JSON: written from statements, and read back so that equal documents compare as equal.
//!
//! Order, whitespace, and a single text in place of a list of one mean nothing (facts: drift rules for policy JSON).
//! What a statement of ours cannot express is kept as its whole JSON, so that it always shows as a difference.

use super::{Condition, Statement};
use crate::graph::{Input, Text, Unresolved};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const VERSION: &str = "2012-10-17";

/// A document of statements.
pub fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": VERSION, "Statement": statements })
}

/// The statements of a document; text that is no policy document is one statement of its own.
pub fn statements(document: &str) -> Vec<Value> {
    let whole = || vec![Value::String(document.to_owned())];
    let Ok(Value::Object(mut fields)) = serde_json::from_str(document) else {
        return whole();
    };
    match fields.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
        None => whole(),
    }
}

/// An identity policy's statement as JSON.
pub fn write(statement: &Statement) -> Result<Value, Unresolved> {
    let resources = texts(&statement.resources)?;
    let mut fields = json!({
        "Effect": "Allow",
        "Action": statement.actions,
        "Resource": resources,
    });
    add_conditions(&mut fields, &statement.conditions)?;
    Ok(fields)
}

/// Adds a `Condition` block where there are conditions.
pub fn add_conditions(statement: &mut Value, conditions: &[Condition]) -> Result<(), Unresolved> {
    let mut block: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for condition in conditions {
        let keys = block.entry(&condition.operator).or_default();
        keys.insert(&condition.key, texts(&condition.values)?);
    }
    if !block.is_empty() {
        statement["Condition"] = json!(block);
    }
    Ok(())
}

/// Reads an identity policy's statement.
pub fn read(statement: &Value) -> Statement {
    let known = || {
        let fields = Fields::of(statement, &["Action", "Resource"])?;
        Some(Statement {
            actions: list(fields.get("Action")?)?,
            resources: inputs(fields.get("Resource")?)?,
            conditions: fields.conditions()?,
        })
    };
    known().unwrap_or_else(|| Statement {
        actions: vec![foreign(statement)],
        resources: vec![],
        conditions: vec![],
    })
}

/// What payhook's statements cannot express, whole and always in the same form.
pub fn foreign(statement: &Value) -> String {
    match statement {
        Value::String(text) => text.clone(),
        other => sorted(other).to_string(),
    }
}

/// The fields of an `Allow` statement that has nothing beyond `Sid`, `Condition` and the expected ones.
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub fn of(statement: &'a Value, expected: &[&str]) -> Option<Self> {
        let fields = statement.as_object()?;
        let known =
            |key: &str| matches!(key, "Sid" | "Effect" | "Condition") || expected.contains(&key);
        let allowed = fields.get("Effect")? == "Allow" && fields.keys().all(|key| known(key));
        allowed.then_some(Self(fields))
    }

    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field)
    }

    /// The one service principal, if the statement names exactly one and nobody else.
    pub fn service(&self) -> Option<String> {
        let principal = self.get("Principal")?.as_object()?;
        let mut services = list(principal.get("Service")?)?;
        (principal.len() == 1 && services.len() == 1).then(|| services.remove(0))
    }

    pub fn conditions(&self) -> Option<Vec<Condition>> {
        let Some(block) = self.get("Condition") else {
            return Some(vec![]);
        };
        let mut conditions = Vec::new();
        for (operator, keys) in block.as_object()? {
            for (key, values) in keys.as_object()? {
                conditions.push(Condition {
                    operator: operator.clone(),
                    key: key.clone(),
                    values: inputs(values)?,
                });
            }
        }
        Some(conditions)
    }
}

/// A text, or a list of texts.
pub fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        one => Some(vec![scalar(one)?]),
    }
}

// IAM takes `true` and `3600` for `"true"` and `"3600"` in conditions.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn inputs(value: &Value) -> Option<Vec<Input<Text>>> {
    Some(list(value)?.into_iter().map(Input::known).collect())
}

/// The texts of inputs that are all known.
pub fn texts(inputs: &[Input<Text>]) -> Result<Vec<String>, Unresolved> {
    inputs.iter().map(Input::get).collect()
}

/// Statements as the set they are: same scope merged, actions, resources and conditions sorted.
pub fn canonical(statements: Vec<Statement>) -> Vec<Statement> {
    let mut merged: BTreeMap<String, Statement> = BTreeMap::new();
    for statement in statements {
        let resources = sorted_inputs(statement.resources);
        let conditions = canonical_conditions(statement.conditions);
        let scope = key(&(&resources, &conditions));
        let same = merged.entry(scope).or_insert_with(|| Statement {
            actions: vec![],
            resources,
            conditions,
        });
        same.actions.extend(statement.actions);
    }
    let mut statements: Vec<Statement> = merged.into_values().collect();
    for statement in &mut statements {
        statement.actions = sorted_texts(std::mem::take(&mut statement.actions));
    }
    statements.sort_by_cached_key(key);
    statements
}

/// Conditions in one order, with the values of each sorted.
pub fn canonical_conditions(mut conditions: Vec<Condition>) -> Vec<Condition> {
    for condition in &mut conditions {
        condition.values = sorted_inputs(std::mem::take(&mut condition.values));
    }
    conditions.sort_by_cached_key(key);
    conditions.dedup();
    conditions
}

/// Texts as a set.
pub fn sorted_texts(texts: Vec<String>) -> Vec<String> {
    let set: BTreeSet<String> = texts.into_iter().collect();
    set.into_iter().collect()
}

fn sorted_inputs(mut inputs: Vec<Input<Text>>) -> Vec<Input<Text>> {
    inputs.sort_by_cached_key(key);
    inputs.dedup();
    inputs
}

fn key<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(k, v)| (k, sorted(v))).collect();
            json!(fields)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
