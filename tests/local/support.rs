//! A throw-away emulator per test.

use std::path::PathBuf;
use std::time::Duration;

use payhook::local::{Emulator, LocalEvent, LocalSettings, Up};

/// Nobody listens.
pub fn quiet(_: LocalEvent) {}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A Python that has the pinned emulator, installed once for all tests.
pub async fn python() -> PathBuf {
    let shared = LocalSettings {
        endpoint: None,
        ..LocalSettings::from_env(env!("CARGO_TARGET_TMPDIR").as_ref(), 0)
    };
    Emulator::new(shared)
        .install(&quiet)
        .await
        .expect("install")
}

/// A directory with its own emulator, stopped when dropped.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub settings: LocalSettings,
}

impl Place {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("tempdir");
        let settings = LocalSettings {
            dir: dir.path().join("emulator"),
            port: free_port(),
            python: Some(python().await),
            endpoint: None,
            stop_limit: Duration::from_secs(30),
        };
        Self { dir, settings }
    }

    pub fn emulator(&self) -> Emulator {
        Emulator::new(self.settings.clone())
    }

    pub async fn up(&self) -> Up {
        self.emulator().up(&quiet).await.expect("up")
    }

    pub fn recorded_pid(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.settings.dir.join("emulator.pid")).ok()?;
        let record: serde_json::Value = serde_json::from_str(&text).ok()?;
        record["pid"].as_i64()?.try_into().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pid) = self.recorded_pid() {
            // SAFETY: kill takes two integers; the launcher leads a process group of its own.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
        }
    }
}
