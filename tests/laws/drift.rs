//! Drift is exact: whatever is changed behind payhook's back is reported and named, and nothing else ever is.

mod ways_back;

use crate::world::World;
use payhook::engine::observe_entries;
use payhook::graph::LogicalName;
use payhook::plan::{self, Drift};
use payhook::resources::{Kind, Seen, definition};
use payhook::state::{Ending, Record, State, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A world right after its first deploy, and what was recorded.
async fn deployed() -> (World, State) {
    let world = World::new();
    world.deploy().await;
    let state = world.state().await;
    (world, state)
}

async fn look(world: &World, state: &State) -> (Drift, BTreeMap<LogicalName, Seen>) {
    let seen = observe_entries(&world.cloud, &state.entries)
        .await
        .expect("reads succeed");
    (plan::drift(state, &seen), seen)
}

/// What is reported, as (resource, property).
fn reported(drift: &Drift) -> BTreeSet<(String, String)> {
    let of = |d: &plan::Drifted| -> Vec<(String, String)> {
        let name = d.resource.to_string();
        let changes = d.changes.iter();
        changes
            .map(|change| (name.clone(), change.property.clone()))
            .collect()
    };
    drift.drifted.iter().flat_map(of).collect()
}

/// One way to change a value so that its kind still reads it, leaf by leaf; `None` where a leaf has one value only.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                leaves(
                    &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")),
                    value,
                    found,
                );
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(&format!("{path}/{index}"), item, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

/// Other values of a leaf, one of which every kind takes.
pub(crate) fn others(leaf: &Value) -> Vec<Value> {
    let text = |text: &str| -> Vec<Value> {
        let variants = [
            "x86_64",
            "arm64",
            "provisioned",
            "KEYS_ONLY",
            "LATEST",
            "ALL",
            "EXPRESS",
            "B",
            "N",
        ];
        let other = variants.iter().filter(|v| **v != text).map(|v| json!(v));
        [json!(format!("{text}-changed"))]
            .into_iter()
            .chain(other)
            .collect()
    };
    match leaf {
        Value::Bool(on) => vec![json!(!on)],
        Value::Number(n) if n.is_f64() => vec![json!(n.as_f64().unwrap_or_default() + 1.0)],
        Value::Number(n) if n.as_i64() == Some(0) => vec![json!(7)],
        Value::Number(n) => vec![json!(n.as_i64().unwrap_or_default() - 1)],
        Value::String(text_) => text(text_),
        Value::Null => vec![json!("other"), json!(7), json!(true)],
        Value::Array(_) => {
            let condition = json!({"operator": "StringEquals", "key": "k", "values": ["v"]});
            vec![json!(["other"]), json!([condition])]
        }
        Value::Object(_) => vec![json!({"other": "value"})],
    }
}

/// `/environment/TABLE_NAME` as `environment.TABLE_NAME`, `/routes/0/path` as `routes[0].path`.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match part.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(&part),
            Err(_) => path.push_str(&format!(".{part}")),
        }
    }
    path
}

/// Every property of every resource with another value, as (resource, pointer, changed properties).
fn mutations(state: &State) -> Vec<(LogicalName, String, Value)> {
    let mut found = Vec::new();
    for (name, entry) in &state.entries {
        let rules = definition(entry.kind);
        let mut all = Vec::new();
        leaves("", &entry.properties, &mut all);
        for (pointer, leaf) in all {
            let property = pointer.split('/').nth(1).unwrap_or_default();
            // AWS never shows them, so nobody can see them change.
            if rules.unread().contains(&property) {
                continue;
            }
            let changed = others(&leaf).into_iter().find_map(|other| {
                let mut properties = entry.properties.clone();
                *properties.pointer_mut(&pointer)? = other;
                // What the kind cannot read is no property of it; what it reads as the same is no change.
                let canonical = rules.canonical(&properties);
                let reads = canonical != rules.canonical(&entry.properties)
                    && fits(entry.kind, &properties);
                reads.then_some(properties)
            });
            let changed = changed
                .unwrap_or_else(|| panic!("no other value of {name}{pointer} was found: {leaf}"));
            found.push((name.clone(), pointer, changed));
        }
    }
    found
}

/// Whether the kind reads the properties; it leaves what it cannot read as it is, whatever stands there.
pub(crate) fn fits(kind: Kind, properties: &Value) -> bool {
    let mut marked = properties.clone();
    let Some(object) = marked.as_object_mut() else {
        return false;
    };
    object.insert("no property of any kind".to_owned(), json!(1));
    definition(kind).canonical(&marked) != marked
}

#[tokio::test(start_paused = true)]
async fn right_after_a_deploy_nothing_has_drifted() {
    let (world, state) = deployed().await;
    let (drift, _) = look(&world, &state).await;
    assert!(drift.is_empty(), "{drift:#?}");
    assert_eq!(drift.as_recorded, world.graph.len());
}

