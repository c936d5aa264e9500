//! Whether the user agrees to what cannot be undone.

use super::Context;
use super::refusal::{Misuse, Refusal};
use crate::graph::LogicalName;
use crate::plan::{Action, Plan};
use crate::resources::Kind;
use crate::stack::Stack;
use crate::view;

/// What the command line says about losing data.
#[derive(Clone, Copy, Debug)]
pub struct Consent {
    /// `--allow-data-loss`.
    pub data_loss: bool,
    /// `--yes`: no question is asked.
    pub unasked: bool,
}

/// Lets a deploy go on unless it loses data that nobody agreed to lose.
pub async fn to_deploy(context: &Context, plan: &Plan, consent: Consent) -> anyhow::Result<()> {
    guard_resources(context, plan)?;
    let losses = view::losses(plan);
    if losses.is_empty() {
        return Ok(());
    }
    if context.config.protect {
        let what = format!("lose {}", losses.join(", "));
        let env = context.env().to_owned();
        return Err(Refusal::Protected { env, what }.into());
    }
    if consent.data_loss {
        return Ok(());
    }
    if consent.unasked || !context.ui.can_ask() {
        return Err(Refusal::DataLoss(losses).into());
    }
    typed(context, "This loses data.").await
}

/// Lets a destroy go on if the environment is not protected and the user agrees.
pub async fn to_destroy(context: &Context, unasked: bool) -> anyhow::Result<()> {
    if unasked {
        return Ok(());
    }
    if !context.ui.can_ask() {
        return Err(Refusal::Unconfirmed.into());
    }
    typed(context, "This deletes everything listed above.").await
}

/// Refuses a plan that replaces or deletes what infra.toml protects.
pub fn guard_resources(context: &Context, plan: &Plan) -> anyhow::Result<()> {
    let protected = &context.config.protect_resources;
    let steps = plan.steps.iter().filter(|step| {
        step.action == Action::Delete
            && protected.covers(step.resource.as_str(), step.kind.as_str())
    });
    let lines: Vec<String> = steps
        .map(|step| format!("{} {}: {}", step.kind, step.physical, step.reason))
        .collect();
    match lines.is_empty() {
        true => Ok(()),
        false => Err(Refusal::ProtectedResources(lines).into()),
    }
}

/// Refuses words of `protect_resources` and `retain` that mean nothing: a typo there would protect nothing.
pub fn guard_selections(context: &Context, stack: &Stack) -> anyhow::Result<()> {
    let config = &context.config;
    for (key, selection) in [
        ("protect_resources", &config.protect_resources),
        ("retain", &config.retain),
    ] {
        let known = |word: &str| {
            Kind::parse(word).is_some() || stack.graph.get(&LogicalName::from(word)).is_some()
        };
        if let Some(word) = selection.words().find(|word| !known(word)) {
            let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            return Err(Misuse {
                words: format!(
                    "`{key}` in infra.toml names `{word}`, which is neither a kind nor a resource of {}",
                    context.env()
                ),
                next: format!(
                    "kinds are {}; names are those that `payhook graph` shows",
                    kinds.join(", ")
                ),
            }
            .into());
        }
    }
    Ok(())
}

/// Lets a lock be taken away if the user agrees.
pub async fn to_unlock(context: &Context, unasked: bool) -> anyhow::Result<()> {
    if unasked {
        return Ok(());
    }
    if !context.ui.can_ask() {
        return Err(Refusal::Unconfirmed.into());
    }
    let warning = "If that process still runs, what it has under way is recorded no more.";
    typed(context, warning).await
}

/// Lets bodies be erased if the user agrees.
pub async fn to_erase(context: &Context, unasked: bool) -> anyhow::Result<()> {
    if unasked {
        return Ok(());
    }
    if !context.ui.can_ask() {
        return Err(Refusal::Unconfirmed.into());
    }
    typed(context, "Nothing brings back what is erased.").await
}

/// Refuses to destroy a protected environment.
pub fn guard_protection(context: &Context) -> anyhow::Result<()> {
    match context.config.protect {
        true => Err(Refusal::Protected {
            env: context.env().to_owned(),
            what: "destroy it".to_owned(),
        }
        .into()),
        false => Ok(()),
    }
}

/// Asks for the name of the environment.
async fn typed(context: &Context, warning: &str) -> anyhow::Result<()> {
    let (ui, env) = (context.ui.clone(), context.env().to_owned());
    let question = format!("{warning} Type the name of the environment ({env}) to go on: ");
    let answer = tokio::task::spawn_blocking(move || ui.ask(&question)).await??;
    match answer {
        Some(answer) if answer == env => Ok(()),
        _ => Err(Refusal::Declined.into()),
    }
}
