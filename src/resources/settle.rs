//! Settle rules: refusals and delays of AWS that pass by themselves, as data.

use super::error::CloudError;
use std::time::Duration;

/// Pauses between attempts: a few early ones, none until it can be expected, then ever longer ones.
///
/// A pause that is a small share of what has been waited keeps the overshoot below that share, whatever the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// First pauses, in milliseconds: an emulator or a lucky day needs no more.
    pub first: &'static [u64],
    /// After those, the next attempt is made this long after the first, in milliseconds.
    pub expected: u64,
    /// Every later pause, in hundredths of what has been waited.
    pub share: u64,
    /// Shortest and longest of the later pauses, in milliseconds.
    pub bounds: (u64, u64),
}

impl Schedule {
    /// For IAM and other propagation.
    ///
    /// IAM passes after about 4 s (OFFENSAI's measurements, 2025), others in single-digit seconds; what is repeated are
    /// mutating calls, which are rate limited, so it slows down to one in 2 s (cdkd's measured schedule).
    pub const PROPAGATION: Self = Self {
        first: &[250, 500, 1_000],
        expected: 3_600,
        share: 6,
        bounds: (250, 2_000),
    };
    /// For throttles and server errors.
    pub const BACKOFF: Self = Self::steady(&[500, 1_000, 2_000, 4_000], 8_000);

    /// Early pauses, then one that stays.
    pub const fn steady(first: &'static [u64], then: u64) -> Self {
        Self {
            first,
            expected: 0,
            share: 0,
            bounds: (then, then),
        }
    }

    /// The pause before attempt `n`, counted from zero, after having waited so long.
    pub fn pause(&self, n: usize, waited: Duration) -> Duration {
        if let Some(first) = self.first.get(n) {
            return Duration::from_millis(*first);
        }
        let waited = waited.as_millis() as u64;
        let (shortest, longest) = self.bounds;
        let pause = match self.expected.saturating_sub(waited) {
            0 => (waited * self.share / 100).clamp(shortest, longest),
            left => left,
        };
        Duration::from_millis(pause)
    }
}

/// A refusal that passes by itself once something else has become visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// What is waited for, as events show it: "role to be assumable by Lambda".
    pub name: &'static str,
    /// AWS error codes.
    pub codes: &'static [&'static str],
    /// Part of the message that tells this case from a permanent one of the same code.
    pub message: Option<&'static str>,
    /// Pauses between attempts.
    pub schedule: Schedule,
    /// When to give up, in seconds.
    pub budget_seconds: u64,
}

impl Settle {
    /// Whether an error is of this rule.
    pub fn covers(&self, error: &CloudError) -> bool {
        self.codes.contains(&error.code.as_str())
            && self.message.is_none_or(|part| error.message.contains(part))
    }

    /// When to give up.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.budget_seconds)
    }
}

/// How often to look while a change takes effect, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// Pauses between reads.
    pub schedule: Schedule,
    /// When to give up, in seconds.
    pub budget_seconds: u64,
}

impl Poll {
    /// For what settles within seconds.
    pub const QUICK: Self = Self {
        schedule: Schedule {
            first: &[100, 200, 400, 800],
            expected: 0,
            share: 20,
            bounds: (250, 1_500),
        },
        budget_seconds: 300,
    };
    /// For what was just made to be seen at all.
    pub const VISIBLE: Self = Self {
        schedule: Schedule {
            first: &[0, 100, 200, 400, 800],
            ..Self::QUICK.schedule
        },
        ..Self::QUICK
    };
    /// For what may take many minutes: tables, pipes.
    pub const LONG: Self = Self {
        schedule: Schedule {
            first: &[200, 400, 800],
            expected: 0,
            share: 20,
            bounds: (250, 5_000),
        },
        budget_seconds: 1_800,
    };

    /// The same for a change whose usual duration is known: nothing is asked until most of it has passed, then often
    /// enough that what is lost is a thirtieth of the wait.
    pub fn expecting(mut self, usual: Duration) -> Self {
        let usual = usual.as_millis() as u64;
        if usual > 0 {
            self.schedule.expected = usual * 9 / 10;
            self.schedule.share = 3;
            self.schedule.bounds.0 = 50;
        }
        self
    }

    /// When to give up.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.budget_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// When attempts are made, in milliseconds after the first, while `last` has not passed; an answer takes no time.
    fn attempts(schedule: Schedule, last: u64) -> Vec<u64> {
        let mut at = vec![0];
        while at[at.len() - 1] < last {
            let now = at[at.len() - 1];
            let pause = schedule.pause(at.len() - 1, Duration::from_millis(now));
            at.push(now + pause.as_millis() as u64);
        }
        at
    }

    proptest! {
        #[test]
        fn what_a_poll_loses_is_a_small_share_of_any_wait_that_is_not_shorter_than_usual(
            usual in 2_000u64..60_000, longer in 90u64..500
        ) {
            let takes = usual * longer / 100;
            let poll = Poll::LONG.expecting(Duration::from_millis(usual));
            let noticed = *attempts(poll.schedule, takes).last().unwrap_or(&0);
            let lost = noticed - takes;
            prop_assert!(lost <= 50.max(takes * 3 / 100), "{lost} ms of {takes}");
            prop_assert!(lost <= 5_000);
        }

        #[test]
        fn what_a_poll_of_unknown_duration_loses_is_at_most_its_longest_pause_or_twice_what_was_waited(takes in 1u64..600_000) {
            for poll in [Poll::QUICK, Poll::LONG] {
                let noticed = *attempts(poll.schedule, takes).last().unwrap_or(&0);
                prop_assert!(noticed - takes <= (2 * takes).max(200).min(poll.schedule.bounds.1));
            }
        }
    }

    #[test]
    fn an_emulator_that_is_done_at_once_is_asked_at_once() {
        let poll = Poll::LONG.expecting(Duration::from_secs(20));
        assert_eq!(attempts(poll.schedule, 1_000), [0, 200, 600, 1_400]);
    }

    #[test]
    fn a_refused_change_is_repeated_ever_less_often() {
        let at = attempts(Schedule::PROPAGATION, 60_000);
        assert_eq!(at[..6], [0, 250, 750, 1_750, 3_600, 3_850]);
        assert!(at.len() < 60, "{}", at.len());
        assert_eq!(at[at.len() - 1] - at[at.len() - 2], 2_000);
    }
}
