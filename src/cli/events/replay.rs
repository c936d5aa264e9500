use super::selection::Selection;
use super::{Deployed, facts, line};
use crate::cli::executions;
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit};
use crate::outputs::key;
use clap::Args;
use payments::store::{EventItem, Key};
use serde_json::json;

/// Have events processed again that are stored and not settled.
///
/// Processed and ignored events are left alone, since processing them again changes nothing; so replaying twice is safe.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    selection: Selection,
    /// Say which events would be processed, and start nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        if self.selection.is_everything() {
            return Err(Misuse {
                words: "replay needs to know which events".to_owned(),
                next: "narrow it down, such as with --from 2h, --provider or --status failed"
                    .to_owned(),
            }
            .into());
        }
        let deployed = Deployed::connect(context).await?;
        let (events, settled) = self.selection.read_unsettled(&deployed.store).await?;
        let ui = &context.ui;
        events.iter().for_each(|event| ui.say(line(event)));
        let alone = match settled {
            0 => String::new(),
            settled => format!("; {settled} settled ones are left alone"),
        };
        ui.note(format!("{} to process again{alone}.", events.len()));
        if events.is_empty() || self.dry_run {
            report(context, &events, settled, 0);
            return Ok(Exit::Done);
        }
        let machine = deployed.outputs.get(key::STATE_MACHINE_ARN)?;
        let keys: Vec<Key> = events.iter().map(|event| event.key.clone()).collect();
        for some in keys.chunks(executions::AT_ONCE) {
            executions::start(&deployed.aws, machine, some).await?;
        }
        report(context, &events, settled, events.len());
        ui.say(format!(
            "Started executions for {} events; follow them with `payhook events list`.",
            events.len()
        ));
        Ok(Exit::Done)
    }
}

fn report(context: &Context, events: &[EventItem], settled: usize, started: usize) {
    if context.ui.is_json() {
        let events: Vec<_> = events.iter().map(facts).collect();
        let line =
            json!({"event": "replayed", "started": started, "settled": settled, "events": events});
        context.ui.json(&line);
    }
}
