use super::{Deployed, facts};
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit};
use anyhow::{Context as _, bail};
use clap::Args;
use payments::store::{EventItem, Store};

/// Show one event: what it says, how far it got, and why it failed.
#[derive(Debug, Args)]
pub struct Show {
    /// The provider's id of the event.
    event: String,
    /// The payment it belongs to, such as stripe:pi_123; needed only where the id names several events.
    #[arg(long, value_name = "ID")]
    payment: Option<String>,
    /// Print the raw body as the provider sent it, and nothing else. It may hold personal data.
    #[arg(long)]
    show_body: bool,
}

impl Show {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let events = match &self.payment {
            Some(payment) => deployed.store.events(payment).await?,
            None => deployed.store.find(&self.event).await?,
        };
        let mut found = events.iter().filter(|event| event.event_id == self.event);
        let Some(event) = found.next() else {
            return Err(Misuse {
                words: format!("there is no event `{}` in {}", self.event, context.env()),
                next: "list them with `payhook events list`".to_owned(),
            }
            .into());
        };
        if let Some(other) = found.next() {
            return Err(Misuse {
                words: format!("`{}` names more than one event", self.event),
                next: format!(
                    "add --payment {} or --payment {}",
                    event.key.payment_id, other.key.payment_id
                ),
            }
            .into());
        }
        if self.show_body {
            let body = body_of(&deployed, event).await?;
            context.ui.raw(body);
            return Ok(Exit::Done);
        }
        let facts = facts(event);
        match context.ui.is_json() {
            true => context.ui.json(&facts),
            false => context.ui.say(format!("{facts:#}")),
        }
        Ok(Exit::Done)
    }
}

/// The raw body, from wherever it is kept, checked against its digest.
async fn body_of(deployed: &Deployed, event: &EventItem) -> anyhow::Result<Vec<u8>> {
    if let Some(at) = event.erased_at {
        bail!("the body of the event was erased at {at}, on request");
    }
    let whole = deployed.store.event(&event.key).await?;
    let whole = whole.context("the event is gone: it has expired")?;
    let body = deployed.store.raw_body(&deployed.bodies, &whole).await?;
    body.context("the body of the event is gone: it has expired")
}
