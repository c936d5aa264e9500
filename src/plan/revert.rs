//! The plan that brings back what was last applied, without asking infra.toml.

use super::{Facts, Plan, PlanError, build};
use crate::graph::{Graph, LogicalName, Node, OutputRef, Part, join};
use crate::resources::{Given, Seen, definition};
use crate::state::{Entry, State};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Shortest value that is looked for inside a longer text, and shortest that may be a whole one.
const SHORTEST_PART: usize = 8;
const SHORTEST_WHOLE: usize = 6;

/// Makes the plan that brings the cloud back to what state says was applied; what is only accepted goes.
pub fn revert(
    state: &State,
    seen: &BTreeMap<LogicalName, Seen>,
    facts: &Facts,
) -> Result<Plan, PlanError> {
    // Predecessors that still wait for their deletion are the next deploy's business.
    let alone = State {
        retired: Vec::new(),
        ..state.clone()
    };
    build(&recorded(&state.entries, &facts.given), &alone, seen, facts)
}

/// The graph of what was last applied: values that came from another resource are references again, since whatever has
/// to be made anew gets other ones.
pub(super) fn recorded(entries: &BTreeMap<LogicalName, Entry>, given: &Given) -> Graph {
    let mut graph = Graph::new();
    for (name, entry) in entries {
        let needed: BTreeSet<LogicalName> = entry
            .dependencies
            .iter()
            .filter(|needed| entries.contains_key(*needed))
            .cloned()
            .collect();
        let known: Vec<(String, OutputRef)> = needed
            .iter()
            .flat_map(|needed| chosen(needed, &entries[needed], given))
            .collect();
        graph.insert(Node {
            name: name.clone(),
            kind: entry.kind.as_str(),
            physical: entry.physical.clone(),
            properties: linked(&entry.properties, &known),
            after: needed,
        });
    }
    graph
}

/// Outputs that AWS chose: all that do not follow from name and properties.
fn chosen(name: &LogicalName, entry: &Entry, given: &Given) -> Vec<(String, OutputRef)> {
    let predicted = definition(entry.kind).predicted(&entry.properties, given);
    let chosen = entry
        .outputs
        .iter()
        .filter(|(output, _)| !predicted.contains_key(*output));
    let reference = |output: &str| OutputRef {
        resource: name.clone(),
        output: output.to_owned(),
    };
    chosen
        .map(|(output, value)| (value.clone(), reference(output)))
        .collect()
}

/// The properties with references, and without settings that no put can make.
fn linked(value: &Value, known: &[(String, OutputRef)]) -> Value {
    match value {
        Value::String(text) => linked_text(text, known),
        Value::Array(items) => items.iter().map(|item| linked(item, known)).collect(),
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| *key != "unmanaged")
            .map(|(key, value)| (key.clone(), linked(value, known)))
            .collect(),
        other => other.clone(),
    }
}

fn linked_text(text: &str, known: &[(String, OutputRef)]) -> Value {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = text;
    while let Some((at, value, reference)) = first(rest, text, known) {
        parts.push(rest[..at].into());
        parts.push(Part::Output(reference.clone()));
        rest = &rest[at + value.len()..];
    }
    parts.push(rest.into());
    parts.retain(|part| *part != Part::Text(String::new()));
    serde_json::to_value(join(parts)).unwrap_or_else(|_| text.into())
}

/// The first known value in a text; of several that begin there, the longest.
fn first<'a>(
    rest: &str,
    whole: &str,
    known: &'a [(String, OutputRef)],
) -> Option<(usize, &'a str, &'a OutputRef)> {
    known
        .iter()
        .filter(|(value, _)| {
            value.len() >= SHORTEST_PART || value.len() >= SHORTEST_WHOLE && value == whole
        })
        .filter_map(|(value, reference)| {
            Some((rest.find(value.as_str())?, value.as_str(), reference))
        })
        .min_by_key(|(at, value, _)| (*at, std::cmp::Reverse(value.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::resolve;
    use proptest::prelude::*;
    use serde_json::json;

    fn key_outputs() -> Vec<(String, OutputRef)> {
        let of = |output: &str| OutputRef {
            resource: "key".into(),
            output: output.to_owned(),
        };
        vec![
            ("0a1b2c3d-4e5f".to_owned(), of("keyId")),
            ("arn:aws:kms:::key/0a1b2c3d-4e5f".to_owned(), of("keyArn")),
            ("7".to_owned(), of("version")),
        ]
    }

    #[test]
    fn the_longest_value_becomes_the_reference_and_short_ones_never_do() {
        let properties = json!({"key": "arn:aws:kms:::key/0a1b2c3d-4e5f", "text": "on 0a1b2c3d-4e5f since 7", "n": "7"});
        assert_eq!(
            linked(&properties, &key_outputs()),
            json!({
                "key": {"$output": "key.keyArn"},
                "text": {"$join": ["on ", {"$output": "key.keyId"}, " since 7"]},
                "n": "7",
            })
        );
    }

    #[test]
    fn settings_that_no_put_can_make_are_left_out_at_any_depth() {
        let properties =
            json!({"unmanaged": {"policy": "x"}, "routes": [{"path": "/", "unmanaged": {}}]});
        assert_eq!(linked(&properties, &[]), json!({"routes": [{"path": "/"}]}));
    }

    proptest! {
        #[test]
        fn references_resolve_to_the_text_they_were_made_of(
            pieces in prop::collection::vec("[a-z ]{0,5}|0a1b2c3d-4e5f|arn:aws:kms:::key/0a1b2c3d-4e5f", 0..6)
        ) {
            let text = Value::from(pieces.concat());
            let known = key_outputs();
            let lookup = |wanted: &OutputRef| {
                known.iter().find(|(_, r)| r == wanted).map(|(value, _)| value.clone())
            };
            prop_assert_eq!(resolve(&linked(&text, &known), &lookup).value, text);
        }
    }
}
