use crate::cli::lock::LockWait;
use crate::cli::refusal::Refusal;
use crate::cli::{Context, Exit, planning};
use crate::engine::{Engine, discard, survey_for_good};
use crate::plan::{self, PlanError, Rebuilt};
use crate::resources::{Cloud, Given};
use crate::stack::Stack;
use crate::state::{Ending, Record, State, Store, Way};
use clap::Args;
use serde_json::{Value, json};

/// Find everything of the stack again by names and tags, when the state is lost.
///
/// What infra.toml no longer declares is found as well, by its tags; the next deploy deletes it. What stands under a name of the stack and is not payhook's is named and left out. Nothing in the cloud is changed.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Put what is found in the place of a state that is there.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    lock: LockWait,
}

impl Rebuild {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let aws = context.connect().await?.aws;
        let store = context.lock("state rebuild", self.lock).await?;
        let done = rebuild(context, &aws, &*store, &aws.given, self.overwrite).await;
        store.release(context, done).await?;
        Ok(Exit::Done)
    }
}

/// Looks for everything of the stack and writes what is ours as the state.
pub async fn rebuild(
    context: &Context,
    cloud: &dyn Cloud,
    store: &dyn Store,
    given: &Given,
    overwrite: bool,
) -> anyhow::Result<()> {
    let cancel = context.interrupt.token.clone();
    let engine = Engine::open(cloud, store, discard(), cancel).await?;
    let known = engine.state();
    context.guard_place(&known, given)?;
    if !known.is_empty() && !overwrite {
        let (env, resources) = (context.env().to_owned(), known.entries.len());
        return Err(Refusal::StateStands { env, resources }.into());
    }
    let stack = Stack::payment_webhooks(&context.config);
    let facts = planning::facts(context, given, &[]);
    let everything = Stack::everything(&context.config).graph;
    let none = State::default();
    let looked = survey_for_good(cloud, &stack.graph, &everything, &none, &facts).await?;
    planning::say_unsure(context, &looked.unsure);
    let mut found = plan::rebuild(&stack.graph, &looked.seen, &facts)?;
    found.state = plan::with_strays(&found.state, &stack.graph, &looked.strays);
    if !found.state.is_empty() {
        write(context, &engine, &found.state, given).await?;
    }
    say(context, &found, looked.strays.len());
    match found.foreign.is_empty() {
        true => Ok(()),
        false => Err(PlanError::Foreign(found.foreign).into()),
    }
}

/// One record holds all of it, so that a crash leaves all or nothing.
async fn write(
    context: &Context,
    engine: &Engine<'_>,
    found: &State,
    given: &Given,
) -> anyhow::Result<()> {
    let (run, at) = (engine.state().run + 1, context.now().to_string());
    engine
        .record(Record::Began {
            run,
            env: context.env().to_owned(),
            verb: "state rebuild".to_owned(),
            at: at.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            given: given.clone(),
        })
        .await?;
    let state = Box::new(State {
        run,
        way: Way::starting(run, at.clone(), found.entries.clone()),
        ..found.clone()
    });
    engine.record(Record::Snapshot { state }).await?;
    let ending = Ending::Completed;
    engine.record(Record::Ended { run, at, ending }).await?;
    Ok(engine.store.finish().await?)
}

fn say(context: &Context, found: &Rebuilt, strays: usize) {
    let (ui, env, state) = (&context.ui, context.env(), &found.state);
    if ui.is_json() {
        return ui.json(&json!({
            "event": "rebuilt",
            "env": env,
            "resources": state.entries.iter().map(line).collect::<Vec<_>>(),
            "retired": state.retired.iter().map(|(name, entry)| line((name, entry))).collect::<Vec<_>>(),
            "undeclared": strays,
            "foreign": found.foreign.iter().map(|f| json!({
                "resource": f.resource, "kind": f.kind, "physical": f.physical, "owner": f.owner,
            })).collect::<Vec<_>>(),
        }));
    }
    if state.is_empty() {
        return ui.say(format!(
            "Nothing of {env} stands, so there is nothing to put on record."
        ));
    }
    super::list::lines(state)
        .iter()
        .for_each(|line| ui.say(line));
    let count = state.entries.len();
    ui.say(format!(
        "\nThe state of {env} is rebuilt: {count} resources stand and are ours."
    ));
    if strays > 0 {
        ui.say(format!(
            "infra.toml no longer declares {strays} of them: the next deploy deletes what it does not declare."
        ));
    }
}

fn line((name, entry): (&crate::graph::LogicalName, &crate::state::Entry)) -> Value {
    json!({"resource": name, "kind": entry.kind, "physical": entry.physical})
}
