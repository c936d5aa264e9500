//! What to do about an error: repeat, wait, or stop.

use super::Cause;
use crate::resources::{Class, CloudError, Schedule, Settle};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long throttles and server failures are borne.
const PATIENCE: Duration = Duration::from_secs(300);
const THROTTLE: &str = "AWS to take more calls";
const ANSWER: &str = "AWS to answer";
/// How long a conflict on something just seen to be absent is looked into.
const CONFLICT_PATIENCE: Duration = Duration::from_secs(60);
const CONFLICT: &str = "what is already under way on it";
const HIDDEN: &str =
    "something of this name stands where no read shows it: look for it in the AWS console";

/// Keeps count of refusals; each cause has its own budget, so that a throttle never uses up a settle rule's.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: HashMap<&'static str, (usize, Instant)>,
}

/// How one cause of refusals is borne.
struct Bearing {
    what: &'static str,
    /// What is the matter where it does not pass; nothing where the error itself says that.
    otherwise: Option<&'static str>,
    schedule: Schedule,
    budget: Duration,
}

impl Bearing {
    /// What is repeated without a word.
    const fn of(what: &'static str) -> Self {
        Self {
            what,
            otherwise: None,
            schedule: Schedule::BACKOFF,
            budget: PATIENCE,
        }
    }
}

impl From<&Settle> for Bearing {
    fn from(rule: &Settle) -> Self {
        Self {
            what: rule.name,
            otherwise: Some(rule.otherwise),
            schedule: rule.pauses(),
            budget: rule.budget(),
        }
    }
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Pause and try again; a settle rule has a name to show.
    Again {
        pause: Duration,
        waiting_for: Option<&'static str>,
        attempt: usize,
        waited: Duration,
    },
    /// Stop.
    Stop(Cause),
}

impl Patience {
    /// Judges an error by the kind's settle rules and its class.
    pub fn judge(&mut self, error: &CloudError, rules: &'static [Settle], absent: bool) -> Verdict {
        if let Some(rule) = rules.iter().find(|rule| rule.covers(error)) {
            return self.count(error, rule.into());
        }
        match error.class {
            Class::Throttle => self.count(error, Bearing::of(THROTTLE)),
            Class::Unavailable => self.count(error, Bearing::of(ANSWER)),
            Class::Conflict if absent => self.count(
                error,
                Bearing {
                    otherwise: Some(HIDDEN),
                    schedule: Schedule::PROPAGATION,
                    budget: CONFLICT_PATIENCE,
                    ..Bearing::of(CONFLICT)
                },
            ),
            _ => Verdict::Stop(Cause::Call(error.clone())),
        }
    }

    fn count(&mut self, error: &CloudError, bearing: Bearing) -> Verdict {
        let now = Instant::now();
        let (tries, since) = self.tries.entry(bearing.what).or_insert((0, now));
        let waited = now - *since;
        let pause = bearing.schedule.pause(*tries, waited);
        if waited + pause > bearing.budget {
            return Verdict::Stop(Cause::Settle {
                error: Box::new(error.clone()),
                what: bearing.what.to_owned(),
                waited,
                otherwise: bearing.otherwise,
            });
        }
        *tries += 1;
        Verdict::Again {
            pause,
            waiting_for: bearing.otherwise.map(|_| bearing.what),
            attempt: *tries,
            waited,
        }
    }
}
