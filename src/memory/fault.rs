//! What goes wrong with calls.

use crate::resources::{Class, CloudError};
use std::sync::Arc;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused and changes nothing.
    Refused(CloudError),
    /// It takes effect, but the answer does not arrive.
    AnswerLost,
    /// The process dies before it is sent.
    CrashBefore,
    /// The process dies after it took effect.
    CrashAfter,
}

impl Fault {
    /// The account may not do it.
    pub fn denied() -> Self {
        Self::answer(Class::Denied, "AccessDeniedException", "not authorized")
    }

    /// A quota of the account is used up.
    pub fn over_quota() -> Self {
        Self::answer(Class::Quota, "ServiceQuotaExceededException", "too many")
    }

    /// Too many calls.
    pub fn throttled() -> Self {
        Self::answer(Class::Throttle, "ThrottlingException", "Rate exceeded")
    }

    /// The server fails before it does anything.
    pub fn server_error() -> Self {
        Self::answer(Class::Unavailable, "InternalFailure", "")
    }

    /// The call times out on its way there.
    pub fn not_arrived() -> Self {
        Self::answer(Class::Unavailable, "timeout", "no answer in time")
    }

    /// The credentials have expired.
    pub fn expired() -> Self {
        let words = "The security token included in the request is expired";
        Self::answer(Class::Credentials, "ExpiredTokenException", words)
    }

    fn answer(class: Class, code: &str, message: &str) -> Self {
        Self::Refused(CloudError::new("memory", class, code, message))
    }
}

/// Decides what goes wrong with a call, by its number, verb and resource.
pub type Faults = Arc<dyn Fn(usize, &'static str, &str) -> Option<Fault> + Send + Sync>;
