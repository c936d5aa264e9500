//! What a run is doing right now, kept from its events; knows no clock and draws nothing.

use crate::engine::Event;
use crate::graph::LogicalName;
use crate::plan::Action;
use crate::resources::Kind;
use crate::view::{Paint, Tone};
use indexmap::IndexMap;
use std::time::Duration;

/// A step under way.
#[derive(Clone, Debug)]
struct Running {
    kind: Kind,
    physical: String,
    action: Action,
    since: Duration,
    /// "waiting for table to become ACTIVE", "Throttling, attempt 2".
    doing: Option<Doing>,
}

#[derive(Clone, Debug)]
struct Doing {
    what: String,
    /// Since when it waits for that; nothing for what is only repeated.
    since: Option<Duration>,
}

impl Doing {
    /// "waiting for role to be assumable by Lambda, 3.2 s".
    fn words(&self, now: Duration) -> String {
        match self.since {
            Some(since) => format!("{}, {}", self.what, seconds(now.saturating_sub(since))),
            None => self.what.clone(),
        }
    }
}

/// All that is known of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Board {
    steps: usize,
    ended: usize,
    running: IndexMap<LogicalName, Running>,
    paint: Option<Paint>,
}

impl Board {
    /// A board that paints its lines.
    pub fn new(paint: Paint) -> Self {
        Self {
            paint: Some(paint),
            ..Self::default()
        }
    }

    /// Takes an event into account; answers with the line that it is worth, if any. `now` counts from the start.
    pub fn take(&mut self, event: &Event, now: Duration) -> Option<String> {
        match event {
            Event::RunStarted { steps, .. } => {
                self.steps = *steps;
                None
            }
            Event::StepStarted {
                resource,
                kind,
                physical,
                action,
            } => {
                let running = Running {
                    kind: *kind,
                    physical: physical.clone(),
                    action: *action,
                    since: now,
                    doing: None,
                };
                self.running.insert(resource.clone(), running);
                None
            }
            Event::StepWaiting {
                resource,
                waiting_for,
                waited_ms,
            } => {
                let since = now.saturating_sub(Duration::from_millis(*waited_ms));
                self.doing(resource, format!("waiting for {waiting_for}"), Some(since));
                None
            }
            Event::StepRetried {
                resource,
                code,
                attempt,
            } => {
                self.doing(
                    resource,
                    format!("again after {code}, attempt {attempt}"),
                    None,
                );
                None
            }
            Event::StepDone {
                resource,
                elapsed_ms,
                ..
            } => {
                let ended = self.end(resource)?;
                let took = seconds(Duration::from_millis(*elapsed_ms));
                Some(format!(
                    "{} {}  {took}",
                    self.counter(),
                    self.subject(Tone::Good, done(ended.action), &ended)
                ))
            }
            Event::StepFailed {
                resource, error, ..
            } => {
                let ended = self.end(resource)?;
                let subject = self.subject(Tone::Bad, "FAILED", &ended);
                Some(format!("{} {subject}  {error}", self.counter()))
            }
            Event::StepSkipped {
                resource,
                action,
                why,
            } => {
                self.ended += 1;
                let skipped = self.tone(Tone::Dim, &format!("{:<9}", "skipped"));
                Some(format!(
                    "{} {skipped} {action} of {resource}: {why}",
                    self.counter()
                ))
            }
            Event::Notice { text } => Some(text.clone()),
            Event::RunEnded { .. } => None,
        }
    }

    fn doing(&mut self, resource: &LogicalName, what: String, since: Option<Duration>) {
        if let Some(running) = self.running.get_mut(resource) {
            running.doing = Some(Doing { what, since });
        }
    }

    fn end(&mut self, resource: &LogicalName) -> Option<Running> {
        self.ended += 1;
        self.running.shift_remove(resource)
    }

    /// One line for each step under way, the oldest first.
    pub fn running(&self, now: Duration) -> Vec<String> {
        let line = |running: &Running| {
            let subject = self.subject(Tone::Change, doing(running.action), running);
            let elapsed = seconds(now.saturating_sub(running.since));
            match &running.doing {
                None => format!("{subject}  {elapsed}"),
                Some(doing) => format!("{subject}  {elapsed}, {}", doing.words(now)),
            }
        };
        self.running.values().map(line).collect()
    }

    /// One line that says what is under way, for logs that would otherwise fall silent.
    pub fn heartbeat(&self, now: Duration) -> String {
        let one = |running: &Running| {
            let elapsed = now.saturating_sub(running.since).as_secs();
            let doing = running
                .doing
                .as_ref()
                .map_or_else(String::new, |doing| format!(", {}", doing.words(now)));
            format!("{} {} ({elapsed} s{doing})", running.kind, running.physical)
        };
        let running: Vec<String> = self.running.values().map(one).collect();
        match running.is_empty() {
            true => format!("{} still at work", self.counter()),
            false => format!("{} still at work: {}", self.counter(), running.join("; ")),
        }
    }

    /// `[12/31]`.
    pub fn counter(&self) -> String {
        let width = self.steps.to_string().len();
        format!("[{:>width$}/{}]", self.ended, self.steps)
    }

    fn subject(&self, tone: Tone, word: &str, running: &Running) -> String {
        let word = self.tone(tone, &format!("{word:<9}"));
        format!("{word} {} {}", running.kind, running.physical)
    }

    fn tone(&self, tone: Tone, text: &str) -> String {
        self.paint.unwrap_or(Paint::NONE).tone(tone, text)
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::Adopt => "adopting",
        Action::Keep => "keeping",
    }
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Adopt => "adopted",
        Action::Keep => "kept",
    }
}
