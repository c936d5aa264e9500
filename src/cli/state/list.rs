use crate::cli::{Context, Exit};
use crate::graph::LogicalName;
use crate::state::{Entry, State, Way};
use clap::Args;

/// List every resource.
#[derive(Debug, Args)]
pub struct List {}

impl List {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let known = context.store().await?.load().await?;
        let ui = &context.ui;
        if ui.is_json() {
            // What stands, not what stood once.
            ui.json(&State {
                way: Way::default(),
                ..known
            });
        } else if known.is_empty() {
            ui.say(format!("Nothing is deployed in {}.", context.env()));
        } else {
            lines(&known).iter().for_each(|line| ui.say(line));
        }
        Ok(Exit::Done)
    }
}

/// Every resource on a line of its own.
pub fn lines(known: &State) -> Vec<String> {
    let width =
        |of: fn(&(&LogicalName, &Entry)) -> usize| known.entries.iter().map(|e| of(&e)).max();
    let name_width = width(|(name, _)| name.as_str().len()).unwrap_or(0);
    let kind_width = width(|(_, entry)| entry.kind.as_str().len()).unwrap_or(0);
    let entries = known.entries.iter().map(|(name, entry)| {
        let (name, kind) = (name.as_str(), entry.kind.as_str());
        format!(
            "{name:<name_width$}  {kind:<kind_width$}  {}",
            entry.physical
        )
    });
    let retired = known.retired.iter().map(|(name, entry)| {
        format!(
            "{name} (replaced, still to be deleted)  {}  {}",
            entry.kind, entry.physical
        )
    });
    let open = known.open.iter().map(|name| {
        format!("{name}: the last run stopped in the middle of it; the next one looks first")
    });
    entries.chain(retired).chain(open).collect()
}
