use super::selection::Selection;
use super::{Deployed, counted, facts, line};
use crate::cli::doctor::ON_ITS_WAY;
use crate::cli::{Context, Exit, number};
use clap::Args;
use payments::store::Processing;
use serde_json::json;

/// List events by payment, provider, processing and time of arrival.
///
/// Those of a payment are asked for by their key, and those received or failed by the index of what needs attention. Anything
/// else is looked for through the table item by item, which costs more the larger the table is.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    selection: Selection,
    /// Those that somebody has to look at, each with the reason: failed, waiting for too long, contradicted by the
    /// provider's API, or come again with another content.
    #[arg(long, conflicts_with_all = ["payment", "status"])]
    needs_attention: bool,
    /// Show no more than this many, the latest.
    #[arg(long, default_value_t = 100, value_parser = number::from_zero::<usize>)]
    limit: usize,
    /// Where the table has to be looked through, read no more than this many items.
    #[arg(long, value_name = "ITEMS", default_value_t = 100_000, value_parser = number::from_zero::<u64>)]
    read_at_most: u64,
}

impl List {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        if self.needs_attention {
            return self.attention(context, &deployed).await;
        }
        let found = self
            .selection
            .read(&deployed.store, self.read_at_most)
            .await?;
        let events = &found.events;
        let ui = &context.ui;
        let hidden = events.len().saturating_sub(self.limit);
        for event in &events[hidden..] {
            match ui.is_json() {
                true => ui.json(&json!({"event": "stored", "stored": facts(event)})),
                false => ui.say(line(event)),
            }
        }
        let counts = Processing::ALL.map(|processing| {
            let count = events
                .iter()
                .filter(|event| event.processing == processing)
                .count();
            format!("{count} {}", processing.as_str())
        });
        let all = counted(events.len(), "event");
        ui.note(format!("{all}: {}.", counts.join(", ")));
        if hidden > 0 {
            ui.note(format!(
                "{hidden} earlier ones are not shown; --limit shows more."
            ));
        }
        if !found.is_whole {
            if ui.is_json() {
                ui.json(&json!({"event": "incomplete", "read": found.read}));
            }
            ui.note(format!(
                "There may be more: looking through the table ended after {} items. Narrow it down with --payment, --status \
                 received or --status failed, which read only what they show, or raise --read-at-most.",
                found.read
            ));
        }
        Ok(Exit::Done)
    }

    async fn attention(&self, context: &Context, deployed: &Deployed) -> anyhow::Result<Exit> {
        let stuck = context.now().checked_sub(ON_ITS_WAY)?;
        let search = self.selection.search()?;
        let found = deployed.store.needing_attention(&search, stuck).await?;
        let ui = &context.ui;
        let hidden = found.len().saturating_sub(self.limit);
        for (event, why) in &found[hidden..] {
            match ui.is_json() {
                true => ui.json(
                    &json!({"event": "needsAttention", "why": why.as_str(), "stored": facts(event)}),
                ),
                false => ui.say(format!("{:<8}  {}", why.as_str(), line(event))),
            }
        }
        ui.note(match found.len() {
            0 => "No event needs attention.".to_owned(),
            n => format!("{n} to look at; `payhook events resolve ID --note TEXT` says that you have, `payhook events replay` has what failed processed again."),
        });
        if hidden > 0 {
            ui.note(format!(
                "{hidden} earlier ones are not shown; --limit shows more."
            ));
        }
        Ok(Exit::Done)
    }
}
