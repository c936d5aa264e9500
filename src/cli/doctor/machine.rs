//! What can be seen without AWS: configuration, tools, state and outputs.

use super::{Finding, Health};
use crate::artifact;
use crate::cli::Context;
use crate::config::{Endpoint, EnvName};
use crate::outputs::FlatOutputs;
use crate::policy::check;
use crate::stack::Stack;

pub async fn look(context: &Context, stack: &Stack) -> Vec<Finding> {
    vec![
        Finding::good(
            "infra.toml",
            format!(
                "environment {} in {}",
                context.env(),
                context.config.region.as_str()
            ),
        ),
        constraints(stack),
        tools(context).await,
        state(context).await,
        outputs(context),
    ]
}

fn constraints(stack: &Stack) -> Finding {
    let violations = check(stack);
    match violations.is_empty() {
        true => Finding::good("the eight constraints", "hold for what would be deployed"),
        false => Finding::new(
            Health::Bad,
            "the eight constraints",
            "broken by what would be deployed",
            violations.iter().map(ToString::to_string).collect(),
        ),
    }
}

/// Whether the functions can be built here for where the environment lives.
async fn tools(context: &Context) -> Finding {
    let what = "building the functions";
    let local = context.env() == EnvName::LOCAL || context.config.endpoint == Endpoint::Emulator;
    if local {
        return Finding::good(what, "for this machine, with cargo");
    }
    match artifact::route(&context.root, &context.config.artifact).await {
        Ok(route) => Finding::good(what, format!("for arm64, with {route}")),
        Err(error) => Finding::failed(what, &error.into()),
    }
}

async fn state(context: &Context) -> Finding {
    let what = "state";
    let known = match context.store().await {
        Ok(store) => store.load().await.map_err(Into::into),
        Err(error) => Err(error),
    };
    match known {
        Err(error) => Finding::failed(what, &error),
        Ok(known) if !known.open.is_empty() => Finding::new(
            Health::Note,
            what,
            format!(
                "the last run stopped in the middle of {} of {} resources",
                known.open.len(),
                known.entries.len()
            ),
            vec![format!(
                "`payhook deploy --env {}` finishes what it began",
                context.env()
            )],
        ),
        Ok(known) => Finding::good(what, format!("{} resources", known.entries.len())),
    }
}

fn outputs(context: &Context) -> Finding {
    let what = "cfn-outputs/flat-outputs.json";
    match FlatOutputs::read_of(&context.outputs_file(), context.env()) {
        Ok(_) => Finding::good(what, "of this environment"),
        Err(error) => Finding::new(
            Health::Note,
            what,
            error.to_string(),
            vec![format!(
                "`payhook deploy --env {}` writes it",
                context.env()
            )],
        ),
    }
}
