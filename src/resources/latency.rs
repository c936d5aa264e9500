//! How long AWS takes, kind by kind: what the scheduler and the polls count on, and what the cloud in memory takes.

use super::{Kind, Of, definition};
use std::time::Duration;

/// How long one kind takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// One call, there and back.
    pub call: Duration,
    /// From create to ready.
    pub create: Duration,
    /// From update to ready.
    pub update: Duration,
    /// From delete to gone.
    pub delete: Duration,
    /// From ready to visible to other services.
    pub visible: Duration,
    /// What is waited for.
    pub what: &'static str,
}

const NOTHING: Duration = Duration::ZERO;
const CALL: Duration = Duration::from_millis(50);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const QUICK: Latency = Latency {
    call: CALL,
    create: NOTHING,
    update: NOTHING,
    delete: NOTHING,
    visible: NOTHING,
    what: "it to be ready",
};

/// Published or measured times; where none is published, a round figure that keeps the order of magnitude.
///
/// IAM: about 4 s from write to enforcement (OFFENSAI's measurements, 2025). Table: 8 to 15 s until ACTIVE, a fresh
/// stream unreadable for a pipe for more than 90 s at times (terraform-provider-aws 40572). Function: 2 to 5 s until
/// Active. SQS: up to 60 s until a deleted queue is gone. Others: no published figure.
pub fn latency(kind: Kind) -> Latency {
    match kind {
        Kind::Role => Latency {
            visible: seconds(4),
            ..QUICK
        },
        Kind::Table => Latency {
            create: seconds(10),
            update: seconds(5),
            delete: seconds(5),
            visible: seconds(5),
            what: "table to become ACTIVE",
            ..QUICK
        },
        Kind::Function => Latency {
            create: seconds(3),
            update: seconds(2),
            what: "function to become Active",
            ..QUICK
        },
        Kind::StateMachine => Latency {
            delete: seconds(10),
            what: "state machine to be gone",
            ..QUICK
        },
        Kind::Pipe => Latency {
            create: seconds(20),
            update: seconds(10),
            delete: seconds(20),
            what: "pipe to be RUNNING",
            ..QUICK
        },
        Kind::Queue => Latency {
            delete: seconds(30),
            ..QUICK
        },
        Kind::Key => Latency {
            visible: seconds(1),
            ..QUICK
        },
        _ => QUICK,
    }
}

/// Whether a kind is one of those that see a resource of another kind late, although it is ready: those with a settle
/// rule for that edge. What only names another resource, as a policy does, asks nobody whether it is there.
pub fn sees_late(user: Kind, used: Kind) -> bool {
    let mut rules = definition(user).settle().iter();
    rules.any(|rule| rule.of == Of::Edge(used))
}
