use super::{Letter, Queue, records};
use crate::cli::events::Deployed;
use crate::cli::handover::{Ended, Handover};
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit, number};
use clap::Args;
use payments::store::Key;
use serde_json::json;
use std::time::{Duration, Instant};

/// After so long the messages that are still to be handed over are hidden anew.
const FRESH: Duration = Duration::from_secs(60);

/// Have the events of dead letters processed again, and delete each message once its events are handed over.
///
/// Safe to repeat and to interrupt: an event that is settled already is left alone, and a message is deleted only after all
/// of its events are handed over. Half of payment-processor's reserved concurrency is left to what arrives meanwhile. Ends
/// with exit code 1 if events fail again.
#[derive(Debug, Args)]
pub struct Redrive {
    /// Only this message, as `dlq list` prints it first.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// No more than this many messages.
    #[arg(long, default_value_t = 1_000, value_parser = number::from_zero::<usize>)]
    limit: usize,
    /// Say which events would be processed, and start and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was done so far.
#[derive(Default)]
struct Done {
    messages: usize,
    events: usize,
    /// Looked at and left alone.
    others: Vec<Letter>,
}

impl Redrive {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let deployed = Deployed::connect(context).await?;
        let mut queue = Queue::of(&deployed).await?;
        let in_flight = context.interrupt.finish_what_is_in_flight();
        let mut done = Done::default();
        let mut handover = Handover::new(context, &deployed);
        let went = self.go(context, &deployed, &mut queue, &mut handover, &mut done);
        let went = went.await;
        // Whatever happened, nothing stays hidden that was not handed over.
        queue.put_back(&done.others).await?;
        went?;
        drop(in_flight);
        let ended = handover.end().await?;
        if let (Some(id), 0) = (&self.message, done.messages) {
            return Err(no_such_message(id));
        }
        self.tell(context, &done, ended);
        Ok(match context.interrupt.token.is_cancelled() {
            true => Exit::Interrupted,
            false if ended.failed + ended.waiting > 0 => Exit::Failed,
            false => Exit::Done,
        })
    }

    async fn go(
        &self,
        context: &Context,
        deployed: &Deployed,
        queue: &mut Queue<'_>,
        handover: &mut Handover<'_>,
        done: &mut Done,
    ) -> anyhow::Result<()> {
        while done.messages < self.limit && !context.interrupt.token.is_cancelled() {
            let mut letters = queue.next().await?;
            if letters.is_empty() {
                return Ok(());
            }
            letters.reverse();
            let mut hidden = Instant::now();
            while let Some(letter) = letters.pop() {
                let enough = done.messages == self.limit || context.interrupt.token.is_cancelled();
                if enough || !self.is_meant(&letter) {
                    done.others.push(letter);
                    continue;
                }
                if hidden.elapsed() > FRESH {
                    queue.keep(&letter).await?;
                    for later in &letters {
                        queue.keep(later).await?;
                    }
                    hidden = Instant::now();
                }
                match self.redrive(context, deployed, handover, &letter).await {
                    Ok(events) => done.events += events,
                    Err(error) => {
                        done.others.push(letter);
                        done.others.append(&mut letters);
                        return Err(error);
                    }
                }
                done.messages += 1;
                match self.dry_run {
                    true => done.others.push(letter),
                    false => queue.delete(&letter).await?,
                }
            }
            if self.message.is_some() && done.messages > 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_meant(&self, letter: &Letter) -> bool {
        let chosen = self.message.as_ref().is_none_or(|id| *id == letter.id);
        chosen && letter.batch.is_some()
    }

    /// Hands over what is not settled yet; answers how many events that were.
    async fn redrive(
        &self,
        context: &Context,
        deployed: &Deployed,
        handover: &mut Handover<'_>,
        letter: &Letter,
    ) -> anyhow::Result<usize> {
        let Some(batch) = &letter.batch else {
            return Ok(0);
        };
        let events = records::events(deployed, batch).await?;
        let open: Vec<_> = events
            .iter()
            .filter(|event| !event.processing.is_final())
            .collect();
        if self.dry_run {
            let line = |event: &&&_| context.ui.say(crate::cli::events::line(event));
            open.iter().for_each(|event| line(&event));
            return Ok(open.len());
        }
        let keys: Vec<Key> = open.iter().map(|event| event.key.clone()).collect();
        handover.hand_over(&keys).await?;
        Ok(keys.len())
    }

    fn tell(&self, context: &Context, done: &Done, ended: Ended) {
        let ui = &context.ui;
        if ui.is_json() {
            ui.json(&json!({
                "event": "redriven",
                "messages": done.messages,
                "events": done.events,
                "dryRun": self.dry_run,
                "processed": ended.settled,
                "failed": ended.failed,
                "waiting": ended.waiting,
            }));
        }
        let did = match self.dry_run {
            true => "Would redrive",
            false => "Redrove",
        };
        let left = done.others.len() - if self.dry_run { done.messages } else { 0 };
        ui.say(format!(
            "{did} {} messages with {} events; {left} left alone.",
            done.messages, done.events
        ));
        ended.say(ui);
    }
}

fn no_such_message(id: &str) -> anyhow::Error {
    let misuse = Misuse {
        words: format!("there is no message `{id}` of the pipe in the queue now"),
        next: "list them with `payhook dlq list`; one that somebody else looks at shows again after 5 minutes"
            .to_owned(),
    };
    misuse.into()
}
