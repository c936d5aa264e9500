use super::consent::{self, Consent};
use super::context::Connection;
use super::lock::LockWait;
use super::refusal::{Misuse, Refusal};
use super::{Context, Exit, code, planning, running};
use crate::engine::{Engine, discard, observe};
use crate::outputs::FlatOutputs;
use crate::plan::{self, Facts, Plan};
use crate::resources::{Given, Seen};
use crate::stack::Stack;
use crate::state::{Good, Record, State, Store};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Bring the stack back to the last successful deploy.
///
/// After a deploy that failed or was stopped, that is the one before it; after a successful one, the last earlier one that
/// wanted something else. After a rollback there is nothing more to do; --to goes further. Properties, tags and the functions' code come back as they were then, whatever infra.toml and
/// the sources say now; what has been added since is deleted. Stopped in the middle, the same command goes on.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The run of the deploy to go back to, one of the last three successful ones.
    #[arg(long, value_name = "RUN")]
    to: Option<u64>,
    /// Apply also what loses data.
    #[arg(long)]
    allow_data_loss: bool,
    /// Ask nothing; without --allow-data-loss a plan that loses data is then refused.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    lock: LockWait,
}

impl Rollback {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let connection = context.connect().await?;
        let store = context.lock("rollback", self.lock).await?;
        let consent = Consent {
            data_loss: self.allow_data_loss,
            unasked: self.yes,
        };
        let done = back(context, connection, &*store, consent, self.to).await;
        store.release(context, done).await?;
        Ok(Exit::Done)
    }
}

/// Whether there is a deploy to go back to.
pub fn is_possible(state: &State, given: &Given) -> bool {
    plan::target(state, given).is_some()
}

/// Goes back to the last successful deploy.
pub async fn back(
    context: &Context,
    connection: Connection,
    store: &dyn Store,
    consent: Consent,
    to: Option<u64>,
) -> anyhow::Result<()> {
    let Connection { mut aws, emulator } = connection;
    let given = aws.given.clone();
    let state = store.load().await?;
    context.guard_place(&state, &given)?;
    let good = match to {
        Some(run) => named(&state, run)?,
        None => plan::target(&state, &given).ok_or_else(|| no_earlier(context, &state))?,
    };
    context.ui.note(format!(
        "Going back to the deploy of {} (run {})",
        good.at, good.run
    ));
    let (plan, seen) = plan_back(context, good, &state, &aws).await?;
    planning::show(context, &plan, "rollback", &given);
    consent::to_deploy(context, &plan, consent).await?;
    aws.artifacts = code::zips(context, &aws, &plan, &good.entries).await?;
    let cancel = context.interrupt.token.clone();
    let mut engine = Engine::open(&aws, store, discard(), cancel).await?;
    // Where it stands already, nothing is written.
    if !(plan.is_empty() && state.way.stands && state.way.returned && state.complete) {
        engine.record(Record::Returning { run: good.run }).await?;
    }
    let took = running::apply(context, &mut engine, &plan, &seen, "rollback", &given).await?;
    let stack = Stack::payment_webhooks(&context.config);
    let outputs = FlatOutputs::of(&stack, &engine.state(), &given, emulator.as_deref())?;
    outputs.write(&context.outputs_file())?;
    summary(context, good, &plan, &outputs, took);
    Ok(())
}

async fn plan_back(
    context: &Context,
    good: &Good,
    state: &State,
    aws: &crate::resources::Aws,
) -> anyhow::Result<(Plan, BTreeMap<crate::graph::LogicalName, Seen>)> {
    let facts = Facts {
        tags: plan::tags_of(good),
        ..planning::facts(context, &aws.given, &[])
    };
    let graph = plan::graph_of(good, &aws.given);
    let seen = observe(aws, &graph, state, &facts).await?;
    Ok((plan::rollback(good, state, &seen, &facts)?, seen))
}

fn named(state: &State, run: u64) -> Result<&Good, Misuse> {
    let good = &state.way.good;
    let known: Vec<String> = good
        .iter()
        .map(|good| format!("{} ({})", good.run, good.at))
        .collect();
    let found = good.iter().find(|good| good.run == run);
    found.ok_or_else(|| Misuse {
        words: format!("run {run} is no successful deploy on record"),
        next: match known.is_empty() {
            true => "none has succeeded yet".to_owned(),
            false => format!("on record are: {}", known.join(", ")),
        },
    })
}

fn no_earlier(context: &Context, state: &State) -> Refusal {
    let env = context.env().to_owned();
    match state.way.good.is_empty() {
        true => Refusal::NeverDeployed(env),
        false => Refusal::NoEarlier(env),
    }
}

fn summary(context: &Context, good: &Good, plan: &Plan, outputs: &FlatOutputs, took: Duration) {
    let ui = &context.ui;
    if ui.is_json() {
        return ui.json(&json!({
            "event": "rolledBack",
            "env": context.env(),
            "to": {"run": good.run, "at": good.at},
            "changed": !plan.is_empty(),
            "elapsedMs": took.as_millis() as u64,
            "outputs": outputs,
        }));
    }
    ui.say(format!(
        "\n{} stands as it did after the deploy of {} ({:.1} s).",
        context.env(),
        good.at,
        took.as_secs_f64()
    ));
}
