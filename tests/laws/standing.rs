//! What stands at the end of a run, in a form in which two accounts can be compared: ids that AWS chose are left out.

use crate::world::World;
use payhook::resources::definition;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const ID: &str = "ID";

/// Properties of everything that exists, by logical name.
pub async fn standing(world: &World) -> BTreeMap<String, String> {
    let given = world.facts().await.given;
    let mut chosen = BTreeSet::new();
    let mut kinds = BTreeMap::new();
    for (name, entry) in world.state().await.entries {
        kinds.insert(name.to_string(), entry.kind);
        let predicted = definition(entry.kind).predicted(&entry.properties, &given);
        let ids = entry.outputs.into_iter();
        chosen.extend(ids.filter(|(name, id)| !predicted.contains_key(name) && id.len() > 5));
    }
    let mut chosen: Vec<String> = chosen.into_iter().map(|(_, id)| id).collect();
    chosen.sort_by_key(|id| std::cmp::Reverse(id.len()));
    let plain = |name: &str, properties: Value| {
        let text = match kinds.get(name) {
            Some(kind) => definition(*kind).canonical(&properties).to_string(),
            None => properties.to_string(),
        };
        chosen.iter().fold(text, |text, id| text.replace(id, ID))
    };
    let contents = world.cloud.contents().into_values();
    contents
        .map(|(name, properties)| (name.clone(), plain(&name, properties)))
        .collect()
}

/// Outputs on record, by resource and output.
pub async fn outputs(world: &World) -> BTreeMap<String, String> {
    let given = world.facts().await.given;
    let mut outputs = BTreeMap::new();
    for (name, entry) in world.state().await.entries {
        let predicted = definition(entry.kind).predicted(&entry.properties, &given);
        for (output, value) in entry.outputs {
            let value = match predicted.contains_key(&output) {
                true => value,
                false => ID.to_owned(),
            };
            outputs.insert(format!("{name}.{output}"), value);
        }
    }
    outputs
}

pub fn assert_same(found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>, at: &str) {
    let names: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    for name in names {
        assert_eq!(found.get(name), wanted.get(name), "{at}: {name}");
    }
}
