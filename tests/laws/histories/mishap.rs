//! Everything that can go wrong with a run.

use payhook::memory::{Fault, Tear};
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Mishap {
    Nothing,
    /// A call that writes, or reads, meets a fault; so do some that follow it.
    Call {
        writes: bool,
        at: u8,
        times: u8,
        trouble: Trouble,
    },
    /// Killed at a write of the journal.
    Write(u8, Tearing),
    /// Killed after so many milliseconds.
    Kill(u32),
    /// Asked to stop after so many milliseconds.
    Interrupt(u32),
}

/// What a call can meet.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Trouble {
    Denied,
    OverQuota,
    Throttled,
    ServerError,
    NotArrived,
    Expired,
    AnswerLost,
    CrashBefore,
    CrashAfter,
}

impl Trouble {
    pub const ALL: &[Self] = &[
        Self::Denied,
        Self::OverQuota,
        Self::Throttled,
        Self::ServerError,
        Self::NotArrived,
        Self::Expired,
        Self::AnswerLost,
        Self::CrashBefore,
        Self::CrashAfter,
    ];

    pub fn fault(self) -> Fault {
        match self {
            Self::Denied => Fault::denied(),
            Self::OverQuota => Fault::over_quota(),
            Self::Throttled => Fault::throttled(),
            Self::ServerError => Fault::server_error(),
            Self::NotArrived => Fault::not_arrived(),
            Self::Expired => Fault::expired(),
            Self::AnswerLost => Fault::AnswerLost,
            Self::CrashBefore => Fault::CrashBefore,
            Self::CrashAfter => Fault::CrashAfter,
        }
    }
}

/// How much of a record is written when the process is killed at it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Tearing {
    Nothing,
    Half,
    All,
}

impl Tearing {
    pub const ALL: &[Self] = &[Self::Nothing, Self::Half, Self::All];

    pub fn tear(self) -> Tear {
        match self {
            Self::Nothing => Tear::Before,
            Self::Half => Tear::Torn,
            Self::All => Tear::After,
        }
    }
}