#[tokio::test(start_paused = true)]
async fn every_property_of_every_resource_is_reported_when_it_changes_and_nothing_else_is() {
    let (world, state) = deployed().await;
    let mutations = mutations(&state);
    let kinds: BTreeSet<Kind> = state.entries.values().map(|entry| entry.kind).collect();
    assert_eq!(kinds.len(), Kind::ALL.len(), "the stack has every kind");
    println!("{} properties changed", mutations.len());
    assert!(mutations.len() > 600, "{}", mutations.len());
    for (name, pointer, changed) in mutations {
        let world = world.fork();
        assert!(
            world
                .cloud
                .tamper(name.as_str(), |properties, _| *properties = changed)
        );
        let (drift, _) = look(&world, &state).await;
        let names: BTreeSet<&str> = drift.drifted.iter().map(|d| d.resource.as_str()).collect();
        assert_eq!(names, BTreeSet::from([name.as_str()]), "{name}{pointer}");
        // Sorting may move a member of a list, so only the property itself is certain to be named.
        let property = dotted(&pointer);
        let top = property.split(['.', '[']).next().unwrap_or_default();
        let found = reported(&drift);
        assert!(
            found
                .iter()
                .any(|(_, p)| p.split(['.', '[']).next() == Some(top)),
            "{name}{pointer}: {found:?}"
        );
        let others = found
            .iter()
            .filter(|(_, p)| p.split(['.', '[']).next() != Some(top));
        assert_eq!(others.count(), 0, "{name}{pointer}: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_tag_of_every_tagged_resource_is_reported_when_it_changes_goes_or_comes() {
    let (world, state) = deployed().await;
    for (name, entry) in &state.entries {
        if !definition(entry.kind).tagged() {
            continue;
        }
        for key in entry.tags.keys() {
            for change in [Some("other".to_owned()), None] {
                let world = world.fork();
                world
                    .cloud
                    .tamper(name.as_str(), |_, tags| match change.clone() {
                        Some(value) => drop(tags.insert(key.clone(), value)),
                        None => drop(tags.remove(key)),
                    });
                let (drift, _) = look(&world, &state).await;
                let expected = (name.to_string(), format!("tags.{key}"));
                assert_eq!(reported(&drift), BTreeSet::from([expected]));
            }
        }
        let world = world.fork();
        world.cloud.tamper(name.as_str(), |_, tags| {
            tags.insert("aws:set-by-aws".to_owned(), "x".to_owned());
            tags.insert("by-hand".to_owned(), "x".to_owned());
        });
        let (drift, _) = look(&world, &state).await;
        let expected = (name.to_string(), "tags.by-hand".to_owned());
        assert_eq!(reported(&drift), BTreeSet::from([expected]));
    }
}

#[tokio::test(start_paused = true)]
async fn another_order_of_what_has_none_is_no_drift() {
    let (world, state) = deployed().await;
    let mut reordered = 0;
    for (name, entry) in &state.entries {
        let mut shuffled = entry.properties.clone();
        reverse(&mut shuffled);
        let rules = definition(entry.kind);
        if shuffled == entry.properties || rules.canonical(&shuffled) != entry.properties {
            continue;
        }
        reordered += 1;
        world
            .cloud
            .tamper(name.as_str(), |properties, _| *properties = shuffled);
    }
    assert!(
        reordered > 5,
        "{reordered} resources hold lists without an order"
    );
    let (drift, _) = look(&world, &state).await;
    assert!(drift.is_empty(), "{drift:#?}");
}

fn reverse(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.reverse();
            items.iter_mut().for_each(reverse);
        }
        Value::Object(object) => object.values_mut().for_each(reverse),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_deleted_by_hand_is_reported_as_gone_with_what_aws_deletes_with_it() {
    let (world, state) = deployed().await;
    let standing = |world: &World| -> BTreeSet<String> {
        let contents = world.cloud.contents().into_values();
        contents.map(|(name, _)| name).collect()
    };
    let before = standing(&world);
    for name in state.entries.keys() {
        let world = world.fork();
        world.cloud.remove(name.as_str());
        let (drift, _) = look(&world, &state).await;
        let gone = drift.drifted.iter().filter(|d| d.gone);
        let gone: BTreeSet<String> = gone.map(|d| d.resource.to_string()).collect();
        let expected: BTreeSet<String> = before.difference(&standing(&world)).cloned().collect();
        assert_eq!(gone, expected);
        assert!(gone.contains(name.as_str()));
        assert_eq!(drift.drifted.len(), gone.len());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_run_left_half_done_is_not_called_drift() {
    let (world, _) = deployed().await;
    let intent = Record::Intent {
        resource: "payments".into(),
        action: "update".into(),
    };
    world.store.append(&intent).await.expect("recorded");
    world.cloud.tamper("payments", |properties, _| {
        properties["deletionProtection"] = json!(true)
    });
    let (drift, _) = look(&world, &world.state().await).await;
    assert!(drift.is_empty(), "{drift:#?}");
    assert_eq!(drift.unfinished, [LogicalName::from("payments")]);
    let ended = Record::Ended {
        run: 1,
        at: "2026-01-01T00:00:00Z".into(),
        ending: Ending::Failed,
    };
    world.store.append(&ended).await.expect("recorded");
    world.deploy().await;
    let (drift, _) = look(&world, &world.state().await).await;
    assert_eq!((drift.drifted.len(), drift.unfinished.len()), (0, 0));
}
