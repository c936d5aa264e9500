//! A property that is changed and changed back leaves nothing behind: an update interface that merges keeps whatever it
//! is not told to forget.

use std::collections::{BTreeMap, BTreeSet};

use payhook::engine::observe_entries;
use payhook::plan;
use payhook::resources::{Address, Aws, Cloud, Kind, Put, Seen, definition};
use payhook::state::{Entry, State};
use serde_json::{Value, json};

use super::clients::Clients;
use super::deployed::standing;
use super::place::{Place, succeeded};

/// Rounds that one change may take.
const ROUNDS: usize = 100;

fn address(name: &str, entry: &Entry) -> Address {
    Address {
        kind: entry.kind,
        logical: name.into(),
        physical: entry.physical.clone(),
        properties: entry.properties.clone(),
        outputs: entry.outputs.clone(),
        tags: entry.tags.clone(),
    }
}

/// Puts until nothing is left to do, as the engine does.
async fn reach(aws: &Aws, at: &Address) -> Result<Seen, String> {
    for _ in 0..ROUNDS {
        let seen = aws.read(at).await.map_err(|error| error.to_string())?;
        match aws.put(at, seen.as_ref()).await {
            Ok(Put::Done(_)) => {
                let seen = aws.read(at).await.map_err(|error| error.to_string())?;
                return seen.ok_or_else(|| "gone".to_owned());
            }
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("it never ends".to_owned())
}

/// Another value that the kind reads, and reads as another one.
fn changed(kind: Kind, properties: &Value, property: &str) -> Option<Value> {
    let rules = definition(kind);
    let mut others = others(&properties[property]).into_iter();
    others.find_map(|other| {
        let mut changed = properties.clone();
        changed[property] = other;
        let mut marked = changed.clone();
        marked["no property of any kind"] = json!(1);
        let reads = rules.canonical(&marked) != marked;
        (reads && rules.canonical(&changed) != rules.canonical(properties)).then_some(changed)
    })
}

fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(on) => vec![json!(!on)],
        Value::Number(n) if n.is_f64() => vec![json!(n.as_f64().unwrap_or_default() + 1.0)],
        Value::Number(n) => vec![json!(n.as_i64().unwrap_or_default() + 1)],
        Value::String(text) => ["other", "ALL", "x86_64", "KEYS_ONLY"]
            .iter()
            .map(|other| json!(other))
            .chain([json!(""), json!(format!("{text}-2"))])
            .collect(),
        Value::Null => vec![json!("other"), json!(7)],
        // What can be left out, is.
        Value::Array(items) => {
            let fewer = items.get(1..).unwrap_or_default().to_vec();
            vec![json!(fewer), json!(["other"])]
        }
        Value::Object(fields) => {
            let mut fewer = fields.clone();
            let last = fields.keys().next_back().cloned().unwrap_or_default();
            fewer.remove(&last);
            vec![Value::Object(fewer), json!({"other": "value"})]
        }
    }
}

/// One resource of each kind.
fn one_of_each(state: &State) -> BTreeMap<Kind, (String, Entry)> {
    let entries = state.entries.iter();
    let mut found = BTreeMap::new();
    for (name, entry) in entries {
        let one = || (name.to_string(), entry.clone());
        found.entry(entry.kind).or_insert_with(one);
    }
    found
}

#[tokio::test]
async fn every_property_that_an_update_changes_goes_there_and_back_and_leaves_nothing_behind() {
    if let Some(env) = standing() {
        println!("not shown: {env} stands already and is not ours to change");
        return;
    }
    let place = Place::new(&[]);
    succeeded(&place.payhook("deploy"));
    let listed = place.payhook("state list --json");
    let state: State = serde_json::from_slice(&listed.stdout).expect("a state");
    let aws = Clients::emulated(&place.endpoint()).payhook().await;
    let (mut went, mut stayed) = (BTreeSet::new(), BTreeSet::new());
    for (kind, (name, entry)) in one_of_each(&state) {
        let rules = definition(kind);
        let apart: Vec<&str> = rules
            .forced()
            .iter()
            .map(|forced| forced.property)
            .collect();
        for property in entry.properties.as_object().expect("properties").keys() {
            // A new code needs a zip, and what payhook never sets cannot be put.
            let skipped = ["code", "unmanaged"].contains(&property.as_str());
            if skipped
                || apart.contains(&property.as_str())
                || rules.unread().contains(&property.as_str())
            {
                continue;
            }
            let case = format!("{kind} {property}");
            let there = address(&name, &entry);
            let Some(properties) = changed(kind, &entry.properties, property) else {
                stayed.insert(case);
                continue;
            };
            let there = Address {
                properties,
                ..there
            };
            let kept = match reach(&aws, &there).await {
                Ok(seen) => seen.properties[property] != entry.properties[property],
                Err(_) => false,
            };
            let back = reach(&aws, &address(&name, &entry)).await;
            let back = back.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(back.properties, entry.properties, "{case}");
            let tagged = rules.tagged();
            assert!(!tagged || back.tags.as_ref() == Some(&entry.tags), "{case}");
            match kept {
                true => went.insert(case),
                false => stayed.insert(case),
            };
        }
    }
    println!("there and back: {went:#?}");
    println!("refused or not kept by the emulator: {stayed:#?}");
    assert!(went.len() > 60, "{}: {went:?}", went.len());
    let seen = observe_entries(&aws, &state.entries).await.expect("reads");
    let drift = plan::drift(&state, &seen);
    let properties = drift.drifted.iter().flat_map(|d| &d.changes);
    // What a change makes anew and no way back restores: the version behind `live`, the stream.
    let anew = ["outputs.version", "outputs.streamArn"];
    let drifted: Vec<&str> = properties
        .map(|change| change.property.as_str())
        .filter(|property| !anew.contains(property))
        .collect();
    assert!(drifted.is_empty(), "{drifted:?}");
    // The pipe still reads the stream that is no more.
    succeeded(&place.payhook("deploy"));
    succeeded(&place.payhook("preview --detailed-exitcode"));
}
