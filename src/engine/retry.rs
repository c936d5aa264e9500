//! What to do about an error: repeat, wait, or stop.

use super::Cause;
use super::fresh::Fresh;
use crate::resources::{Class, CloudError, Of, Schedule, Settle};
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
    fresh: Vec<Fresh>,
}

/// How one cause of refusals is borne.
struct Bearing {
    what: &'static str,
    /// What is the matter where it does not pass; nothing where the error itself says that.
    otherwise: Option<&'static str>,
    schedule: Schedule,
    /// Since when it has been under way, where that was before the first refusal.
    since: Option<Instant>,
    budget: Duration,
}

impl Bearing {
    /// What is repeated without a word.
    const fn of(what: &'static str) -> Self {
        Self {
            what,
            otherwise: None,
            schedule: Schedule::BACKOFF,
            since: None,
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
            since: None,
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
    /// Of a step that uses what was made or changed in this run.
    pub fn using(fresh: Vec<Fresh>) -> Self {
        Self {
            fresh,
            ..Self::default()
        }
    }

    /// A settle rule, timed from when what has to be seen was made: a step that comes to it late waits for the rest only.
    fn bearing(&self, rule: &Settle) -> Bearing {
        let mut bearing = Bearing::from(rule);
        if let Of::Edge(used) = rule.of {
            let of_kind = self.fresh.iter().filter(|fresh| fresh.kind == used);
            let last = of_kind.max_by_key(|fresh| fresh.due());
            // Where nothing of the kind is new, the refusal can only be of something else that is.
            let last = last.or_else(|| self.fresh.iter().max_by_key(|fresh| fresh.due()));
            if let Some(fresh) = last {
                bearing.schedule = rule.schedule.expecting(fresh.usual());
                bearing.since = Some(fresh.since);
            }
        }
        bearing
    }

    /// Judges an error by the kind's settle rules and its class.
    pub fn judge(&mut self, error: &CloudError, rules: &'static [Settle], absent: bool) -> Verdict {
        if let Some(rule) = rules.iter().find(|rule| rule.covers(error)) {
            return self.count(error, self.bearing(rule));
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
        let under_way = now - bearing.since.unwrap_or(*since).min(*since);
        let pause = bearing.schedule.pause(*tries, under_way);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{Kind, definition};

    /// When attempts are made that are refused for want of a role, in milliseconds after the first.
    async fn attempts(fresh: Vec<Fresh>) -> Vec<u128> {
        let words = "The role defined for the function cannot be assumed by Lambda.";
        let code = "InvalidParameterValueException";
        let error = CloudError::new("lambda:CreateFunction", Class::Invalid, code, words);
        let mut patience = Patience::using(fresh);
        let start = Instant::now();
        let mut at = vec![0];
        for _ in 0..4 {
            match patience.judge(&error, definition(Kind::Function).settle(), true) {
                Verdict::Again { pause, .. } => tokio::time::sleep(pause).await,
                Verdict::Stop(cause) => panic!("{cause}"),
            }
            at.push(start.elapsed().as_millis());
        }
        at
    }

    /// What, and how many seconds ago.
    type Made = (Kind, f64);

    fn fresh((kind, ago): Made) -> Fresh {
        let since = Instant::now() - Duration::from_secs_f64(ago);
        Fresh { kind, since }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_late_to_what_is_on_its_way_waits_for_the_rest_only() {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let table: [(&[Made], [u128; 5]); 6] = [
            (&[], [0, 1_000, 3_600, 3_816, 4_044]),
            (&[(Kind::Role, 0.0)], [0, 1_000, 3_600, 3_816, 4_044]),
            (&[(Kind::Role, 2.0)], [0, 1_000, 1_600, 1_816, 2_044]),
            (&[(Kind::Role, 3.5)], [0, 100, 316, 544, 786]),
            // The last one made decides, and others have no say while there is one of the kind.
            (
                &[(Kind::Role, 9.0), (Kind::Role, 3.5), (Kind::Key, 0.0)],
                [0, 100, 316, 544, 786],
            ),
            // No role is new, so that something else must be meant.
            (&[(Kind::Key, 0.5)], [0, 400, 500, 600, 700]),
        ];
        for (made, expected) in table {
            let used = made.iter().copied().map(fresh).collect();
            assert_eq!(attempts(used).await, expected, "{made:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_long_ago_does_not_use_up_the_budget() {
        tokio::time::sleep(Duration::from_secs(7_200)).await;
        let at = attempts(vec![fresh((Kind::Role, 7_000.0))]).await;
        assert_eq!(at, [0, 2_000, 4_000, 6_000, 8_000]);
    }
}
