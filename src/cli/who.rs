//! Who this process is, as others are told who wait for its lock.

use crate::local::started;
use crate::state::Holder;
use jiff::Timestamp;

/// This process at work on a verb.
pub fn this_process(verb: &str, now: Timestamp) -> Holder {
    let pid = std::process::id();
    Holder {
        user: first_set(&["USER", "LOGNAME"]),
        host: host(),
        pid,
        started: started(pid).unwrap_or_default(),
        machine: machine(),
        verb: verb.to_owned(),
        since: now.to_string(),
    }
}

/// Whether a holder's process lives; `None` where that cannot be seen from here.
pub fn lives(holder: &Holder) -> Option<bool> {
    let visible =
        !holder.machine.is_empty() && holder.machine == machine() && !holder.started.is_empty();
    visible.then(|| started(holder.pid).as_deref() == Some(&holder.started))
}

/// A text that no other process has.
pub fn token() -> String {
    let mut bytes = [0; 16];
    // Without random bytes the process and its start still tell it from others.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    let pid = std::process::id();
    format!("{}-{pid}", hex::encode(bytes))
}

/// The boot of the kernel and the namespace in which process ids count; empty where the system does not tell.
///
/// A host name would not do: containers share it, and each has its own process ids.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok();
    match (boot, namespace) {
        (Some(boot), Some(namespace)) => format!("{}/{}", boot.trim(), namespace.display()),
        _ => String::new(),
    }
}

fn first_set(names: &[&str]) -> String {
    let set = names.iter().find_map(|name| std::env::var(name).ok());
    set.unwrap_or_else(|| "unknown user".to_owned())
}

fn host() -> String {
    let mut name = [0u8; 256];
    // SAFETY: the buffer is valid for its whole length, and the last byte stays zero.
    let answer = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    match answer {
        0 if end > 0 => String::from_utf8_lossy(&name[..end]).into_owned(),
        _ => "unknown host".to_owned(),
    }
}
