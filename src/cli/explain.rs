//! Every error in the words of the person who has to put it right: what happened, what to do next, which exit code.

mod run;

use super::Exit;
use super::refusal::{Misuse, Refusal};
use crate::config::ConfigError;
use crate::engine::{EngineError, StepError};
use crate::local::LocalError;
use crate::outputs::OutputsError;
use crate::plan::{Foreign, PlanError};
use crate::resources::CloudError;
use crate::state::{BucketError, JournalError, StateError};
use crate::view::{Paint, Tone};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use payments::vectors::NotVectors;
use run::{of_cloud, of_engine, of_steps};
use std::error::Error as StdError;

/// An error, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub words: String,
    /// What to do next, one thing a line.
    pub next: Vec<String>,
    /// What the process ends with.
    pub exit: Exit,
}

impl Explanation {
    fn new(exit: Exit, words: impl ToString, next: &[&str]) -> Self {
        Self {
            words: words.to_string(),
            next: next.iter().map(|line| (*line).to_owned()).collect(),
            exit,
        }
    }

    /// As it stands on standard error.
    pub fn render(&self, paint: Paint) -> String {
        let mut text = format!("{} {}", paint.tone(Tone::Bad, "error:"), self.words);
        for next in &self.next {
            text.push_str(&format!("\n  {} {next}", paint.tone(Tone::Dim, "->")));
        }
        text
    }
}

/// Some steps of a run failed.
#[derive(Debug, thiserror::Error)]
#[error("{} of the stack failed", count(.0.len()))]
pub struct RunFailed(pub Vec<StepError>);

/// A deploy failed, and the stack stands again as the last successful one left it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RolledBack(pub anyhow::Error);

/// A destroy has ended, and something of the stack still stands.
#[derive(Debug, thiserror::Error)]
#[error("something of {env} still stands although everything known was deleted:\n{}", .lines.iter().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n"))]
pub struct LeftStanding {
    /// Environment.
    pub env: String,
    /// Kind and name in the cloud of each.
    pub lines: Vec<String>,
}

/// A run was stopped by the user.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; what was in flight is finished and recorded")]
pub struct RunCancelled;

const ROLLED_BACK: &str = "the stack stands again as the last successful deploy left it; correct the cause, then deploy again";

const LEFT_STANDING: &[&str] = &[
    "run `payhook destroy` again: it finds by tags what was made or became visible meanwhile",
    "what is named again then is made by something that still runs: stop that first, or delete it in the AWS console",
];

fn count(steps: usize) -> String {
    match steps {
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    }
}

/// Explains an error; the first cause that is known decides.
pub fn explain(error: &anyhow::Error, paint: Paint) -> Explanation {
    error
        .chain()
        .find_map(|cause| known(cause, paint))
        .unwrap_or_else(|| Explanation::new(Exit::Failed, chain(error), &[]))
}

/// The error and its causes, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !words.iter().any(|said| said.contains(&cause)) {
            words.push(cause);
        }
    }
    words.join(": ")
}

fn known(error: &(dyn StdError + 'static), paint: Paint) -> Option<Explanation> {
    if let Some(error) = error.downcast_ref::<CloudError>() {
        return Some(of_cloud(error));
    }
    if let Some(error) = error.downcast_ref::<EngineError>() {
        return Some(of_engine(error));
    }
    if let Some(error) = error.downcast_ref::<PlanError>() {
        return Some(of_plan(error));
    }
    if let Some(error) = error.downcast_ref::<StateError>() {
        return Some(of_state(error));
    }
    if let Some(error) = error.downcast_ref::<BucketError>() {
        return Some(of_bucket(error));
    }
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return Some(of_config(error, paint));
    }
    if let Some(error) = error.downcast_ref::<OutputsError>() {
        return Some(of_outputs(error));
    }
    if let Some(error) = error.downcast_ref::<Refusal>() {
        return Some(of_refusal(error));
    }
    if let Some(error) = error.downcast_ref::<Misuse>() {
        return Some(Explanation::new(Exit::Usage, &error.words, &[&error.next]));
    }
    if let Some(error) = error.downcast_ref::<RunFailed>() {
        return Some(of_steps(&error.0));
    }
    if let Some(error) = error.downcast_ref::<RolledBack>() {
        let mut explanation = explain(&error.0, paint);
        explanation.next.pop();
        explanation.next.push(ROLLED_BACK.to_owned());
        return Some(explanation);
    }
    if error.is::<NotVectors>() {
        return Some(Explanation::new(Exit::Usage, error, &[]));
    }
    if let Some(error) = error.downcast_ref::<LeftStanding>() {
        return Some(Explanation::new(Exit::Failed, error, LEFT_STANDING));
    }
    if error.is::<RunCancelled>() {
        let next = "run the same command again to go on from here";
        return Some(Explanation::new(Exit::Interrupted, error, &[next]));
    }
    // All others name the next step themselves.
    let local = error.downcast_ref::<LocalError>()?;
    let next: &[&str] = match local {
        LocalError::Io { .. } => &[DISK],
        _ => &[],
    };
    Some(Explanation::new(Exit::Failed, local, next))
}

