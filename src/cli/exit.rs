//! Exit codes: what a script or pipeline can rely on.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Refused: policy, protection, account, confirmation, more than the approved plan.
    Refused = 3,
    /// Changes are pending (`preview --detailed-exitcode`, `drift --fail`).
    Pending = 4,
    /// Somebody else holds the lock.
    Held = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
