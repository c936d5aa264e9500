use super::Deployed;
use super::show::the_event;
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit};
use clap::Args;
use payments::store::{Processing, Resolved, Store as _};
use serde_json::json;

/// Longest note, in characters.
const LONGEST_NOTE: usize = 500;

/// Say that you have looked at a mismatch or a conflict, so that the event needs no more attention.
///
/// Changes nothing about the payment. What failed is not resolved but replayed.
#[derive(Debug, Args)]
pub struct Resolve {
    /// The provider's id of the event.
    event: String,
    /// The payment it belongs to, such as stripe:pi_123; needed only where the id names several events.
    #[arg(long, value_name = "ID")]
    payment: Option<String>,
    /// What you found, for whoever looks later; no personal data. It is kept with the event.
    #[arg(long, value_name = "TEXT", value_parser = note)]
    note: String,
}

impl Resolve {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let payment = self.payment.as_deref();
        let event = the_event(context, &deployed, &self.event, payment).await?;
        let resolved = Resolved {
            at: context.now(),
            note: self.note,
        };
        let conflicts = deployed.store.conflicts(&event.key.payment_id).await?;
        let open = conflicts
            .iter()
            .filter(|one| one.of == event.key && one.resolved.is_none());
        let mut done = usize::from(deployed.store.resolve(&event.key, &resolved).await?);
        for conflict in open {
            done += usize::from(deployed.store.resolve(&conflict.key(), &resolved).await?);
        }
        if done == 0 {
            let next = match event.processing {
                Processing::Failed | Processing::Received => {
                    "it is not processed yet: `payhook events replay` has it processed again"
                }
                _ => "list what does with `payhook events list --needs-attention`",
            };
            return Err(Misuse {
                words: format!("there is nothing to resolve about `{}`", self.event),
                next: next.to_owned(),
            }
            .into());
        }
        let ui = &context.ui;
        match ui.is_json() {
            true => ui.json(&json!({"event": "resolved", "eventId": self.event, "resolved": done})),
            false => ui.say(format!(
                "Resolved {}: it needs no more attention.",
                self.event
            )),
        }
        Ok(Exit::Done)
    }
}

fn note(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say what you found".to_owned()),
        1..=LONGEST_NOTE => Ok(text.to_owned()),
        _ => Err(format!("say it in {LONGEST_NOTE} characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::note;

    #[test]
    fn a_note_says_something_and_not_too_much() {
        assert_eq!(note(" late webhook "), Ok("late webhook".to_owned()));
        assert!(note("  ").is_err() && note(&"x".repeat(501)).is_err());
    }
}
