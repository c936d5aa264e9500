//! The emulator as it comes, emptied between trials and ended when dropped.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use payhook::local::{Emulator, LocalSettings};

pub struct Stock {
    child: Child,
    pub endpoint: String,
    _home: tempfile::TempDir,
}

impl Stock {
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let endpoint = format!("http://127.0.0.1:{port}");
        let child = Command::new(python())
            .args(["-I", "-m", "ministack"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the emulator starts");
        let stock = Self {
            child,
            endpoint,
            _home: home,
        };
        stock.ready(port);
        stock
    }

    /// Takes everything away that it holds.
    pub async fn empty(&self) {
        let answer = reqwest::Client::new()
            .post(format!("{}/_ministack/reset", self.endpoint))
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    fn ready(&self, port: u16) {
        for _ in 0..1_200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the emulator does not answer");
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A Python that has the pinned emulator, installed once for all tests.
fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let settings = LocalSettings {
            endpoint: None,
            ..LocalSettings::from_env(env!("CARGO_TARGET_TMPDIR").as_ref(), 0, "python3")
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let installed = runtime.block_on(Emulator::new(settings).install(&|_| {}));
        installed.expect("an emulator")
    })
}
