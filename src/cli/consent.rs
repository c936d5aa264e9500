//! Whether the user agrees to what cannot be undone.

use super::Context;
use super::refusal::Refusal;
use crate::plan::Plan;
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
