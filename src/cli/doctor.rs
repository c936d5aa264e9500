use super::{Context, Exit, explain};
use crate::stack::Stack;
use crate::view::{Paint, Tone};
use clap::Args;
use serde_json::json;

mod live;
mod machine;
mod runbook;
mod unsettled;

pub use unsettled::ON_ITS_WAY;

/// Check this machine, the state and the deployed stack, and say what to do about what is wrong.
///
/// For each alarm that is firing it prints the alarm's entry of docs/runbook.md. Changes nothing.
#[derive(Debug, Args)]
pub struct Doctor {}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// In order.
    Good,
    /// Not in order, but nothing is broken yet.
    Note,
    /// Broken.
    Bad,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub health: Health,
    /// What was seen.
    pub seen: String,
    /// What to do, one thing a line.
    pub next: Vec<String>,
}

impl Finding {
    /// Something in order.
    pub fn good(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Health::Good, what, seen, Vec::new())
    }

    /// Something that is not in order, and what to do.
    pub fn new(
        health: Health,
        what: impl Into<String>,
        seen: impl Into<String>,
        next: Vec<String>,
    ) -> Self {
        Self {
            what: what.into(),
            health,
            seen: seen.into(),
            next,
        }
    }

    /// Something that could not be done, in the words that the command itself would use.
    pub fn failed(what: impl Into<String>, error: &anyhow::Error) -> Self {
        let explained = explain::explain(error, Paint::NONE);
        Self::new(Health::Bad, what, explained.words, explained.next)
    }

    fn words(&self, paint: Paint) -> String {
        let mark = match self.health {
            Health::Good => paint.tone(Tone::Good, "ok  "),
            Health::Note => paint.tone(Tone::Change, "note"),
            Health::Bad => paint.tone(Tone::Bad, "FAIL"),
        };
        let mut text = format!("{mark} {}: {}", self.what, self.seen);
        for next in &self.next {
            text.push_str(&format!("\n       {next}"));
        }
        text
    }

    fn facts(&self) -> serde_json::Value {
        let health = match self.health {
            Health::Good => "good",
            Health::Note => "note",
            Health::Bad => "bad",
        };
        json!({
            "event": "finding", "what": self.what, "health": health, "seen": self.seen, "next": self.next,
        })
    }
}

impl Doctor {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let stack = Stack::payment_webhooks(&context.config);
        let mut bad = 0;
        let mut tell = |findings: Vec<Finding>| {
            for finding in findings {
                bad += usize::from(finding.health == Health::Bad);
                match context.ui.is_json() {
                    true => context.ui.json(&finding.facts()),
                    false => context.ui.say(finding.words(context.ui.paint())),
                }
            }
        };
        tell(machine::look(context, &stack).await);
        tell(live::look(context, &stack).await);
        match bad {
            0 => context.ui.note("Nothing is wrong."),
            1 => context.ui.note("1 thing is wrong."),
            n => context.ui.note(format!("{n} things are wrong.")),
        }
        Ok(match bad {
            0 => Exit::Done,
            _ => Exit::Failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Health};
    use crate::view::Paint;

    #[test]
    fn a_finding_says_what_was_seen_and_what_to_do() {
        let finding = Finding::new(
            Health::Bad,
            "pipe payment-events-pipe-dev",
            "STOPPED",
            vec!["payhook deploy --env dev starts it again".to_owned()],
        );
        insta::assert_snapshot!(finding.words(Paint::NONE), @r"
        FAIL pipe payment-events-pipe-dev: STOPPED
               payhook deploy --env dev starts it again
        ");
    }
}
