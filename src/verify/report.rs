//! What was looked at, what was wanted, what was seen.

use crate::local::not_observable;
use crate::policy::CONSTRAINTS;
use crate::resources::CloudError;
use serde::Serialize;
use std::fmt::Display;

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it must be.
    Passed,
    /// Not as it must be.
    Failed,
    /// This endpoint does not show it.
    NotObservable,
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Number of the constraint it belongs to.
    #[serde(skip)]
    pub constraint: u8,
    /// Kind and name of the resource.
    pub resource: String,
    /// What was looked at.
    pub what: &'static str,
    /// What must be seen.
    pub wanted: String,
    /// What was seen.
    pub seen: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What the emulator leaves unproved although the setting is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<&'static str>,
}

/// One constraint with everything looked at for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Constraint {
    /// Number, from 1.
    pub number: u8,
    /// What must hold.
    pub title: &'static str,
    /// How its checks ended together.
    pub verdict: Verdict,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Environment.
    pub env: String,
    /// Whether nothing failed.
    pub passed: bool,
    /// The eight constraints in order.
    pub constraints: Vec<Constraint>,
}

impl Report {
    pub(super) fn of(env: &str, checks: Vec<Check>) -> Self {
        let constraints: Vec<Constraint> = CONSTRAINTS
            .iter()
            .map(|constraint| {
                let of_it = checks
                    .iter()
                    .filter(|check| check.constraint == constraint.number);
                Constraint::of(
                    constraint.number,
                    constraint.title,
                    of_it.cloned().collect(),
                )
            })
            .collect();
        Self {
            env: env.to_owned(),
            passed: constraints.iter().all(|c| c.verdict != Verdict::Failed),
            constraints,
        }
    }
}

impl Constraint {
    /// A constraint that nothing was looked at for has not passed.
    fn of(number: u8, title: &'static str, checks: Vec<Check>) -> Self {
        let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
        let verdict = match (any(Verdict::Failed), any(Verdict::Passed)) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Passed,
            (false, false) if any(Verdict::NotObservable) => Verdict::NotObservable,
            (false, false) => Verdict::Failed,
        };
        Self {
            number,
            title,
            verdict,
            checks,
        }
    }
}

/// The resource that checks are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Kind, as in plans and state.
    pub kind: &'static str,
    /// Name.
    pub name: &'a str,
    /// Whether the emulator answers.
    pub emulated: bool,
}

impl Subject<'_> {
    /// Passes when what was seen is exactly what is wanted. `property` is the setting's name in plans and state.
    pub fn equal(
        &self,
        constraint: u8,
        property: &'static str,
        what: &'static str,
        wanted: impl Display,
        seen: Option<impl Display>,
    ) -> Check {
        let seen = seen.map(|seen| seen.to_string());
        let right = seen
            .as_ref()
            .is_some_and(|seen| *seen == wanted.to_string());
        self.judged(constraint, property, what, wanted, seen, right)
    }

    /// Passes as told.
    pub fn judged(
        &self,
        constraint: u8,
        property: &'static str,
        what: &'static str,
        wanted: impl Display,
        seen: Option<String>,
        right: bool,
    ) -> Check {
        let remark = not_observable(self.kind, property).filter(|_| right && self.emulated);
        Check {
            constraint,
            resource: self.to_string(),
            what,
            wanted: wanted.to_string(),
            seen: seen.unwrap_or_else(|| "nothing".to_owned()),
            verdict: if right {
                Verdict::Passed
            } else {
                Verdict::Failed
            },
            remark,
        }
    }

    /// The same for a setting that AWS always shows and an emulator may leave out of its answer altogether.
    pub fn shown(
        &self,
        constraint: u8,
        property: &'static str,
        what: &'static str,
        wanted: impl Display,
        seen: Option<impl Display>,
    ) -> Check {
        let left_out = seen.is_none() && self.emulated;
        let check = self.equal(constraint, property, what, wanted, seen);
        match left_out {
            true => Check {
                verdict: Verdict::NotObservable,
                ..check
            },
            false => check,
        }
    }
}

impl Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Failed checks for a resource that could not be read.
pub(super) fn unreadable(
    subject: &Subject<'_>,
    constraints: &[u8],
    error: &CloudError,
) -> Vec<Check> {
    let check = |constraint: &u8| Check {
        constraint: *constraint,
        resource: subject.to_string(),
        what: "read",
        wanted: "an answer".to_owned(),
        seen: error.to_string(),
        verdict: Verdict::Failed,
        remark: None,
    };
    constraints.iter().map(check).collect()
}
