use super::selection::Selection;
use super::{Deployed, facts, line};
use crate::cli::handover::{Ended, Handover};
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit};
use clap::Args;
use payments::store::{EventItem, Key};
use serde_json::json;

/// Have events processed again that are stored and not settled.
///
/// Processed and ignored events are left alone, since processing them again changes nothing; so replaying twice is safe.
/// Half of payment-processor's reserved concurrency is left to what arrives meanwhile. Ends with exit code 1 if events fail again.
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
        let keys: Vec<Key> = events.iter().map(|event| event.key.clone()).collect();
        let ended = match self.dry_run {
            true => None,
            false => {
                let mut handover = Handover::new(context, &deployed);
                handover.hand_over(&keys).await?;
                Some(handover.end().await?)
            }
        };
        report(context, &events, settled, ended);
        Ok(match ended {
            Some(ended) if ended.failed + ended.waiting > 0 => Exit::Failed,
            _ => Exit::Done,
        })
    }
}

fn report(context: &Context, events: &[EventItem], left_alone: usize, ended: Option<Ended>) {
    let ui = &context.ui;
    let started = ended.map_or(0, |_| events.len());
    let Ended {
        settled,
        failed,
        waiting,
    } = ended.unwrap_or_default();
    if ui.is_json() {
        let events: Vec<_> = events.iter().map(facts).collect();
        return ui.json(&json!({
            "event": "replayed", "started": started, "settled": left_alone, "events": events,
            "processed": settled, "failed": failed, "waiting": waiting,
        }));
    }
    ended.unwrap_or_default().say(ui);
}
