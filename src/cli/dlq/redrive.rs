use super::{Letter, Queue, records};
use crate::cli::events::Deployed;
use crate::cli::executions;
use crate::cli::{Context, Exit};
use crate::outputs::key;
use clap::Args;
use payments::store::Key;
use serde_json::json;

/// Have the events of dead letters processed again, and delete each message once its events are handed over.
///
/// Safe to repeat: an event that is settled already is left alone.
#[derive(Debug, Args)]
pub struct Redrive {
    /// Only this message, as `dlq list` prints it first.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// No more than this many messages.
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
}

impl Redrive {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let queue = Queue::of(&deployed).await?;
        let letters = queue.take(self.limit).await?;
        let chosen = |letter: &Letter| self.message.as_ref().is_none_or(|id| *id == letter.id);
        let (ours, others): (Vec<_>, Vec<_>) = letters
            .into_iter()
            .partition(|letter| chosen(letter) && letter.batch.is_some());
        queue.put_back(&others).await?;
        let mut events = 0;
        for letter in &ours {
            events += redrive(&deployed, letter).await?;
            queue.delete(letter).await?;
        }
        let ui = &context.ui;
        if ui.is_json() {
            ui.json(&json!({"event": "redriven", "messages": ours.len(), "events": events}));
        }
        let left = others.len();
        ui.say(format!(
            "Redrove {} messages with {events} events; {left} left alone.",
            ours.len()
        ));
        Ok(Exit::Done)
    }
}

/// Hands over what is not settled yet; answers how many events that were.
async fn redrive(deployed: &Deployed, letter: &Letter) -> anyhow::Result<usize> {
    let Some(batch) = &letter.batch else {
        return Ok(0);
    };
    let machine = deployed.outputs.get(key::STATE_MACHINE_ARN)?;
    let events = records::events(deployed, batch).await?;
    let open = events.iter().filter(|event| !event.processing.is_final());
    let keys: Vec<Key> = open.map(|event| event.key.clone()).collect();
    for key in &keys {
        executions::start(&deployed.aws, machine, std::slice::from_ref(key)).await?;
    }
    Ok(keys.len())
}
