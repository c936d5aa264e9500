use super::explain::LeftStanding;
use super::listen::ear;
use super::lock::LockWait;
use super::{Context, Exit, consent, planning, running};
use crate::engine::{Engine, Unsure, discard, left_standing, survey};
use crate::graph::LogicalName;
use crate::outputs::FlatOutputs;
use crate::plan::{self, Plan};
use crate::resources::{Aws, Given, Kind, Seen, Tagged};
use crate::stack::Stack;
use crate::state::{Entry, Record, Store};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;

/// Delete everything that belongs to the stack of an environment.
///
/// Asks for the name of the environment on a terminal. Also finds what is there and ours when the state is lost, by name
/// and by its tags; at the end a search by tags proves that nothing is left. AWS holds keys and secrets back for some
/// days; the end says until when. `protect = true` in infra.toml refuses it, and what stands there under `retain` is left
/// standing.
#[derive(Debug, Args)]
pub struct Destroy {
    /// Ask nothing.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    lock: LockWait,
}

impl Destroy {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        consent::guard_protection(context)?;
        let aws = context.connect().await?.aws;
        let store = context.lock("destroy", self.lock).await?;
        let done = self.destroy(context, &aws, &*store).await;
        store.release(context, done).await?;
        Ok(Exit::Done)
    }

    async fn destroy(self, context: &Context, aws: &Aws, store: &dyn Store) -> anyhow::Result<()> {
        let cancel = context.interrupt.token.clone();
        let mut engine = Engine::open(aws, store, discard(), cancel).await?;
        carry_out(context, &mut engine, &aws.given, self.yes).await?;
        let bus = context.config.events.bus.as_str();
        // What a listener left is no part of the stack, and a destroy that may not look for it is complete all the same.
        if let Err(error) = ear::sweep(aws, context.env(), bus, ear::Which::All).await {
            let note = format!("Could not look for what `payhook listen` may have left: {error}");
            context.ui.note(note);
        }
        Ok(())
    }
}

/// Plans, asks, deletes, and forgets what stays.
pub async fn carry_out(
    context: &Context,
    engine: &mut Engine<'_>,
    given: &Given,
    unasked: bool,
) -> anyhow::Result<()> {
    let Destruction {
        plan,
        seen,
        retained,
        unsure,
    } = plan_destroy(context, engine, given).await?;
    planning::say_unsure(context, &unsure);
    consent::guard_resources(context, &plan)?;
    say_retained(context, &retained);
    if plan.is_empty() && retained.is_empty() {
        context
            .ui
            .say(format!("Nothing of {} is there.", context.env()));
    } else {
        planning::show(context, &plan, "destroy", given);
        consent::to_destroy(context, unasked).await?;
    }
    let took = running::apply(context, engine, &plan, &seen, "destroy", given).await?;
    for (resource, _) in &retained {
        let resource = resource.clone();
        engine.record(Record::Forgotten { resource }).await?;
    }
    FlatOutputs::remove(&context.outputs_file(), context.env())?;
    let unsearched = unsure.iter().any(|one| matches!(one, Unsure::Search(_)));
    if !plan.is_empty() && !unsearched {
        prove_empty(context, engine, given, &plan, &retained).await?;
    }
    summary(context, &plan, &retained, took);
    Ok(())
}

/// Searches once more by tags: nothing may stand but what is retained.
async fn prove_empty(
    context: &Context,
    engine: &Engine<'_>,
    given: &Given,
    plan: &Plan,
    retained: &[(LogicalName, Entry)],
) -> anyhow::Result<()> {
    let everything = Stack::everything(&context.config).graph;
    let facts = planning::facts(context, given, &[]);
    // A list may lag behind a delete, of which the engine has waited for the end.
    let settled = |hit: &Tagged| {
        let mut gone = plan.steps.iter();
        let mut kept = retained.iter();
        gone.any(|step| hit.is(step.kind, &step.properties, &step.outputs))
            || kept.any(|(_, entry)| hit.is(entry.kind, &entry.properties, &entry.outputs))
    };
    let (standing, unsure) = left_standing(engine.cloud, &everything, &facts, settled).await?;
    planning::say_unsure(context, &unsure);
    if standing.is_empty() {
        return Ok(());
    }
    let lines = standing.iter();
    let lines = lines.map(|one| format!("{} {}", one.hit.kind, one.physical));
    Err(LeftStanding {
        env: context.env().to_owned(),
        lines: lines.collect(),
    }
    .into())
}

