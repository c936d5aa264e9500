//! What to do about an error: repeat, wait, or stop.

use super::Cause;
use crate::resources::{Class, CloudError, Schedule, Settle};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long throttles and server failures are borne.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a conflict on something just seen to be absent is looked into.
const CONFLICT_PATIENCE: Duration = Duration::from_secs(60);
const CONFLICT: &str = "what is already under way on it";

/// Keeps count of refusals; each cause has its own budget, so that a throttle never uses up a settle rule's.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: HashMap<&'static str, (usize, Instant)>,
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
            return self.count(
                error,
                rule.name,
                Some(rule.name),
                rule.schedule,
                rule.budget(),
            );
        }
        match error.class {
            Class::Throttle => self.count(error, "throttle", None, Schedule::BACKOFF, PATIENCE),
            Class::Unavailable => self.count(
                error,
                "an answer of the server",
                None,
                Schedule::BACKOFF,
                PATIENCE,
            ),
            Class::Conflict if absent => {
                let schedule = Schedule::PROPAGATION;
                self.count(error, CONFLICT, Some(CONFLICT), schedule, CONFLICT_PATIENCE)
            }
            _ => Verdict::Stop(Cause::Call(error.clone())),
        }
    }

    fn count(
        &mut self,
        error: &CloudError,
        cause: &'static str,
        waiting_for: Option<&'static str>,
        schedule: Schedule,
        budget: Duration,
    ) -> Verdict {
        let now = Instant::now();
        let (tries, since) = self.tries.entry(cause).or_insert((0, now));
        let waited = now - *since;
        let pause = schedule.pause(*tries, waited);
        if waited + pause > budget {
            let what = cause.to_owned();
            return Verdict::Stop(Cause::Settle {
                error: Box::new(error.clone()),
                what,
                waited,
            });
        }
        *tries += 1;
        Verdict::Again {
            pause,
            waiting_for,
            attempt: *tries,
            waited,
        }
    }
}
