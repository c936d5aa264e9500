//! The code that functions had before: from this folder, from Lambda, or from the sources if they still build the same.

use super::refusal::Refusal;
use super::{Context, building};
use crate::artifact::{self, Artifact};
use crate::graph::LogicalName;
use crate::plan::{Action, Plan, Step};
use crate::resources::{Aws, Kind, function};
use crate::state::{Entry, State};
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

/// Zips by the SHA-256 that a function's `code` holds.
type Zips = HashMap<String, PathBuf>;

/// Zips of the code that a plan uploads; `stood` tells the versions that it was published as.
pub async fn zips(
    context: &Context,
    aws: &Aws,
    plan: &Plan,
    stood: &BTreeMap<LogicalName, Entry>,
) -> anyhow::Result<Zips> {
    let wanted: Vec<&Step> = plan.steps.iter().filter(|step| uploads(step)).collect();
    let mut zips = artifact::kept(&context.artifacts(), context.env());
    for step in missing(&wanted, &zips) {
        let code = code_of(step);
        let version = stood.get(&step.resource);
        let version = version.and_then(|entry| entry.outputs.get("version"));
        let (Some(code), Some(version)) = (code, version) else {
            continue;
        };
        if let Some(bytes) = function::fetch(aws, &step.physical, version, code).await? {
            let zip = artifact::keep(&context.artifacts(), context.env(), code, &bytes[..])?;
            zips.insert(code.to_owned(), zip);
        }
    }
    if !missing(&wanted, &zips).is_empty() {
        let built = building::build(context).await?;
        zips.extend(built.into_iter().map(|one| (one.code_sha256, one.zip)));
    }
    match missing(&wanted, &zips) {
        none if none.is_empty() => Ok(zips),
        steps => {
            let functions = steps.iter().map(|step| step.physical.clone());
            Err(Refusal::CodeGone(functions.collect()).into())
        }
    }
}

/// Keeps the zips of a deploy for a rollback to it.
pub fn keep(context: &Context, artifacts: &[Artifact]) -> anyhow::Result<()> {
    for artifact in artifacts {
        let zip = std::fs::File::open(&artifact.zip)
            .with_context(|| format!("cannot read {}", artifact.zip.display()))?;
        let (folder, env) = (context.artifacts(), context.env());
        artifact::keep(&folder, env, &artifact.code_sha256, zip)?;
    }
    Ok(())
}

/// Forgets zips that no deploy on record has used.
pub fn forget_unused(context: &Context, state: &State) -> anyhow::Result<()> {
    let good = state.way.good.iter().flat_map(|good| good.entries.values());
    let used: BTreeSet<&str> = good
        .chain(state.entries.values())
        .filter_map(|entry| entry.properties.get("code")?.as_str())
        .collect();
    Ok(artifact::forget(
        &context.artifacts(),
        context.env(),
        &used,
    )?)
}

fn missing<'a>(wanted: &[&'a Step], zips: &Zips) -> Vec<&'a Step> {
    let without = |step: &&&Step| !code_of(step).is_some_and(|code| zips.contains_key(code));
    wanted.iter().filter(without).copied().collect()
}

fn code_of(step: &Step) -> Option<&str> {
    step.properties.get("code")?.as_str()
}

fn uploads(step: &Step) -> bool {
    let code = |step: &Step| {
        let mut changes = step.changes.iter();
        changes.any(|change| change.is_of("code") || change.is_of("architecture"))
    };
    let made = matches!(step.action, Action::Create | Action::Replace);
    step.kind == Kind::Function && (made || step.action == Action::Update && code(step))
}
