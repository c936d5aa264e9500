//! Who holds the lock of an environment.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A process that works on an environment, as others are told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// Login name.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// When the process started, as only that process can have it; empty where the system does not tell.
    pub started: String,
    /// Which machine and process namespace `pid` belongs to; empty where the system does not tell.
    pub machine: String,
    /// `deploy`, `destroy`.
    pub verb: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return write!(f, "somebody who did not say who they are");
        }
        let Self {
            user,
            host,
            pid,
            verb,
            since,
            ..
        } = self;
        write!(
            f,
            "`{verb}` by {user} on {host}, process {pid}, since {since}"
        )?;
        match age(since) {
            Some(age) => write!(f, " ({age} ago)"),
            None => Ok(()),
        }
    }
}

/// How long ago a moment was, in its two largest units.
fn age(since: &str) -> Option<String> {
    let since: jiff::Timestamp = since.parse().ok()?;
    let seconds = jiff::Timestamp::now().as_second() - since.as_second();
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    Some(match seconds {
        ..0 => return None,
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(ago: i64) -> String {
        let now = jiff::Timestamp::now().as_second();
        let then = jiff::Timestamp::from_second(now - ago).expect("a time");
        then.to_string()
    }

    #[test]
    fn an_age_is_told_in_its_two_largest_units() {
        let told = |ago| age(&since(ago)).expect("an age");
        assert_eq!(told(7_230), "2 h 0 min");
        assert_eq!(told(125), "2 min 5 s");
        assert!(told(3).ends_with(" s"));
    }

    #[test]
    fn a_holder_whose_clock_is_ahead_has_no_age() {
        assert_eq!(age(&since(-3_600)), None);
        assert_eq!(age("yesterday"), None);
    }
}
