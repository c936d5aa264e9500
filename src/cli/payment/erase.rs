use crate::cli::events::{Deployed, line};
use crate::cli::{Context, Exit, consent};
use clap::Args;
use jiff::Timestamp;
use payments::store::{EventItem, settled_at};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Erase the raw bodies of all webhooks of one payment, the only place where personal data can be.
///
/// Ids, amounts, states, times and digests stay, so that the books add up and a webhook that comes again is still known.
/// Stopped anywhere, the same command completes it.
#[derive(Debug, Args)]
pub struct Erase {
    /// The payment, such as stripe:pi_123.
    payment: String,
    /// Ask no question.
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let timeline = super::timeline(context, &deployed, &self.payment).await?;
        let own = timeline.events.len();
        let events = concerned(&deployed, timeline.events).await?;
        let ui = &context.ui;
        if events.is_empty() {
            ui.note(format!(
                "Nothing is left to erase: {own} events, all erased before."
            ));
        } else {
            self.say_what(context, &events);
            consent::to_erase(context, self.yes).await?;
        }
        let mut objects = 0;
        for event in &events {
            wait_until_settled(context, event).await;
            let erased = deployed
                .store
                .erase(&deployed.bodies, event, Timestamp::now());
            objects += erased.await?;
            ui.note(format!(
                "erased  {}  {}",
                event.key.payment_id, event.event_id
            ));
        }
        self.report(context, &events, objects);
        Ok(Exit::Done)
    }

    fn say_what(&self, context: &Context, events: &[EventItem]) {
        let ui = &context.ui;
        ui.say(format!("Raw bodies to erase in {}:", context.env()));
        events
            .iter()
            .for_each(|event| ui.say(format!("  {}", line(event))));
        let others = events
            .iter()
            .filter(|event| event.key.payment_id != self.payment);
        match others.count() {
            0 => {}
            others => ui.say(format!(
                "{others} of them belong to other payments that came in the same webhooks: a body is erased whole."
            )),
        }
    }

    fn report(&self, context: &Context, events: &[EventItem], objects: usize) {
        let ui = &context.ui;
        if ui.is_json() {
            let erased: Vec<_> = events
                .iter()
                .map(|event| json!({"paymentId": event.key.payment_id, "timestamp": event.key.timestamp, "eventId": event.event_id}))
                .collect();
            ui.json(&json!({"paymentId": self.payment, "erased": erased, "objects": objects}));
            return;
        }
        ui.say(format!(
            "Erased {} bodies, {objects} objects of the bucket among them. Ids, amounts, states, times and digests stay.",
            events.len()
        ));
        if !events.is_empty() {
            ui.say(
                "AWS itself keeps earlier images of the table: 24 h in its stream, up to 35 days in its backups. \
                 Erase again after restoring one.",
            );
        }
    }
}

/// The events whose bodies go: the payment's own, and those that came in the same webhooks.
async fn concerned(deployed: &Deployed, own: Vec<EventItem>) -> anyhow::Result<Vec<EventItem>> {
    let mut concerned = BTreeMap::new();
    for event in own {
        // Others may still have a body of which this event's was a copy, even where this one is erased.
        if event.body_events > 1 {
            let sharing = deployed.store.sharing(&event).await?;
            concerned.extend(sharing.into_iter().map(|one| (one.key.clone(), one)));
        }
        concerned.insert(event.key.clone(), event);
    }
    let concerned = concerned.into_values();
    Ok(concerned
        .filter(|event| event.erased_at.is_none())
        .collect())
}

/// A delivery that is still under way could bring back the body of an event that has only just arrived.
async fn wait_until_settled(context: &Context, event: &EventItem) {
    let left = settled_at(event).duration_since(Timestamp::now());
    if let Ok(left) = Duration::try_from(left)
        && !left.is_zero()
    {
        let seconds = left.as_secs() + 1;
        context.ui.note(format!(
            "{} arrived less than a minute ago; waiting {seconds} s until no delivery of it is under way",
            event.event_id
        ));
        tokio::time::sleep(left).await;
    }
}
