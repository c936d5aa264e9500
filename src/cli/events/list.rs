use super::selection::Selection;
use super::{Deployed, facts, line};
use crate::cli::{Context, Exit};
use clap::Args;
use payments::store::Processing;
use serde_json::json;

/// List events by payment, provider, processing and time of arrival.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    selection: Selection,
    /// Show no more than this many, the latest.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

impl List {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let events = self.selection.read(&deployed.store).await?;
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
        let all = match events.len() {
            1 => "1 event".to_owned(),
            n => format!("{n} events"),
        };
        ui.note(format!("{all}: {}.", counts.join(", ")));
        if hidden > 0 {
            ui.note(format!(
                "{hidden} earlier ones are not shown; --limit shows more."
            ));
        }
        Ok(Exit::Done)
    }
}
