//! What deploy and preview have in common: from infra.toml to a plan.

use super::backend::Place;
use super::context::Connection;
use super::{Context, building, consent, policy};
use crate::artifact::Artifact;
use crate::capacity::{AtRest, Data};
use crate::config::Endpoint;
use crate::engine::{Engine, Event, Unsure, survey_if_lost};
use crate::graph::LogicalName;
use crate::plan::{self, Action, Facts, Plan};
use crate::resources::{Class, Given, Seen};
use crate::stack::{self, Stack};
use crate::state::State;
use crate::view::{self, Heading};
use serde_json::json;
use std::collections::BTreeMap;

/// A plan and what it was made of.
pub struct Planned {
    /// What is wanted.
    pub stack: Stack,
    /// What was seen.
    pub seen: BTreeMap<LogicalName, Seen>,
    /// What would be done.
    pub plan: Plan,
}

/// What deploy and preview begin with.
pub struct Prepared {
    /// Knows the functions' zips.
    pub connection: Connection,
    /// Where the state is kept; looked at before anything is built.
    pub place: Place,
    /// The functions.
    pub artifacts: Vec<Artifact>,
}

/// Checks the stack, connects, makes sure that there is a place for the state, and builds the functions.
pub async fn prepare(context: &Context) -> anyhow::Result<Prepared> {
    let stack = Stack::payment_webhooks(&context.config);
    policy::guard(&stack)?;
    consent::guard_selections(context, &stack)?;
    let mut connection = context.connect().await?;
    let place = context.place().await?;
    context.guard_backend(&place).await?;
    let artifacts = building::build(context).await?;
    connection.aws.artifacts = artifacts
        .iter()
        .map(|artifact| (artifact.code_sha256.clone(), artifact.zip.clone()))
        .collect();
    Ok(Prepared {
        connection,
        place,
        artifacts,
    })
}

/// Looks at what is there and makes the plan of a deploy.
pub async fn plan(
    context: &Context,
    engine: &Engine<'_>,
    given: &Given,
    artifacts: &[Artifact],
) -> anyhow::Result<Planned> {
    let state = engine.state();
    context.guard_place(&state, given)?;
    let stack = Stack::payment_webhooks(&context.config);
    let facts = facts(context, given, artifacts);
    let everything = Stack::everything(&context.config).graph;
    let found = survey_if_lost(engine.cloud, &stack.graph, &everything, &state, &facts).await?;
    say_unsure(context, &found.unsure);
    let known = plan::with_strays(&state, &stack.graph, &found.strays);
    let seen = found.seen;
    let plan = plan::build(&stack.graph, &known, &seen, &facts)?;
    Ok(Planned { stack, seen, plan })
}

/// Says what a search by tags could not find out.
pub fn say_unsure(context: &Context, unsure: &[Unsure]) {
    for one in unsure {
        let next = match one {
            Unsure::Search(error) if error.class == Class::Denied => {
                "; allow tag:GetResources, as `payhook policy iam` prints it, and run this again"
            }
            _ => "",
        };
        let text = format!("{one}{next}");
        match context.ui.is_json() {
            true => context.ui.json(&Event::Notice { text }),
            false => context.ui.note(text),
        }
    }
}

/// What is known before any resource.
pub fn facts(context: &Context, given: &Given, artifacts: &[Artifact]) -> Facts {
    let tags = context.config.tags.iter();
    Facts {
        stack: stack::NAME.to_owned(),
        env: context.env().to_owned(),
        given: given.clone(),
        artifacts: artifacts
            .iter()
            .map(|artifact| (artifact.function.to_owned(), artifact.code_sha256.clone()))
            .collect(),
        tags: tags
            .map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned()))
            .collect(),
    }
}

/// Says that the state does not know what stands, and that it is taken over rather than made a second time.
pub fn say_taken_over(context: &Context, state: &State, plan: &Plan) {
    let env = context.env();
    let (stand, them) = match plan.count(Action::Adopt) {
        0 => return,
        1 => ("1 resource stands already and is ours".to_owned(), "it is"),
        n => (
            format!("{n} resources stand already and are ours"),
            "they are",
        ),
    };
    let text = match state.is_empty() {
        true => {
            format!("The state of {env} is lost or was never here: {stand}; {them} taken over.")
        }
        false => {
            format!("{stand} although the state of {env} does not know of it; {them} taken over.")
        }
    };
    match context.ui.is_json() {
        true => context.ui.json(&Event::Notice { text }),
        false => context.ui.note(text),
    }
}

/// Shows a plan, in words or as one JSON line.
pub fn show(context: &Context, plan: &Plan, verb: &str, given: &Given) {
    let ui = &context.ui;
    if ui.is_json() {
        ui.json(&json!({
            "event": "plan",
            "verb": verb,
            "env": context.env(),
            "account": given.account,
            "region": given.region,
            "empty": plan.is_empty(),
            "atRest": at_rest(context, plan, given),
            "plan": plan,
        }));
        return;
    }
    ui.say(view::plan(plan, &heading(context, verb, given), ui.paint()));
    if let Some(cost) = cost(context, plan, given) {
        ui.say(cost);
    }
}

/// What a plan changes of what is paid without any traffic, in a sentence.
pub fn cost(context: &Context, plan: &Plan, given: &Given) -> Option<String> {
    at_rest(context, plan, given).and_then(|at_rest| view::at_rest(&at_rest))
}

/// What is paid without any traffic; an emulator takes nothing.
fn at_rest(context: &Context, plan: &Plan, given: &Given) -> Option<AtRest> {
    let data = Data::built_in().ok()?;
    let billed = context.config.endpoint == Endpoint::Aws;
    AtRest::of(plan, &given.region, &data).filter(|_| billed)
}

/// Which plan it is.
pub fn heading<'a>(context: &'a Context, verb: &'a str, given: &'a Given) -> Heading<'a> {
    Heading {
        verb,
        env: context.env(),
        account: &given.account,
        region: &given.region,
    }
}
