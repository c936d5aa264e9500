pub mod accept;
pub mod revert;

use super::consent::Consent;
use super::context::Connection;
use super::lock::LockWait;
use super::{Context, Exit, planning};
use crate::engine::{Engine, discard, observe_entries};
use crate::graph::LogicalName;
use crate::plan;
use crate::resources::{Aws, Cloud, Given, Seen};
use crate::state::{State, Store};
use crate::view;
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;

/// Show what was changed outside payhook since the last run.
///
/// Compares every resource on record with what AWS shows, settings that payhook never makes included. Nothing is built
/// and, without --accept or --revert, nothing is changed and no lock is taken.
#[derive(Debug, Args)]
pub struct Drift {
    /// End with exit code 4 when something has drifted.
    #[arg(long, conflicts_with_all = ["accept", "revert"])]
    fail: bool,
    /// Take what is there as known. infra.toml still wins: the next deploy brings back what it says.
    #[arg(long, conflicts_with = "revert")]
    accept: bool,
    /// Bring back what payhook applied last, also what was deleted; what it does not manage is taken away.
    #[arg(long)]
    revert: bool,
    /// With --revert: also what loses data.
    #[arg(long, requires = "revert", conflicts_with = "accept")]
    allow_data_loss: bool,
    /// With --revert: ask nothing.
    #[arg(long, short, requires = "revert", conflicts_with = "accept")]
    yes: bool,
    #[command(flatten)]
    lock: LockWait,
}

/// What was recorded, what is there, and how they differ.
pub struct Look {
    /// What was recorded.
    pub state: State,
    /// What is there.
    pub seen: BTreeMap<LogicalName, Seen>,
    /// How they differ.
    pub drift: plan::Drift,
}

impl Drift {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let Connection { aws, emulator } = context.connect().await?;
        if self.accept {
            let store = context.lock("drift --accept", self.lock).await?;
            let done = accepted(context, &aws, &*store).await;
            store.release(context, done).await?;
            return Ok(Exit::Done);
        }
        if self.revert {
            let store = context.lock("drift --revert", self.lock).await?;
            let consent = Consent {
                data_loss: self.allow_data_loss,
                unasked: self.yes,
            };
            let done = revert::revert(context, aws, emulator.as_deref(), &*store, consent).await;
            store.release(context, done).await?;
            return Ok(Exit::Done);
        }
        let store = context.store().await?;
        let cancel = context.interrupt.token.clone();
        let engine = Engine::open(&aws, store.as_ref(), discard(), cancel).await?;
        let look = look(context, &engine.state(), &aws, &aws.given).await?;
        show(context, &look, &aws.given);
        if !look.drift.is_empty() {
            context.ui.note(ways_on(context));
        }
        Ok(match self.fail && !look.drift.is_empty() {
            true => Exit::Pending,
            false => Exit::Done,
        })
    }
}

async fn accepted(context: &Context, aws: &Aws, store: &dyn Store) -> anyhow::Result<()> {
    let cancel = context.interrupt.token.clone();
    let engine = Engine::open(aws, store, discard(), cancel).await?;
    let look = look(context, &engine.state(), aws, &aws.given).await?;
    show(context, &look, &aws.given);
    accept::accept(context, &engine, &look, &aws.given).await
}

fn ways_on(context: &Context) -> String {
    let (payhook, env) = (super::program(), context.env());
    format!(
        "\n  {payhook} drift --env {env} --revert   bring back what payhook applied last\n  \
         {payhook} drift --env {env} --accept   take it as known; the next deploy still brings back what infra.toml says"
    )
}

/// Reads everything on record and compares.
pub async fn look(
    context: &Context,
    state: &State,
    cloud: &dyn Cloud,
    given: &Given,
) -> anyhow::Result<Look> {
    context.guard_place(state, given)?;
    let seen = observe_entries(cloud, &state.entries).await?;
    Ok(Look {
        drift: plan::drift(state, &seen),
        state: state.clone(),
        seen,
    })
}

/// Shows the drift, in words or as one JSON line.
pub fn show(context: &Context, look: &Look, given: &Given) {
    let (ui, drift) = (&context.ui, &look.drift);
    if ui.is_json() {
        return ui.json(&json!({
            "event": "drift",
            "env": context.env(),
            "account": given.account,
            "region": given.region,
            "empty": drift.is_empty(),
            "drift": drift,
        }));
    }
    if look.state.is_empty() {
        let (payhook, env) = (super::program(), context.env());
        return ui.say(format!(
            "Nothing is on record in {env}. If it was deployed, `{payhook} state rebuild --env {env}` finds it again."
        ));
    }
    let heading = planning::heading(context, "drift", given);
    ui.say(view::drift(drift, &heading, ui.paint()));
}
