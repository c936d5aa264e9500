use crate::cli::{Context, Exit, number};
use crate::graph::LogicalName;
use crate::state::{Ending, Line, Record};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// Show the last runs: when, which command, how it ended, what it changed.
#[derive(Debug, Args)]
pub struct History {
    /// How many runs, the newest first.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = number::from_zero::<usize>)]
    last: usize,
}

impl History {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let mut runs = runs(context.store().await?.history().await?);
        runs.reverse();
        runs.truncate(self.last);
        let ui = &context.ui;
        if ui.is_json() {
            ui.json(&json!({"event": "history", "env": context.env(), "runs": runs}));
        } else if runs.is_empty() {
            ui.say(format!("No run of {} is on record.", context.env()));
        } else {
            let verb = |run: &Run| run.verb.len();
            let width = runs.iter().map(verb).max().unwrap_or(0);
            runs.iter().for_each(|run| ui.say(run.line(width)));
        }
        Ok(Exit::Done)
    }
}

/// How a run ended of which nothing says so.
const STOPPED: &str = "stopped";

/// One run, as the journal tells it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    /// Number of the run.
    run: u64,
    /// When it began, RFC 3339.
    at: String,
    /// `deploy`, `destroy`, `drift --accept`.
    verb: String,
    /// `completed`, `failed`, `cancelled`; `stopped` when nothing says how it ended.
    result: &'static str,
    /// Resources that calls were made for.
    changed: BTreeSet<LogicalName>,
    /// Other resources whose record changed.
    recorded: BTreeSet<LogicalName>,
    /// Version of payhook.
    version: String,
}

impl Run {
    fn line(&self, width: usize) -> String {
        let Self {
            run,
            at,
            verb,
            result,
            changed,
            recorded,
            ..
        } = self;
        let mut line = format!(
            "{run:>5}  {at}  {verb:<width$}  {result:<9}  {} changed",
            changed.len()
        );
        if !recorded.is_empty() {
            line.push_str(&format!(", {} recorded", recorded.len()));
        }
        line
    }
}

/// The runs of a journal, the oldest first; what a snapshot has folded away is not among them.
fn runs(lines: Vec<Line>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for line in lines {
        if let Record::Began {
            run,
            verb,
            at,
            version,
            ..
        } = line.record
        {
            runs.push(Run {
                run,
                at,
                verb,
                result: STOPPED,
                changed: BTreeSet::new(),
                recorded: BTreeSet::new(),
                version,
            });
        } else if let Some(run) = runs.last_mut() {
            run.take(line.record);
        }
    }
    for run in &mut runs {
        let changed = &run.changed;
        run.recorded.retain(|name| !changed.contains(name));
    }
    runs
}

impl Run {
    fn take(&mut self, record: Record) {
        // What stands between two runs only folds away or moves the journal.
        if self.result != STOPPED {
            return;
        }
        match record {
            Record::Intent { resource, .. } | Record::Making { resource, .. } => {
                self.changed.insert(resource);
            }
            Record::Put { resource, .. }
            | Record::Retired { resource }
            | Record::Found { resource, .. }
            | Record::Forgotten { resource }
            | Record::Deleted { resource }
            | Record::DeletedRetired { resource, .. } => drop(self.recorded.insert(resource)),
            Record::Snapshot { state } | Record::Arrived { state, .. } => {
                self.recorded.extend(state.entries.into_keys())
            }
            Record::Ended { ending, .. } => {
                self.result = match ending {
                    Ending::Completed => "completed",
                    Ending::Failed => "failed",
                    Ending::Cancelled => "cancelled",
                }
            }
            Record::Unmade { resource } => drop(self.changed.remove(&resource)),
            Record::Began { .. }
            | Record::Returning { .. }
            | Record::Moved { .. }
            | Record::Settled => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Given;

    fn began(run: u64, verb: &str) -> Record {
        Record::Began {
            run,
            env: "dev".to_owned(),
            verb: verb.to_owned(),
            at: format!("2026-01-0{run}T00:00:00Z"),
            version: "0.1.0".to_owned(),
            given: Given {
                partition: "aws".to_owned(),
                region: "eu-central-1".to_owned(),
                account: "123456789012".to_owned(),
            },
        }
    }

    fn intent(resource: &str) -> Record {
        Record::Intent {
            resource: resource.into(),
            action: "update".to_owned(),
        }
    }

    fn ended(run: u64, ending: Ending) -> Record {
        let at = "2026-01-01T00:00:00Z".to_owned();
        Record::Ended { run, at, ending }
    }

    #[test]
    fn every_run_says_how_it_ended_and_one_that_was_killed_says_so() {
        let deleted = |resource: &str| Record::Deleted {
            resource: resource.into(),
        };
        let records = [
            began(1, "deploy"),
            intent("payments"),
            ended(1, Ending::Failed),
            began(2, "deploy"),
            intent("payments"),
            began(3, "drift --accept"),
            deleted("providers"),
            ended(3, Ending::Completed),
            Record::Snapshot {
                state: Box::default(),
            },
            began(4, "destroy"),
            intent("payments"),
            deleted("payments"),
            ended(4, Ending::Cancelled),
        ];
        let lines = (1..).zip(records);
        let runs = runs(
            lines
                .map(|(number, record)| Line { number, record })
                .collect(),
        );
        let told: Vec<String> = runs.iter().map(|run| run.line(14)).collect();
        assert_eq!(
            told,
            [
                "    1  2026-01-01T00:00:00Z  deploy          failed     1 changed",
                "    2  2026-01-02T00:00:00Z  deploy          stopped    1 changed",
                "    3  2026-01-03T00:00:00Z  drift --accept  completed  0 changed, 1 recorded",
                "    4  2026-01-04T00:00:00Z  destroy         cancelled  1 changed",
            ]
        );
    }
}
