//! A folder as just cloned, on a machine that reaches the emulator, and the processes that run in it.

use super::emulator::Stock;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SHIPPED: &str = include_str!("../../infra.toml");
/// Longer than any run takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An emulator, started where no runtime is at work, since looking for its Python needs one.
pub fn emulator() -> Stock {
    let starting = std::thread::spawn(Stock::start);
    starting.join().expect("an emulator")
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub said: String,
}

impl Ended {
    #[track_caller]
    pub fn well(self, what: &str) -> String {
        assert_eq!(self.code, Some(0), "{what}:\n{}", self.said);
        self.said
    }
}

pub struct Machine {
    folder: tempfile::TempDir,
    endpoint: String,
}

/// A payhook at work.
pub struct Running {
    child: Child,
    said: PathBuf,
}

impl Machine {
    /// A machine that calls what answers at `endpoint`.
    pub fn new(endpoint: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().expect("a folder"),
            endpoint: endpoint.to_owned(),
        };
        machine.write_cargo();
        machine.keeps_state_in("local");
        machine
    }

    /// The shipped configuration with this backend of the state.
    pub fn keeps_state_in(&self, backend: &str) {
        let shipped = "\nbackend = \"local\" ";
        assert!(SHIPPED.contains(shipped));
        let config = SHIPPED.replace(shipped, &format!("\nbackend = \"{backend}\" "));
        self.write("infra.toml", &config);
    }

    /// Forgets everything that runs have left here.
    pub fn forget(&self) {
        for made in [".payhook", "cfn-outputs"] {
            let _ = fs::remove_dir_all(self.path(made));
        }
    }

    /// Starts payhook for the local environment; nobody answers questions.
    pub fn start(&self, words: &str) -> Running {
        let said = self.path(&format!("said-{:?}", Instant::now()));
        let into = fs::File::create(&said).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_payhook"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        let child = command
            .args(words.split(' '))
            .args(["--env", "local"])
            .current_dir(self.folder.path())
            .env("CARGO", self.path("cargo"))
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(into.try_clone().expect("the file"))
            .stderr(into)
            .spawn()
            .expect("payhook starts");
        Running { child, said }
    }

    pub fn payhook(&self, words: &str) -> Ended {
        self.start(words).ended()
    }

    /// Both functions are a program of this size from now on.
    pub fn programs_have(&self, bytes: u64) {
        let program = fs::File::options().write(true).open(self.path("program"));
        let grown = program.and_then(|program| program.set_len(bytes));
        grown.expect("a larger program");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect(name);
    }

    /// Stands for cargo: both functions are one small program that is built already.
    fn write_cargo(&self) {
        self.write("program", "#!/bin/sh\n");
        let built = |function: &str| {
            let message = serde_json::json!({
                "reason": "compiler-artifact", "target": {"name": function}, "executable": self.path("program"),
            });
            format!("echo '{message}'\n")
        };
        let functions = ["webhook-validator", "payment-processor"].map(built);
        self.write("cargo", &format!("#!/bin/sh\n{}", functions.concat()));
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path("cargo"), executable).expect("its permissions");
    }
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: libc::c_int) {
        let pid = self.child.id().try_into().expect("a process id");
        // SAFETY: kill takes two integers; the process has not been waited for, so the id is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Waits until it has said this.
    pub fn until(&self, words: &str) {
        let start = Instant::now();
        while !self.said().contains(words) {
            assert!(
                start.elapsed() < PATIENCE,
                "never said {words}:\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it ends within this time.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if self.child.try_wait().expect("a child").is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub fn ended(mut self) -> Ended {
        if !self.ends_within(PATIENCE) {
            self.signal(libc::SIGKILL);
        }
        let status = self.child.wait().expect("a child");
        Ended {
            code: status.code(),
            said: self.said(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
