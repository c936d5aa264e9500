use super::{Deployed, conflict_facts, facts};
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
        let payment = self.payment.as_deref();
        let event = &the_event(context, &deployed, &self.event, payment).await?;
        if self.show_body {
            let body = body_of(&deployed, event).await?;
            context.ui.raw(body);
            return Ok(Exit::Done);
        }
        let mut facts = facts(event);
        let conflicts = deployed.store.conflicts(&event.key.payment_id).await?;
        let own = conflicts.iter().filter(|one| one.of == event.key);
        facts["conflicts"] = own.map(conflict_facts).collect();
        match context.ui.is_json() {
            true => context.ui.json(&facts),
            false => context.ui.say(format!("{facts:#}")),
        }
        Ok(Exit::Done)
    }
}

/// The one event of this id, without its body.
pub async fn the_event(
    context: &Context,
    deployed: &Deployed,
    id: &str,
    payment: Option<&str>,
) -> anyhow::Result<EventItem> {
    let mut events = match payment {
        Some(payment) => deployed.store.events(payment).await?,
        None => deployed.store.find(id).await?,
    };
    events.retain(|event| event.event_id == id);
    let misuse = |words, next| Err(Misuse { words, next }.into());
    match <[EventItem; 1]>::try_from(events) {
        Ok([event]) => Ok(event),
        Err(none) if none.is_empty() => misuse(
            format!("there is no event `{id}` in {}", context.env()),
            "list them with `payhook events list`".to_owned(),
        ),
        Err(several) => misuse(
            format!("`{id}` names more than one event"),
            format!(
                "add --payment {} or --payment {}",
                several[0].key.payment_id, several[1].key.payment_id
            ),
        ),
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