/// What a destroy deletes, and what it leaves standing.
pub struct Destruction {
    /// The deletes.
    pub plan: Plan,
    /// As it stands.
    pub seen: BTreeMap<LogicalName, Seen>,
    /// To be forgotten once they are done.
    pub retained: Vec<(LogicalName, Entry)>,
    /// What a search by tags could not find out.
    pub unsure: Vec<Unsure>,
}

/// Plans the deletion of everything that is ours but what infra.toml retains.
pub async fn plan_destroy(
    context: &Context,
    engine: &Engine<'_>,
    given: &Given,
) -> anyhow::Result<Destruction> {
    let state = engine.state();
    context.guard_place(&state, given)?;
    let stack = Stack::payment_webhooks(&context.config);
    consent::guard_selections(context, &stack)?;
    let facts = planning::facts(context, given, &[]);
    let everything = Stack::everything(&context.config).graph;
    let found = survey(engine.cloud, &stack.graph, &everything, &state, &facts).await?;
    let owned = plan::owned(&stack.graph, &state, &found.seen, &facts)?;
    let retain = &context.config.retain;
    let covers = |name: &LogicalName, kind: Kind| retain.covers(name.as_str(), kind.as_str());
    // What a stray needs is kept with it, so both are divided together.
    let owned = owned.and(&found.strays);
    let divided = plan::divide(owned.entries, covers);
    let found_beside = |one: &(LogicalName, Entry)| !state.retired.contains(one);
    let retired = owned.retired.into_iter();
    let (kept, retired): (Vec<_>, Vec<_>) =
        retired.partition(|one| found_beside(one) && covers(&one.0, one.1.kind));
    let retained = divided.retained.into_iter().chain(kept).collect();
    Ok(Destruction {
        plan: plan::destroy_of(&divided.deleted, &retired, &found.strays),
        seen: found.seen,
        retained,
        unsure: found.unsure,
    })
}

fn say_retained(context: &Context, retained: &[(LogicalName, Entry)]) {
    if retained.is_empty() {
        return;
    }
    let ui = &context.ui;
    ui.say("Left standing and forgotten, since infra.toml retains them or what needs them:");
    for (_, entry) in retained {
        ui.say(format!("      {}  {}", entry.kind, entry.physical));
    }
    ui.say("");
}

fn summary(
    context: &Context,
    plan: &Plan,
    retained: &[(LogicalName, Entry)],
    took: std::time::Duration,
) {
    let held: Vec<Held> = plan
        .steps
        .iter()
        .filter_map(|step| held(step, context.now()))
        .collect();
    if context.ui.is_json() {
        let held: Vec<_> = held
            .iter()
            .map(|held| json!({"kind": held.kind, "name": held.name, "until": held.until.to_string()}))
            .collect();
        context.ui.json(&json!({
            "event": "destroyed",
            "env": context.env(),
            "elapsedMs": took.as_millis() as u64,
            "heldBack": held,
            "retained": retained.iter()
                .map(|(_, entry)| json!({"kind": entry.kind, "name": entry.physical}))
                .collect::<Vec<_>>(),
        }));
        return;
    }
    if !plan.is_empty() {
        context.ui.say(format!(
            "\nDestroyed {} in {:.1} s.",
            context.env(),
            took.as_secs_f64()
        ));
    }
    if !held.is_empty() {
        context.ui.say("AWS holds back, and deletes by itself:");
    }
    for Held { kind, name, until } in held {
        let until = until.strftime("%Y-%m-%d");
        context.ui.say(format!(
            "  {kind} {name}  until {until}; can be brought back until then"
        ));
    }
}

/// Something that AWS keeps for a while after its deletion.
struct Held {
    kind: Kind,
    name: String,
    until: Timestamp,
}

fn held(step: &crate::plan::Step, now: Timestamp) -> Option<Held> {
    let window = match step.kind {
        Kind::Key => "deletionWindowDays",
        Kind::Secret => "recoveryWindowDays",
        _ => return None,
    };
    let days = step
        .properties
        .get(window)?
        .as_i64()
        .filter(|days| *days > 0)?;
    Some(Held {
        kind: step.kind,
        name: step.physical.clone(),
        until: now
            .checked_add(SignedDuration::from_hours(24 * days))
            .ok()?,
    })
}
