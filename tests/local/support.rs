//! A throw-away emulator per test: as payhook starts it, and as it comes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use payhook::local::{Emulator, LocalEvent, LocalSettings, Up};

/// Nobody listens.
pub fn quiet(_: LocalEvent) {}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// What the SDK clients of an emulator are made from.
pub fn sdk(endpoint: &str) -> SdkConfig {
    let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// A Python that has the pinned emulator, installed once for all tests.
pub async fn python() -> PathBuf {
    let shared = LocalSettings {
        endpoint: None,
        ..LocalSettings::from_env(env!("CARGO_TARGET_TMPDIR").as_ref(), 0, "python3")
    };
    Emulator::new(shared)
        .install(&quiet)
        .await
        .expect("install")
}

/// A directory with its own emulator, ended when dropped.
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
            python: "python3".into(),
            ready_python: Some(python().await),
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

/// The emulator without payhook's launcher, ended when dropped.
pub struct Stock {
    dir: tempfile::TempDir,
    port: u16,
    python: PathBuf,
    child: Child,
}

impl Stock {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().expect("tempdir");
        let (port, python) = (free_port(), python().await);
        let child = Self::spawn(&dir, port, &python);
        let stock = Self {
            dir,
            port,
            python,
            child,
        };
        stock.ready().await;
        stock
    }

    /// Stops it as politely as `payhook local down` does, and starts it on the state it saved.
    pub async fn restart(&mut self) {
        let pid = self.child.id().try_into().expect("pid");
        // SAFETY: kill takes two integers.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        self.child.wait().expect("it ends");
        self.child = Self::spawn(&self.dir, self.port, &self.python);
        self.ready().await;
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn spawn(dir: &tempfile::TempDir, port: u16, python: &PathBuf) -> Child {
        Command::new(python)
            .args(["-I", "-m", "ministack"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", dir.path())
            .env("TMPDIR", dir.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("PERSIST_STATE", "1")
            .env("STATE_DIR", dir.path().join("state"))
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("spawn")
    }

    async fn ready(&self) {
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the stock emulator does not answer");
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the same observation on the stock emulator and on payhook's; the first shows the gap, the second that it is filled.
///
/// When the stock emulator gets it right, the gap and its test can go.
pub async fn assert_filled<T, F>(observe: F, gap: T, right: T)
where
    T: PartialEq + std::fmt::Debug,
    F: AsyncFn(&SdkConfig) -> T,
{
    let stock = Stock::start().await;
    let seen = observe(&sdk(&stock.endpoint())).await;
    assert_eq!(seen, gap, "the stock emulator changed: this fill can go");
    drop(stock);
    let place = Place::new().await;
    let up = place.up().await;
    assert_eq!(observe(&sdk(&up.endpoint)).await, right);
}
