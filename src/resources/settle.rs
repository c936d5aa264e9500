//! Settle rules: refusals and delays of AWS that pass by themselves, as data.

use super::error::CloudError;
use super::{Kind, latency};
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
        first: &[1_000],
        expected: 3_600,
        share: 6,
        bounds: (100, 2_000),
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

    /// The same for what usually takes so long: the early attempts end, and the later ones begin, shortly before.
    pub fn expecting(mut self, usual: Duration) -> Self {
        if !usual.is_zero() {
            self.expected = usual.as_millis() as u64 * 9 / 10;
        }
        self
    }

    /// The pause before attempt `n`, counted from zero, after having waited so long.
    pub fn pause(&self, n: usize, waited: Duration) -> Duration {
        let waited = waited.as_millis() as u64;
        let (shortest, longest) = self.bounds;
        let left = self.expected.saturating_sub(waited);
        let pause = match self.first.get(n) {
            Some(first) if self.expected == 0 || *first < left => *first,
            _ if left > 0 => left,
            _ => (waited * self.share / 100).clamp(shortest, longest),
        };
        Duration::from_millis(pause)
    }
}

/// What has to settle before a refused call is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The resource itself: it is not visible yet, or another change of it is still running.
    Itself,
    /// The edge between it and a resource of this kind.
    Edge(Kind),
}

/// A refusal that passes by itself once something has become visible or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// What is waited for, as events show it: "role to be assumable by Lambda".
    pub name: &'static str,
    /// What has to settle.
    pub of: Of,
    /// AWS error codes.
    pub codes: &'static [&'static str],
    /// Parts of messages that tell this case from others of the same code; none where the code alone does.
    pub messages: &'static [&'static str],
    /// Pauses between attempts.
    pub schedule: Schedule,
    /// When to give up, in seconds.
    pub budget_seconds: u64,
    /// What is the matter where it does not pass by itself.
    pub otherwise: &'static str,
    /// Where it stands that AWS refuses like this; `[K]` was not found published and may be off.
    pub source: &'static str,
}

impl Settle {
    /// Whether an error is of this rule.
    pub fn covers(&self, error: &CloudError) -> bool {
        let coded = self.codes.contains(&error.code.as_str());
        coded && (self.messages.is_empty() || self.tells(&error.message))
    }

    /// Whether words alone are of this rule, as where AWS gives a reason without a code.
    pub fn tells(&self, words: &str) -> bool {
        self.messages.iter().any(|part| words.contains(part))
    }

    /// Pauses between attempts, timed by when the edge usually has settled.
    pub fn pauses(&self) -> Schedule {
        match self.of {
            Of::Edge(used) => self.schedule.expecting(latency(used).visible),
            Of::Itself => self.schedule,
        }
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
    /// enough that what is lost is a fiftieth of the wait.
    pub fn expecting(mut self, usual: Duration) -> Self {
        if !usual.is_zero() {
            self.schedule = self.schedule.expecting(usual);
            self.schedule.share = 2;
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
mod tests;
