use super::Look;
use crate::cli::Context;
use crate::engine::Engine;
use crate::plan::{self, Drifted};
use crate::resources::Given;
use crate::state::{Ending, Record};
use serde_json::json;

/// Takes what is there into the state; what AWS reports as failed or under way cannot be taken.
pub async fn accept(
    context: &Context,
    engine: &Engine<'_>,
    look: &Look,
    given: &Given,
) -> anyhow::Result<()> {
    let drifted = &look.drift.drifted;
    if drifted.is_empty() {
        return Ok(());
    }
    let (run, at) = (look.state.run + 1, context.now().to_string());
    engine
        .record(Record::Began {
            run,
            env: context.env().to_owned(),
            verb: "drift --accept".to_owned(),
            at: at.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            given: given.clone(),
        })
        .await?;
    for record in drifted.iter().filter_map(|drifted| record(look, drifted)) {
        engine.record(record).await?;
    }
    let ending = Ending::Completed;
    engine.record(Record::Ended { run, at, ending }).await?;
    engine.store.finish().await?;
    summary(context, drifted);
    Ok(())
}

fn record(look: &Look, drifted: &Drifted) -> Option<Record> {
    let resource = drifted.resource.clone();
    Some(match look.seen.get(&resource) {
        None => Record::Deleted { resource },
        Some(seen) => Record::Put {
            entry: plan::accept(look.state.entries.get(&resource)?, seen),
            resource,
            done: true,
        },
    })
}

fn summary(context: &Context, drifted: &[Drifted]) {
    let (ui, env) = (&context.ui, context.env());
    let left: Vec<&Drifted> = drifted.iter().filter(|d| d.condition.is_some()).collect();
    if ui.is_json() {
        let names = |of: &[&Drifted]| -> Vec<String> {
            of.iter().map(|d| d.resource.to_string()).collect()
        };
        return ui.json(&json!({
            "event": "accepted",
            "env": env,
            "resources": names(&drifted.iter().collect::<Vec<_>>()),
            "notReady": names(&left),
        }));
    }
    let are = match drifted.len() {
        1 => "1 resource is".to_owned(),
        n => format!("{n} resources are"),
    };
    ui.say(format!(
        "\n{are} accepted as found. infra.toml still wins: the next deploy of {env} brings back what it says."
    ));
    for drifted in left {
        ui.say(format!(
            "  {} {} is still not ready for use, which nothing can accept; --revert or a deploy sees to it",
            drifted.kind, drifted.physical
        ));
    }
}
