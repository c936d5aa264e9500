//! Settle rules: refusals and delays of AWS that pass by themselves, as data.

use super::error::CloudError;
use std::time::Duration;

/// Pauses between attempts: a dense start, then a steady interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// First pauses, in milliseconds.
    pub first: &'static [u64],
    /// Every later pause, in milliseconds.
    pub then: u64,
}

impl Schedule {
    /// For IAM and other propagation: measured to pass in single-digit seconds, mutating calls are rate limited.
    pub const PROPAGATION: Self = Self {
        first: &[250, 500, 1_000],
        then: 2_000,
    };
    /// For throttles and server errors.
    pub const BACKOFF: Self = Self {
        first: &[500, 1_000, 2_000, 4_000],
        then: 8_000,
    };

    /// The pause before attempt `n`, counted from zero.
    pub fn pause(&self, n: usize) -> Duration {
        Duration::from_millis(self.first.get(n).copied().unwrap_or(self.then))
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
            then: 1_500,
        },
        budget_seconds: 300,
    };
    /// For what may take many minutes: tables, pipes.
    pub const LONG: Self = Self {
        schedule: Schedule {
            first: &[200, 400, 800, 1_500],
            then: 3_000,
        },
        budget_seconds: 1_800,
    };

    /// When to give up.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.budget_seconds)
    }
}
