use super::consent::{self, Consent};
use super::context::Connection;
use super::explain::{RolledBack, RunFailed};
use super::lock::LockWait;
use super::planning::{Planned, Prepared};
use super::{Context, Exit, approval, code, planning, rollback, running};
use crate::artifact::Artifact;
use crate::engine::{Engine, discard};
use crate::outputs::{FlatOutputs, key};
use crate::plan::{Approved, Plan};
use crate::state::Store;
use crate::view;
use clap::{Args, ValueHint};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

const NO_WAY_BACK: &str = "\nNo deploy has succeeded yet, so there is nothing to go back to.";

/// Bring the stack of an environment to what infra.toml says.
///
/// Builds the functions, shows the plan, applies it, and writes cfn-outputs/flat-outputs.json. A second deploy without
/// a change changes nothing. With `--env local` everything runs on this machine.
#[derive(Debug, Args)]
pub struct Deploy {
    /// Apply also what loses data: deleting or replacing the table, the key, the secret or the queue.
    #[arg(long)]
    allow_data_loss: bool,
    /// Ask nothing; without --allow-data-loss a plan that loses data is then refused.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    lock: LockWait,
    /// When a step fails, go back to the last successful deploy, as `rollback` does.
    #[arg(long)]
    rollback_on_failure: bool,
    /// Do only what the plan in this file lists, which `preview --out` wrote; end with exit code 3 before anything is
    /// changed if that is not enough. What a run that was cut off has already done of it may be missing.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    plan: Option<PathBuf>,
}

impl Deploy {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let approved = self.plan.as_deref();
        let approved = approved
            .map(|path| approval::read(context, path))
            .transpose()?;
        let Prepared {
            connection,
            place,
            artifacts,
        } = planning::prepare(context).await?;
        let store = context.lock_in(&place, "deploy", self.lock).await?;
        let done = self.deploy(context, connection, &artifacts, &*store, approved.as_ref());
        let done = done.await;
        store.release(context, done).await?;
        Ok(Exit::Done)
    }

    async fn deploy(
        self,
        context: &Context,
        connection: Connection,
        artifacts: &[Artifact],
        store: &dyn Store,
        approved: Option<&Approved>,
    ) -> anyhow::Result<()> {
        let Connection { aws, emulator } = &connection;
        let cancel = context.interrupt.token.clone();
        let mut engine = Engine::open(aws, store, discard(), cancel).await?;
        let planned = planning::plan(context, &engine, &aws.given, artifacts).await?;
        planning::say_taken_over(context, &engine.state(), &planned.plan);
        planning::show(context, &planned.plan, "deploy", &aws.given);
        if let Some(approved) = approved {
            approval::guard(approved, &aws.given, &planned.plan)?;
        }
        let consent = Consent {
            data_loss: self.allow_data_loss,
            unasked: self.yes,
        };
        consent::to_deploy(context, &planned.plan, consent).await?;
        code::keep(context, artifacts)?;
        let Planned { plan, seen, stack } = &planned;
        let applied = running::apply(context, &mut engine, plan, seen, "deploy", &aws.given).await;
        let took = match applied {
            Err(error) if self.rollback_on_failure && error.is::<RunFailed>() => {
                drop(engine);
                return go_back(context, connection, store, consent, error).await;
            }
            applied => applied?,
        };
        let state = engine.state();
        let outputs = FlatOutputs::of(stack, &state, &aws.given, emulator.as_deref())?;
        outputs.write(&context.outputs_file())?;
        code::forget_unused(context, &state)?;
        summary(context, &planned.plan, &outputs, took)
    }
}

/// Goes back after a failed deploy, which stays a failure.
async fn go_back(
    context: &Context,
    connection: Connection,
    store: &dyn Store,
    consent: Consent,
    error: anyhow::Error,
) -> anyhow::Result<()> {
    let state = store.load().await?;
    if !rollback::is_possible(&state, &connection.aws.given) {
        context.ui.note(NO_WAY_BACK);
        return Err(error);
    }
    context
        .ui
        .note("\nThe deploy failed; going back to the last successful one.");
    match rollback::back(context, connection, store, consent, None).await {
        Ok(()) => Err(RolledBack(error).into()),
        Err(second) => Err(second.context(error)),
    }
}

fn summary(
    context: &Context,
    plan: &Plan,
    outputs: &FlatOutputs,
    took: Duration,
) -> anyhow::Result<()> {
    let ui = &context.ui;
    if ui.is_json() {
        ui.json(&json!({
            "event": "deployed",
            "env": context.env(),
            "changed": !plan.is_empty(),
            "elapsedMs": took.as_millis() as u64,
            "outputs": outputs,
        }));
        return Ok(());
    }
    let env = context.env();
    if !plan.is_empty() {
        ui.say(format!("\nDeployed {env} in {:.1} s.", took.as_secs_f64()));
    }
    ui.say(format!(
        "\n  {}  {}",
        key::API_URL,
        outputs.get(key::API_URL)?
    ));
    ui.say(format!(
        "  all outputs: {}",
        view::short_path(&context.outputs_file())
    ));
    if let (false, Some(provider)) = (plan.is_empty(), context.config.providers.keys().next_back())
    {
        let payhook = super::program();
        ui.say("\nNext:");
        if !context.config.env.is_local() {
            ui.say(format!("  {payhook} secret set {provider} --env {env}   give it the provider's signing secret"));
        }
        ui.say(format!(
            "  {payhook} send {provider} --env {env}   sign and post a test event, and follow it"
        ));
        ui.say(format!(
            "  {payhook} verify --env {env}   check the eight constraints on what is deployed"
        ));
    }
    Ok(())
}
