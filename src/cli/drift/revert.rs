use super::{Look, look, show};
use crate::cli::consent::{self, Consent};
use crate::cli::refusal::Refusal;
use crate::cli::{Context, code, planning, running};
use crate::engine::{Engine, discard};
use crate::outputs::FlatOutputs;
use crate::plan::{self, Facts, Plan, tag};
use crate::resources::{Aws, Given, Tags};
use crate::stack::Stack;
use crate::state::{State, Store};
use serde_json::json;

/// Brings back what was applied last; the functions are only built where their code is wanted and no zip is left.
pub async fn revert(
    context: &Context,
    mut aws: Aws,
    emulator: Option<&str>,
    store: &dyn Store,
    consent: Consent,
) -> anyhow::Result<()> {
    let given = aws.given.clone();
    let state = store.load().await?;
    let look = look(context, &state, &aws, &given).await?;
    show(context, &look, &given);
    let Some(plan) = plan_revert(context, &look, &given)? else {
        return Ok(());
    };
    planning::show(context, &plan, "revert", &given);
    consent::to_deploy(context, &plan, consent).await?;
    aws.artifacts = code::zips(context, &aws, &plan, &state.entries).await?;
    let cancel = context.interrupt.token.clone();
    let mut engine = Engine::open(&aws, store, discard(), cancel).await?;
    let took = running::apply(context, &mut engine, &plan, &look.seen, "revert", &given).await?;
    let stack = Stack::payment_webhooks(&context.config);
    // An environment whose last deploy never ended has none yet.
    if let Ok(outputs) = FlatOutputs::of(&stack, &engine.state(), &given, emulator) {
        outputs.write(&context.outputs_file())?;
    }
    let millis = took.as_millis() as u64;
    match context.ui.is_json() {
        true => context.ui.json(&json!({
            "event": "reverted", "env": context.env(), "changed": !plan.is_empty(), "elapsedMs": millis,
        })),
        false => context.ui.say(format!(
            "\nReverted {} in {:.1} s.",
            context.env(),
            took.as_secs_f64()
        )),
    }
    Ok(())
}

/// The plan, or `None` when nothing has drifted.
pub fn plan_revert(context: &Context, look: &Look, given: &Given) -> anyhow::Result<Option<Plan>> {
    if look.drift.is_empty() {
        return Ok(None);
    }
    if !look.drift.unfinished.is_empty() {
        let names = look.drift.unfinished.iter().map(ToString::to_string);
        return Err(Refusal::Unfinished(names.collect()).into());
    }
    let wanted = planning::facts(context, given, &[]);
    let facts = Facts {
        tags: recorded_tags(&look.state).unwrap_or_else(|| wanted.tags.clone()),
        ..wanted
    };
    Ok(Some(plan::revert(&look.state, &look.seen, &facts)?))
}

/// The user's tags as last applied, where a run has applied the same ones everywhere.
fn recorded_tags(state: &State) -> Option<Tags> {
    let of_user = |tags: &Tags| -> Tags {
        let ours = [tag::STACK, tag::ENV, tag::RESOURCE];
        let others = tags.iter().filter(|(key, _)| !ours.contains(&key.as_str()));
        others.map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let mut all = state.entries.values().map(|entry| of_user(&entry.tags));
    let first = all.next()?;
    all.all(|tags| tags == first).then_some(first)
}
