mod erase;

use super::events::{Deployed, conflict_facts, facts, line};
use super::refusal::Misuse;
use super::{Context, Exit};
use clap::{Args, Subcommand};
use payments::event::Status;
use payments::head::Head;
use payments::store::Timeline;
use serde_json::{Value, json};

/// Look at one payment, and erase what its webhooks said about people.
#[derive(Debug, Args)]
pub struct Payments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Show(Show),
    Erase(erase::Erase),
}

/// Show where a payment stands and every event it had, in order of their own times.
#[derive(Debug, Args)]
struct Show {
    /// The payment, such as stripe:pi_123.
    payment: String,
}

impl Payments {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.what {
            What::Show(show) => show.run(context).await,
            What::Erase(erase) => erase.run(context).await,
        }
    }
}

/// Everything that is known of a payment; an error where nothing is.
async fn timeline(
    context: &Context,
    deployed: &Deployed,
    payment: &str,
) -> anyhow::Result<Timeline> {
    let timeline = Timeline::read(&deployed.store, payment).await?;
    if timeline.head.is_none() && timeline.events.is_empty() {
        return Err(Misuse {
            words: format!("there is no payment `{payment}` in {}", context.env()),
            next: "it is the provider, a colon and the provider's id of the payment, such as stripe:pi_123; \
                   list what arrived with `payhook events list`"
                .to_owned(),
        }
        .into());
    }
    Ok(timeline)
}

impl Show {
    async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let timeline = timeline(context, &deployed, &self.payment).await?;
        let ui = &context.ui;
        if ui.is_json() {
            let events: Vec<_> = timeline.events.iter().map(facts).collect();
            let head = timeline.head.as_ref().map(head_facts);
            let conflicts: Vec<_> = timeline.conflicts.iter().map(conflict_facts).collect();
            ui.json(
                &json!({"paymentId": self.payment, "head": head, "events": events, "conflicts": conflicts}),
            );
            return Ok(Exit::Done);
        }
        ui.say(standing(&self.payment, timeline.head.as_ref()));
        timeline
            .events
            .iter()
            .for_each(|event| ui.say(format!("  {}", line(event))));
        for conflict in &timeline.conflicts {
            let state = match conflict.resolved {
                None => "needs attention",
                Some(_) => "resolved",
            };
            ui.say(format!(
                "  {}  {} came again with another content ({state})",
                conflict.received_at, conflict.event_id
            ));
        }
        Ok(Exit::Done)
    }
}

fn standing(payment: &str, head: Option<&Head>) -> String {
    let Some(head) = head else {
        return format!("{payment}  no event has been processed yet");
    };
    let amount = head.amount.as_ref().map(|(_, money)| format!("  {money}"));
    let status = head.status().map_or("no status", Status::as_str);
    let before = head
        .previous
        .map(|status| format!(", before that {}", status.as_str()));
    format!(
        "{payment}  {status}{}  (since {}{})",
        amount.unwrap_or_default(),
        head.updated_at,
        before.unwrap_or_default(),
    )
}

fn head_facts(head: &Head) -> Value {
    json!({
        "status": head.status().map(Status::as_str),
        "previousStatus": head.previous.map(Status::as_str),
        "amountMinor": head.amount.as_ref().map(|(_, money)| money.minor),
        "currency": head.amount.as_ref().map(|(_, money)| money.currency.as_str()),
        "exponent": head.amount.as_ref().map(|(_, money)| money.exponent),
        "watermarkMs": head.watermark(),
        "lastEventId": head.last_event_id,
        "updatedAt": head.updated_at.to_string(),
    })
}
