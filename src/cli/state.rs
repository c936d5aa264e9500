use super::refusal::Misuse;
use super::{Context, Exit};
use crate::graph::LogicalName;
use crate::state::State as Known;
use clap::{Args, Subcommand};

/// Look at what payhook knows that it owns.
#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List every resource.
    List,
    /// Show one resource: its properties as last applied, outputs, tags and dependencies.
    Show {
        /// Name inside the stack, as `state list` prints it first.
        resource: String,
    },
}

impl State {
    pub fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let known = context.store().load()?;
        match self.what {
            What::List => list(context, &known),
            What::Show { resource } => show(context, &known, &resource)?,
        }
        Ok(Exit::Done)
    }
}

fn list(context: &Context, known: &Known) {
    let ui = &context.ui;
    if ui.is_json() {
        return ui.json(known);
    }
    if known.is_empty() {
        return ui.say(format!("Nothing is deployed in {}.", context.env()));
    }
    let width = |of: fn(&(&LogicalName, &crate::state::Entry)) -> usize| {
        known.entries.iter().map(|e| of(&e)).max()
    };
    let name_width = width(|(name, _)| name.as_str().len()).unwrap_or(0);
    let kind_width = width(|(_, entry)| entry.kind.as_str().len()).unwrap_or(0);
    for (name, entry) in &known.entries {
        let (name, kind) = (name.as_str(), entry.kind.as_str());
        ui.say(format!(
            "{name:<name_width$}  {kind:<kind_width$}  {}",
            entry.physical
        ));
    }
    for (name, entry) in &known.retired {
        ui.say(format!(
            "{name} (replaced, still to be deleted)  {}  {}",
            entry.kind, entry.physical
        ));
    }
    for name in &known.open {
        ui.say(format!(
            "{name}: the last run stopped in the middle of it; the next one looks first"
        ));
    }
}

fn show(context: &Context, known: &Known, resource: &str) -> anyhow::Result<()> {
    let Some(entry) = known.entries.get(&LogicalName::from(resource)) else {
        return Err(Misuse {
            words: format!(
                "there is no resource `{resource}` in the state of {}",
                context.env()
            ),
            next: "list them with `payhook state list`".to_owned(),
        }
        .into());
    };
    match context.ui.is_json() {
        true => context.ui.json(entry),
        false => context
            .ui
            .say(format!("{:#}", serde_json::to_value(entry)?)),
    }
    Ok(())
}
