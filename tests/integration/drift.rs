//! Drift through the real SDK: every property that is changed by hand is named, and nothing else is.

mod by_hand;
mod by_hand_api;
mod by_hand_bucket;
mod by_hand_compute;
mod spelling;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Output;

use serde_json::Value;

use super::clients::Clients;
use super::deployed::standing;
use super::place::{Place, succeeded};
use super::wire::Wire;

/// Exit code of `drift --fail` when something has drifted.
const DRIFTED: i32 = 4;
/// What nobody may ever see of a variable set by hand.
const SECRET: &str = "sk_live_set_by_hand";

/// Resource and property.
type Changed = (&'static str, &'static str);

/// The event of a `drift --json`.
fn event(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    let lines = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let mut events: Vec<Value> = lines.collect();
    events.retain(|event| event["event"] == "drift");
    assert_eq!(events.len(), 1, "{said}");
    events.remove(0)["drift"].take()
}

fn named(drift: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let drifted = drift["drifted"].as_array().expect("a list");
    let of = |one: &Value| -> Vec<(String, String)> {
        let changes = one["changes"].as_array().expect("a list");
        let changes = changes
            .iter()
            .map(|c| (text(&one["resource"]), text(&c["property"])));
        changes.collect()
    };
    drifted.iter().flat_map(of).collect()
}

/// Everything found is a change that was made or lies below one, and every change that was made is found.
fn assert_named(found: &BTreeSet<(String, String)>, made: &[Changed]) {
    let is_of = |(resource, property): &(String, String), made: &Changed| {
        let rest = property.strip_prefix(made.1);
        resource == made.0
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let missing: Vec<_> = made
        .iter()
        .filter(|made| !found.iter().any(|one| is_of(one, made)))
        .collect();
    let surplus: Vec<_> = found
        .iter()
        .filter(|one| !made.iter().any(|made| is_of(one, made)))
        .collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "not named: {missing:?}\nnamed without reason: {surplus:?}"
    );
}

/// Each entry of a `state list --json`, as its bytes.
fn entries(output: &Output) -> BTreeMap<String, String> {
    let state: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let entries = state["entries"].as_object().expect("entries");
    let entries = entries.iter();
    entries
        .map(|(name, entry)| (name.clone(), entry.to_string()))
        .collect()
}

fn assert_none(place: &Place, when: &str) {
    let output = place.payhook("drift --fail --json");
    let drift = event(&output);
    assert_eq!(named(&drift), BTreeSet::new(), "{when}");
    assert_eq!(output.status.code(), Some(0), "{when}: {drift:#}");
}

#[tokio::test]
async fn what_is_changed_by_hand_is_named_accepted_or_brought_back() {
    if let Some(env) = standing() {
        println!("not shown: {env} stands already and is not ours to change");
        return;
    }
    let place = Place::new(&[]);
    succeeded(&place.payhook("deploy"));
    let clients = Clients::emulated(&place.endpoint());
    let wire = Wire::to(&place.endpoint());

    println!("right after a deploy nothing has drifted");
    assert_none(&place, "right after a deploy");

    println!("another spelling of the same is no drift");
    spelling::change(&clients).await;
    assert_none(&place, "after another spelling");

    println!("every change by hand is named, and nothing else");
    let mut changed = by_hand::data(&clients).await;
    changed.extend(by_hand::access(&clients).await);
    changed.extend(by_hand_bucket::bucket(&clients).await);
    changed.extend(by_hand_compute::compute(&clients).await);
    changed.extend(by_hand_api::api(&clients).await);
    changed.extend(by_hand_api::watching(&clients).await);
    let output = place.payhook("drift --fail --json");
    assert_eq!(output.status.code(), Some(DRIFTED));
    assert_named(&named(&event(&output)), &changed);
    println!("{} properties", changed.len());

    println!("what was set by hand and may be a secret is shown nowhere");
    let mut shown = Vec::new();
    for words in [
        "drift",
        "drift --json",
        "preview",
        "preview --json",
        "drift --accept",
    ] {
        let output = place.payhook(words);
        shown.extend(output.stdout);
        shown.extend(output.stderr);
    }
    assert!(!String::from_utf8_lossy(&shown).contains(SECRET));
    let journal = place.state().join("local").join("journal");
    assert!(
        !fs::read_to_string(journal)
            .expect("the journal")
            .contains(SECRET)
    );

    println!("what is accepted is quiet, and infra.toml still wins");
    assert_none(&place, "after accepting");
    succeeded(&place.payhook("deploy --allow-data-loss"));
    succeeded(&place.payhook("preview --detailed-exitcode"));
    assert_none(&place, "after a deploy");

    println!("what is changed or deleted by hand comes back without a build");
    by_hand::data(&clients).await;
    by_hand_bucket::bucket(&clients).await;
    by_hand::delete(&clients).await;
    let output = place.payhook("drift --revert --yes");
    let said = succeeded(&output);
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("Building"),
        "{said}"
    );
    assert_none(&place, "after a revert");
    wire.take();
    succeeded(&place.payhook_at(&wire.url, "deploy"));
    assert_eq!(wire.take().1, [""; 0]);

    println!("a lost state is rebuilt byte for byte");
    // Addresses of an emulator are those by which it was asked.
    succeeded(&place.payhook("deploy"));
    let before = entries(&place.payhook("state list --json"));
    fs::remove_dir_all(place.state()).expect("a state to lose");
    succeeded(&place.payhook("state rebuild"));
    let after = entries(&place.payhook("state list --json"));
    let differing = before
        .iter()
        .filter(|(name, entry)| after.get(*name) != Some(entry));
    let differing: Vec<_> = differing
        .map(|(name, entry)| (entry, after.get(name)))
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
    assert_eq!(before.len(), after.len());
    assert_eq!(place.payhook("state rebuild").status.code(), Some(3));
    wire.take();
    succeeded(&place.payhook_at(&wire.url, "deploy"));
    assert_eq!(wire.take().1, [""; 0]);

    println!("a deploy without the state takes over what stands");
    fs::remove_dir_all(place.state()).expect("a state to lose");
    wire.take();
    let output = place.payhook_at(&wire.url, "deploy");
    succeeded(&output);
    assert_eq!(wire.take().1, [""; 0]);
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        notes.contains("stand already and are ours; they are taken over"),
        "{notes}"
    );
}
