use super::{Queue, records};
use crate::cli::events::{Deployed, facts, line};
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit, number};
use clap::Args;
use serde_json::json;

/// List the messages of the dead-letter queue; each stands for a batch of events that are stored but not processed.
#[derive(Debug, Args)]
pub struct List {
    /// Show no more than this many.
    #[arg(long, default_value_t = 100, value_parser = number::from_zero::<usize>)]
    limit: usize,
}

impl List {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let mut queue = Queue::of(&deployed).await?;
        let letters = queue.take(self.limit).await?;
        queue.put_back(&letters).await?;
        let ui = &context.ui;
        for letter in &letters {
            match ui.is_json() {
                true => ui.json(&json!({"event": "deadLetter", "letter": letter.facts()})),
                false => ui.say(letter.line()),
            }
        }
        if letters.is_empty() {
            ui.say("The dead-letter queue is empty.");
        }
        Ok(Exit::Done)
    }
}

/// Show one message and the events it stands for.
#[derive(Debug, Args)]
pub struct Show {
    /// Id of the message, as `dlq list` prints it first.
    message: String,
}

/// As many messages are looked through for the one that is asked for.
const LOOKED_THROUGH: usize = 1_000;

impl Show {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let mut queue = Queue::of(&deployed).await?;
        let letters = queue.take(LOOKED_THROUGH).await?;
        queue.put_back(&letters).await?;
        let Some(letter) = letters.iter().find(|letter| letter.id == self.message) else {
            let misuse = Misuse {
                words: format!("there is no message `{}` in the queue now", self.message),
                next: "list them with `payhook dlq list`; one that somebody else looks at shows again after 5 minutes"
                    .to_owned(),
            };
            return Err(misuse.into());
        };
        let events = match &letter.batch {
            Some(batch) => records::events(&deployed, batch).await?,
            None => Vec::new(),
        };
        let ui = &context.ui;
        if ui.is_json() {
            let events: Vec<_> = events.iter().map(facts).collect();
            ui.json(&json!({"event": "deadLetter", "letter": letter.facts(), "events": events}));
        } else {
            ui.say(letter.line());
            events
                .iter()
                .for_each(|event| ui.say(format!("  {}", line(event))));
        }
        Ok(Exit::Done)
    }
}
