//! One process: the record that names it, whether it still is that process, and the signals that end it.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::local::error::LocalError;

/// What the launcher writes about itself when it starts.
///
/// `started` tells a reused pid from the process that wrote the record; the launcher's `identity` function and
/// [`started`] must make the same text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PidRecord {
    pub pid: u32,
    pub started: String,
    pub port: u16,
}

impl PidRecord {
    /// Reads the record; a missing or torn one is none, because neither names a process.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, LocalError> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LocalError::io("read", path)(error)),
        }
    }

    /// Whether the process that wrote the record still runs.
    pub(super) fn alive(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }

    /// Waits until the process is gone; false when it still runs after `limit`.
    pub(super) async fn gone_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.alive() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(Duration::from_millis(50)).await;
        }
        true
    }

    /// Asks the process to save its state and end.
    pub(super) fn terminate(&self) {
        signal(self.pid, libc::SIGTERM, Reach::Process);
    }

    /// Ends the process and the function processes it started, without saving anything.
    pub(super) fn kill(&self) {
        signal(self.pid, libc::SIGKILL, Reach::Group);
    }
}

enum Reach {
    Process,
    Group,
}

/// Sends a signal; a process that is already gone is what the sender wanted.
fn signal(pid: u32, signal: libc::c_int, reach: Reach) {
    // Zero and one would address this process's own group and every process of the user.
    let Some(pid) = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 1) else {
        return;
    };
    let target = match reach {
        Reach::Process => pid,
        Reach::Group => -pid,
    };
    // SAFETY: kill takes two integers and touches no memory of this process.
    unsafe { libc::kill(target, signal) };
}

/// When a live process started, as text that no later process with the same pid can have.
#[cfg(target_os = "linux")]
pub fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name stands in parentheses and may itself hold spaces and parentheses.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    let ticks = fields.nth(18)?;
    // Ticks count from boot: the same pid may start at the same tick after the next one.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{}:{ticks}", boot.trim()))
}

/// When a live process started, as text that no later process with the same pid can have.
#[cfg(not(target_os = "linux"))]
pub fn started(pid: u32) -> Option<String> {
    let said = std::process::Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .env("LC_ALL", "C")
        .output()
        .ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let (stat, started) = text.trim().split_once(char::is_whitespace)?;
    (!stat.starts_with('Z')).then(|| started.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_record() -> PidRecord {
        let pid = std::process::id();
        PidRecord {
            pid,
            started: started(pid).expect("this process runs"),
            port: 4566,
        }
    }

    #[test]
    fn a_record_of_a_running_process_is_alive() {
        assert!(own_record().alive());
    }

    #[test]
    fn a_reused_pid_is_not_the_process_of_the_record() {
        let record = PidRecord {
            started: "another start".into(),
            ..own_record()
        };
        assert!(!record.alive());
    }

    #[test]
    fn a_process_that_ended_but_was_not_waited_for_is_gone() {
        let mut child = std::process::Command::new("true").spawn().expect("spawn");
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(started(child.id()), None);
        child.wait().expect("wait");
    }

    #[test]
    fn a_missing_or_torn_record_names_no_process() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("emulator.pid");
        assert_eq!(PidRecord::read(&path).expect("missing"), None);
        std::fs::write(&path, r#"{"pid": 12"#).expect("write");
        assert_eq!(PidRecord::read(&path).expect("torn"), None);
    }
}
