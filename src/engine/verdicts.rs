//! What the engine makes of every kind's errors: the real calls of each kind through the real SDK client, to an AWS
//! where something is wrong, and the engine's judgement on what comes back.

mod documented;
mod matrix;

use super::retry::{Patience, Verdict};
use super::{Cause, Engine, Run, discard, observe};
use crate::config::Config;
use crate::memory::{MemoryCloud, MemoryStore};
use crate::plan::{Facts, build};
use crate::resources::scripted::{Faulty, Wrong, faulty};
use crate::resources::{
    Address, Aws, Cloud, CloudError, Condition, Delete, Kind, Put, Seen, Tags, definition,
};
use crate::stack::{self, Stack};
use crate::state::{State, Store};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

const CONFIG: &str = include_str!("../../infra.toml");
const ZIP: &[u8] = b"a zip";

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Read,
    Create,
    /// Brings back a property that was found changed; without one, all tags.
    Update(&'static str),
    /// Brings back something beside the properties that was found missing.
    Missing(&'static str),
    Delete,
}

/// One resource of each kind, as a deploy of the real stack leaves it.
struct Standing {
    state: State,
    folder: tempfile::TempDir,
}

fn sha() -> String {
    BASE64_STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ZIP))
}

impl Standing {
    async fn new() -> Self {
        let config = Config::parse("infra.toml", CONFIG, Some("dev"), None).expect("infra.toml");
        let graph = Stack::payment_webhooks(&config).graph;
        let (cloud, store) = (MemoryCloud::new(), MemoryStore::new());
        let given = cloud.given().await.expect("an account");
        let facts = Facts {
            stack: stack::NAME.to_owned(),
            env: "dev".to_owned(),
            given: given.clone(),
            artifacts: [stack::VALIDATOR, stack::PROCESSOR]
                .map(|function| (function.to_owned(), sha()))
                .into(),
            tags: BTreeMap::new(),
        };
        let engine = Engine::open(&cloud, &store, discard(), CancellationToken::new())
            .await
            .expect("a state");
        let seen = observe(&cloud, &graph, &engine.state(), &facts)
            .await
            .expect("reads");
        let plan = build(&graph, &engine.state(), &seen, &facts).expect("a plan");
        let run = Run {
            verb: "deploy".to_owned(),
            env: "dev".to_owned(),
            given,
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        let _ = engine.apply(&plan, &seen, run).await.expect("a run");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("zip"), ZIP).expect("a zip");
        Self {
            state: store.load().await.expect("a state"),
            folder,
        }
    }

    /// A resource of a kind, and how it is seen while nothing has changed.
    fn of(&self, kind: Kind) -> (Address, Seen) {
        let mut entries = self.state.entries.iter();
        let (name, entry) = entries
            .find(|(_, entry)| entry.kind == kind)
            .expect("the stack has every kind");
        let at = Address {
            kind,
            logical: name.clone(),
            physical: entry.physical.clone(),
            properties: entry.properties.clone(),
            outputs: entry.outputs.clone(),
            tags: entry.tags.clone(),
        };
        let seen = Seen {
            properties: entry.properties.clone(),
            outputs: entry.outputs.clone(),
            tags: definition(kind).tagged().then(|| entry.tags.clone()),
            condition: Condition::Settled,
            unseen: Vec::new(),
            leftovers: Vec::new(),
        };
        (at, seen)
    }

    /// Does it once, on an AWS where the rule says what is wrong; answers with what becomes of it, and the calls made.
    async fn once(
        &self,
        kind: Kind,
        verb: Verb,
        wrong: impl Fn(&str) -> Option<Wrong> + Send + Sync + 'static,
    ) -> (String, Vec<String>) {
        let (mut aws, asked): (Aws, Faulty) = faulty(wrong);
        aws.artifacts.insert(sha(), self.folder.path().join("zip"));
        let (mut at, mut seen) = self.of(kind);
        let done = match verb {
            Verb::Read => aws.read(&at).await.map(|found| match found {
                Some(_) => "found".to_owned(),
                None => "absent".to_owned(),
            }),
            Verb::Create => {
                at.outputs.clear();
                aws.put(&at, None).await.map(said)
            }
            Verb::Update(pointer) => {
                match seen.properties.pointer_mut(pointer) {
                    Some(value) if !pointer.is_empty() => *value = other(value),
                    _ => seen.tags = seen.tags.map(|_| Tags::new()),
                }
                aws.put(&at, Some(&seen)).await.map(said)
            }
            Verb::Missing(name) => {
                seen.properties["unmanaged"][name] = json!("missing");
                aws.put(&at, Some(&seen)).await.map(said)
            }
            Verb::Delete => aws.delete(&at, &seen).await.map(|deleted| match deleted {
                Delete::Gone => "gone".to_owned(),
                Delete::Waiting(what) => format!("waits for {what}"),
            }),
        };
        let absent = verb == Verb::Create;
        let verdict = match done {
            Ok(said) => said,
            Err(error) if verb == Verb::Delete && error.is_absent() => "gone".to_owned(),
            Err(error) => judged(kind, &error, absent),
        };
        (verdict, asked.calls())
    }
}

fn said(put: Put) -> String {
    match put {
        Put::Done(_) => "done".to_owned(),
        Put::Made(_) => "made".to_owned(),
        Put::Waiting(what) => format!("waits for {what}"),
    }
}

/// Another value of the same type.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(on) => json!(!on),
        Value::Number(n) => json!(n.as_i64().unwrap_or_default() + 1),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(_) => json!([]),
        _ => json!("other"),
    }
}

/// What the engine does about an error, in words.
fn judged(kind: Kind, error: &CloudError, absent: bool) -> String {
    let rules = definition(kind).settle();
    match Patience::default().judge(error, rules, absent) {
        Verdict::Again {
            waiting_for: Some(what),
            ..
        } => format!("waits for {what}"),
        Verdict::Again { .. } => "again".to_owned(),
        Verdict::Stop(Cause::Call(error)) => format!("stops: {:?}", error.class).to_lowercase(),
        Verdict::Stop(cause) => format!("stops: {cause}"),
    }
}