fn of_config(error: &ConfigError, paint: Paint) -> Explanation {
    let theme = match paint.is_on() {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let mut words = error.to_string();
    for problem in error.related().into_iter().flatten() {
        let mut report = String::new();
        match handler.render_report(&mut report, problem) {
            Ok(()) => words.push_str(&format!("\n{}", report.trim_end())),
            Err(_) => words.push_str(&format!("\n  {problem}")),
        }
    }
    let cause = error.source().map(|cause| format!(": {cause}"));
    words.push_str(&cause.unwrap_or_default());
    let next = error.help().map(|help| help.to_string());
    Explanation {
        words,
        next: next.into_iter().collect(),
        exit: Exit::Usage,
    }
}

fn of_outputs(error: &OutputsError) -> Explanation {
    let next = match error {
        OutputsError::NoFile(_) => Some("deploy first: `payhook deploy` writes it".to_owned()),
        OutputsError::Damaged(_) => Some("`payhook deploy` writes it anew".to_owned()),
        OutputsError::Unknown(_) => Some("run `payhook deploy` again".to_owned()),
        OutputsError::OtherEnvironment { wanted, .. } => {
            Some(format!("`payhook deploy --env {wanted}` writes it anew"))
        }
        OutputsError::Io { .. } => Some(DISK.to_owned()),
        OutputsError::NoKey { .. } => None,
    };
    Explanation {
        next: next.into_iter().collect(),
        ..Explanation::new(Exit::Failed, error, &[])
    }
}

fn of_refusal(refusal: &Refusal) -> Explanation {
    let next: &[&str] = match refusal {
        Refusal::Account { .. } => &[
            "use credentials of that account (for example AWS_PROFILE=...)",
            "or, if the account really changes, correct `account` in infra.toml",
        ],
        Refusal::Elsewhere { .. } => &[
            "use the credentials and the region it was deployed with",
            "or destroy it there first; if it is gone for good, move its folder out of .payhook/state",
        ],
        Refusal::Policy(_) => {
            &["correct the setting in infra.toml, or the stack in src/stack, and try again"]
        }
        Refusal::DataLoss(_) => {
            &["look at the plan above; if the data may go, run it again with --allow-data-loss"]
        }
        Refusal::Protected { .. } => &[
            "if it really must be, set `protect = false` for this environment in infra.toml first",
        ],
        Refusal::Unfinished(_) => &["run `payhook deploy`, which goes on from there"],
        Refusal::CodeGone(_) => &[
            "check out the sources that were deployed and try again",
            "or run `payhook deploy`, which puts the functions of these sources in their place",
        ],
        Refusal::StateStands { .. } => &[
            "nothing needs to be rebuilt: `payhook drift` compares it with what stands",
            "or, if it is wrong beyond repair, add --overwrite; the old one stays in its history",
        ],
        Refusal::ProtectedResources(_) => {
            &["if it really must be, take it out of `protect_resources` in infra.toml first"]
        }
        Refusal::LeftBehind { .. } => &[
            "`payhook state move --to s3` takes it there",
            "or, if it is wrong, move its folder out of .payhook/state",
        ],
        Refusal::NeverDeployed(_) => {
            &["run `payhook deploy`, or `payhook destroy` to take away what a failed one has left"]
        }
        Refusal::NoEarlier(_) => {
            &["to go further back, check out the sources and infra.toml of then and deploy them"]
        }
        Refusal::ApprovedElsewhere { .. } => {
            &["use the credentials and the region that the plan was made with"]
        }
        Refusal::NotApproved { .. } => &[
            "nothing was changed; look at it anew: `payhook preview --out FILE`, then deploy with that plan",
        ],
        Refusal::Unconfirmed => &["run it in a terminal, or with --yes"],
        Refusal::Declined => &[],
    };
    Explanation::new(Exit::Refused, refusal, next)
}

const DISK: &str = "check that the disk has room and that the file may be written";
const MAKE_BUCKET: &str =
    "`payhook state init` makes it; which one it is stands under [state] in infra.toml";

fn of_bucket(error: &BucketError) -> Explanation {
    match error {
        BucketError::Call(error) => of_cloud(error),
        BucketError::Absent { .. } => Explanation::new(Exit::Failed, error, &[MAKE_BUCKET]),
        BucketError::Elsewhere { .. } => Explanation::new(
            Exit::Failed,
            error,
            &["say where it is by `region` under [state] in infra.toml, or name another bucket"],
        ),
        BucketError::NotOurs { .. } => Explanation::new(
            Exit::Refused,
            error,
            &[
                "name another one by `bucket` under [state] in infra.toml, or use credentials of its account",
            ],
        ),
    }
}

fn of_state(error: &StateError) -> Explanation {
    if let StateError::Remote { source, .. } = error {
        let mut explanation = of_cloud(source);
        explanation.words = error.to_string();
        if source.code == "NoSuchBucket" {
            explanation.next = vec![MAKE_BUCKET.to_owned()];
        }
        return explanation;
    }
    let exit = match error {
        StateError::Held { .. } | StateError::Fenced { .. } => Exit::Held,
        StateError::Moved { .. }
        | StateError::Arriving { .. }
        | StateError::OtherEnvironment { .. } => Exit::Refused,
        _ => Exit::Failed,
    };
    let next: &[&str] = match error {
        StateError::Held { .. } => &[
            "wait until it has ended and try again, or let --lock-timeout 10m wait for it",
            "a dead holder's lock is taken over by itself; `payhook state unlock` takes it from one that hangs",
        ],
        StateError::Fenced { .. } => &[
            "run it again once whoever took the lock over has ended; it goes on from what is recorded",
        ],
        StateError::Journal {
            source: JournalError::Newer { .. },
            ..
        } => &["use the newer payhook that wrote it"],
        StateError::Journal { .. } => &[
            "bring it back from a backup",
            "or move the environment's folder of the state away: the next deploy finds the stack again by names and \
             tags, and adopts it",
        ],
        StateError::OtherEnvironment { .. } => &[
            "put each environment's state back where it belongs; nothing was read from it or written to it",
        ],
        StateError::Moved { .. } => {
            &["set `backend` under [state] in infra.toml to where it is now"]
        }
        StateError::Arriving { .. } => &[
            "run the same `payhook state move` again, where it was begun; until then the state counts where it was",
            "if that place is gone for good, move the environment's folder of the state away: the next deploy finds the \
             stack again by names and tags, and adopts it",
        ],
        StateError::Remote { .. } | StateError::Io { .. } => &[DISK],
    };
    Explanation::new(exit, error, next)
}

fn of_plan(error: &PlanError) -> Explanation {
    let PlanError::Foreign(foreign) = error else {
        return Explanation::new(
            Exit::Failed,
            error,
            &["this is a mistake in payhook itself"],
        );
    };
    let names: Vec<String> = foreign.iter().map(name_of).collect();
    let mut explanation = Explanation::new(Exit::Failed, error, &[]);
    explanation.next = vec![
        format!("payhook never touches what is not its own; if it is not needed, delete {} where it was made", names.join(", ")),
        "or deploy under other names: each ends in the name of the environment, so a new section [env.NAME] gives new ones"
            .to_owned(),
    ];
    explanation
}

fn name_of(foreign: &Foreign) -> String {
    format!("{} `{}`", foreign.kind, foreign.physical)
}
