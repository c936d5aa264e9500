//! Typed outputs, the inputs made of them, and their resolution into plain text.

use super::{LogicalName, given};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

const OUTPUT: &str = "$output";
const JOIN: &str = "$join";

/// Which output of which resource; `payments.streamArn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputRef {
    /// Whose output.
    pub resource: LogicalName,
    /// Which output.
    pub output: String,
}

impl fmt::Display for OutputRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.resource, self.output)
    }
}

impl OutputRef {
    fn parse(text: &str) -> Option<Self> {
        let (resource, output) = text.rsplit_once('.')?;
        Some(Self {
            resource: LogicalName::from(resource),
            output: output.to_owned(),
        })
    }
}

/// A value known only once its resource exists, of type `T`.
pub struct Output<T> {
    reference: OutputRef,
    kind: PhantomData<fn() -> T>,
}

impl<T> Output<T> {
    pub(crate) fn new(resource: LogicalName, output: &str) -> Self {
        Self {
            reference: OutputRef {
                resource,
                output: output.to_owned(),
            },
            kind: PhantomData,
        }
    }

    /// A fact given from outside the graph: `aws.region`, `artifact.NAME`.
    pub(crate) fn given(group: &str, output: &str) -> Self {
        Self::new(LogicalName::from(group), output)
    }

    /// Which output this is.
    pub fn reference(&self) -> &OutputRef {
        &self.reference
    }
}

impl Output<super::AccountId> {
    /// The account the stack is deployed to.
    pub fn account() -> Self {
        Self::given(given::AWS, "accountId")
    }
}

impl Output<super::Region> {
    /// The region the stack is deployed to.
    pub fn region() -> Self {
        Self::given(given::AWS, "region")
    }
}

impl Output<super::Partition> {
    /// The partition the stack is deployed to.
    pub fn partition() -> Self {
        Self::given(given::AWS, "partition")
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Self {
            reference: self.reference.clone(),
            kind: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({})", self.reference)
    }
}

/// A piece of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Known text.
    Text(String),
    /// Text known later.
    Output(OutputRef),
}

/// A property that takes a `T`: known text, an output, or a join of both.
pub struct Input<T> {
    parts: Vec<Part>,
    kind: PhantomData<fn() -> T>,
}

/// An input was read before the output it stands for was known; a mistake in the engine, never in the configuration.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("output `{0}` is not known yet")]
pub struct Unresolved(pub OutputRef);

impl<T> Input<T> {
    /// Text that is already known, as read from the cloud.
    pub fn known(text: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::Text(text.into())],
            kind: PhantomData,
        }
    }

    /// The text, once every output in it is known.
    pub fn get(&self) -> Result<String, Unresolved> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Ok(text.as_str()),
                Part::Output(reference) => Err(Unresolved(reference.clone())),
            })
            .collect()
    }

    /// What it is made of.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The same value where any text is accepted.
    pub fn into_text(self) -> Input<super::Text> {
        Input {
            parts: self.parts,
            kind: PhantomData,
        }
    }
}

/// Joins known text and outputs into one text.
pub fn join(parts: impl IntoIterator<Item = Part>) -> Input<super::Text> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    Input {
        parts: joined,
        kind: PhantomData,
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Part::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Part::Text(text)
    }
}

impl<T> From<Output<T>> for Part {
    fn from(output: Output<T>) -> Self {
        Part::Output(output.reference)
    }
}

impl<T> From<Output<T>> for Input<T> {
    fn from(output: Output<T>) -> Self {
        Self {
            parts: vec![Part::Output(output.reference)],
            kind: PhantomData,
        }
    }
}

impl From<&str> for Input<super::Text> {
    fn from(text: &str) -> Self {
        Self::known(text)
    }
}

impl From<String> for Input<super::Text> {
    fn from(text: String) -> Self {
        Self::known(text)
    }
}

impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            kind: PhantomData,
        }
    }
}

impl<T> PartialEq for Input<T> {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl<T> Eq for Input<T> {}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.parts).finish()
    }
}

fn part_value(part: &Part) -> Value {
    match part {
        Part::Text(text) => Value::String(text.clone()),
        Part::Output(reference) => json!({ OUTPUT: reference.to_string() }),
    }
}

impl<T> Serialize for Input<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.parts.as_slice() {
            [] => serializer.serialize_str(""),
            [one] => part_value(one).serialize(serializer),
            many => json!({ JOIN: many.iter().map(part_value).collect::<Vec<_>>() })
                .serialize(serializer),
        }
    }
}

impl<'de, T> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let parts = parts(&value).ok_or_else(|| D::Error::custom("expected text or an output"))?;
        Ok(Self {
            parts,
            kind: PhantomData,
        })
    }
}

fn parts(value: &Value) -> Option<Vec<Part>> {
    match value {
        Value::String(text) => Some(vec![Part::Text(text.clone())]),
        Value::Object(object) => reference_parts(object),
        _ => None,
    }
}

fn reference_parts(object: &Map<String, Value>) -> Option<Vec<Part>> {
    if object.len() != 1 {
        return None;
    }
    if let Some(Value::String(text)) = object.get(OUTPUT) {
        return OutputRef::parse(text).map(|r| vec![Part::Output(r)]);
    }
    let Some(Value::Array(items)) = object.get(JOIN) else {
        return None;
    };
    items
        .iter()
        .map(parts)
        .collect::<Option<Vec<_>>>()
        .map(|lists| lists.concat())
}

/// All outputs that a property tree refers to.
pub fn references(value: &Value) -> BTreeSet<OutputRef> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<OutputRef>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(object) => match reference_parts(object) {
            Some(parts) => found.extend(parts.into_iter().filter_map(|part| match part {
                Part::Output(reference) => Some(reference),
                Part::Text(_) => None,
            })),
            None => object.values().for_each(|item| collect(item, found)),
        },
        _ => {}
    }
}

/// A property tree after resolution, and the outputs that are still open in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The tree with every known output replaced by its text.
    pub value: Value,
    /// What was not known.
    pub open: BTreeSet<OutputRef>,
}

/// Replaces every reference whose value `lookup` knows.
pub fn resolve(value: &Value, lookup: &dyn Fn(&OutputRef) -> Option<String>) -> Resolution {
    let mut open = BTreeSet::new();
    let value = substitute(value, lookup, &mut open);
    Resolution { value, open }
}

fn substitute(
    value: &Value,
    lookup: &dyn Fn(&OutputRef) -> Option<String>,
    open: &mut BTreeSet<OutputRef>,
) -> Value {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| substitute(item, lookup, open))
            .collect(),
        Value::Object(object) => match reference_parts(object) {
            Some(parts) => substitute_parts(parts, lookup, open),
            None => object
                .iter()
                .map(|(k, v)| (k.clone(), substitute(v, lookup, open)))
                .collect(),
        },
        other => other.clone(),
    }
}

fn substitute_parts(
    parts: Vec<Part>,
    lookup: &dyn Fn(&OutputRef) -> Option<String>,
    open: &mut BTreeSet<OutputRef>,
) -> Value {
    let parts = parts.into_iter().map(|part| match part {
        Part::Output(reference) => match lookup(&reference) {
            Some(text) => Part::Text(text),
            None => {
                open.insert(reference.clone());
                Part::Output(reference)
            }
        },
        text => text,
    });
    serde_json::to_value(join(parts)).unwrap_or(Value::Null)
}
