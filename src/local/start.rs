//! Starts the emulator process and waits until it answers.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::local::error::LocalError;
use crate::local::health::{self, Answer, Health};
use crate::local::launcher;
use crate::local::python::last_lines;

/// The launcher writes its record under this name.
pub(super) const PID_FILE: &str = "emulator.pid";
/// How long a start may take on a slow machine, with much saved state to read; one that dies is noticed at once.
pub(super) const READY_LIMIT: Duration = Duration::from_secs(300);
pub(super) const POLL: Duration = Duration::from_millis(50);

/// What must be known to start the emulator.
pub(super) struct Start<'a> {
    pub dir: &'a Path,
    pub port: u16,
    pub log: &'a Path,
    pub python: &'a Path,
}

impl Start<'_> {
    /// Starts it and returns what it says once it answers; bounded by `READY_LIMIT`.
    pub(super) async fn run(&self) -> Result<Health, LocalError> {
        let mut child = self.spawn()?;
        let began = Instant::now();
        while began.elapsed() < READY_LIMIT {
            if let Answer::Emulator(health) = health::ask(self.port).await {
                return Ok(health);
            }
            if let Ok(Some(_)) = child.try_wait() {
                return Err(self.died());
            }
            sleep(POLL).await;
        }
        Err(LocalError::NoAnswer {
            pid: child.id().unwrap_or_default(),
            port: self.port,
            waited: READY_LIMIT,
            log: self.log.to_owned(),
        })
    }

    fn spawn(&self) -> Result<Child, LocalError> {
        // The launcher runs in another directory and says in its health answer which one is its own.
        let dir = std::path::absolute(self.dir).map_err(LocalError::io("find", self.dir))?;
        let script = launcher::write(&dir.join("launcher"))?;
        for part in ["state", "s3", "tmp"] {
            let path = dir.join(part);
            std::fs::create_dir_all(&path).map_err(LocalError::io("create", path))?;
        }
        let log = self.open_log()?;
        let python =
            std::path::absolute(self.python).map_err(LocalError::io("find", self.python))?;
        let mut command = Command::new(&python);
        command
            .args(["-I", "-u"])
            .arg(script)
            .arg(&dir)
            .arg(launcher::launcher_digest())
            .current_dir(&dir)
            .env_clear()
            .envs(self.environment(&dir))
            .stdin(Stdio::null())
            .stderr(log.try_clone().map_err(LocalError::io("open", self.log))?)
            .stdout(log);
        command.spawn().map_err(LocalError::io("start", python))
    }

    /// The emulator's whole environment; functions inherit it, so nothing of the user's may be in it.
    fn environment(&self, dir: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
        let mut environment: Vec<(&'static str, std::ffi::OsString)> = vec![
            ("BIND_HOST", "127.0.0.1".into()),
            ("GATEWAY_PORT", self.port.to_string().into()),
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.port).into(),
            ),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            // Functions may do what their roles allow, so that a missing grant shows before AWS shows it.
            ("AUTH", "true".into()),
            ("PERSIST_STATE", "1".into()),
            ("STATE_DIR", dir.join("state").into()),
            ("S3_PERSIST", "1".into()),
            ("S3_DATA_DIR", dir.join("s3").into()),
            ("TMPDIR", dir.join("tmp").into()),
            // Listeners of services the stack does not use would take ports nobody asked for.
            ("SFTP_ENABLED", "0".into()),
            ("IOT_MTLS_ENABLED", "0".into()),
            // Not the user's: an SDK in a function would read profiles there.
            ("HOME", dir.into()),
            // No look for a Docker daemon: functions run as processes.
            ("DOCKER_HOST", "unix:///nonexistent".into()),
        ];
        for name in ["PATH", "LANG", "LC_ALL"] {
            environment.extend(std::env::var_os(name).map(|value| (name, value)));
        }
        environment
    }

    /// Opens the log for appending; one previous log is kept so that neither grows for ever.
    fn open_log(&self) -> Result<File, LocalError> {
        const KEEP: u64 = 8 << 20;
        if std::fs::metadata(self.log).is_ok_and(|log| log.len() > KEEP) {
            let old = self.log.with_extension("log.1");
            std::fs::rename(self.log, &old).map_err(LocalError::io("rename", self.log))?;
        }
        File::options()
            .create(true)
            .append(true)
            .open(self.log)
            .map_err(LocalError::io("open", self.log))
    }

    fn died(&self) -> LocalError {
        let said = std::fs::read(self.log).unwrap_or_default();
        LocalError::DiedAtStart {
            log: self.log.to_owned(),
            said: last_lines(&String::from_utf8_lossy(&said), 8),
        }
    }
}
