//! Which process listens on a port of this machine.

use std::fmt;

/// The process that holds a port, as far as this system tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortHolder {
    Process { pid: u32, name: String },
    Unknown,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, name } => write!(f, "{name} (pid {pid})"),
            Self::Unknown => f.write_str("another process (which one is not visible to this user)"),
        }
    }
}

/// Finds who listens on `port`; only Linux tells, and only about processes this user may look at.
pub(super) fn holder(port: u16) -> PortHolder {
    listening_inodes(port)
        .iter()
        .find_map(|inode| process_with_socket(inode))
        .unwrap_or(PortHolder::Unknown)
}

fn listening_inodes(port: u16) -> Vec<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| inodes_in(&table, port))
        .collect()
}

/// Inodes of the sockets in state LISTEN (0A) whose local port is `port`, from a table as in proc(5).
fn inodes_in(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == "0A";
            listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

fn process_with_socket(inode: &str) -> Option<PortHolder> {
    let socket = format!("socket:[{inode}]");
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let holds = std::fs::read_dir(entry.path().join("fd"))
                .ok()?
                .flatten()
                .any(|fd| {
                    std::fs::read_link(fd.path())
                        .is_ok_and(|link| link.as_os_str() == socket.as_str())
                });
            let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
            holds.then(|| PortHolder::Process {
                pid,
                name: name.trim().to_owned(),
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1\n\
            1: 0100007F:11D6 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1\n\
            2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1\n";
        assert_eq!(inodes_in(table, 4566), ["111"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_holder_of_a_port_is_named_with_its_pid() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("address").port();
        let PortHolder::Process { pid, name } = holder(port) else {
            panic!("this process listens on {port}");
        };
        assert_eq!(pid, std::process::id());
        assert!(!name.is_empty());
    }
}
