//! A folder with its own infra.toml, its own emulator and the real binary, as a user has it after cloning.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use payhook::local::{Emulator, LocalSettings};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const SHIPPED: &str = include_str!("../../infra.toml");

/// Everything a test changes in infra.toml: dotted key and value.
pub type Settings<'a> = &'a [(&'a str, toml::Value)];

/// Ended and removed when the process ends, since what all tests share is never dropped.
static PLACES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

pub struct Place {
    folder: PathBuf,
    python: PathBuf,
    port: u16,
}

impl Place {
    /// The shipped infra.toml with a free port and these settings.
    pub fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder").keep();
        remember(&folder);
        let place = Self {
            folder,
            python: python(),
            port: free_port(),
        };
        place.write_cargo();
        place.configure(settings);
        place
    }

    /// Writes infra.toml anew: as shipped, but for these settings.
    pub fn configure(&self, settings: Settings) {
        let mut config: toml::Table = SHIPPED.parse().expect("the shipped file");
        set(&mut config, "local.port", i64::from(self.port).into());
        for (key, value) in settings {
            set(&mut config, key, value.clone());
        }
        fs::write(self.config_file(), config.to_string()).expect("infra.toml");
    }

    /// Where this place's emulator answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where everything that payhook knows of the stack is kept.
    pub fn state(&self) -> PathBuf {
        self.folder.join(".payhook").join("state")
    }

    /// Its infra.toml.
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("infra.toml")
    }

    pub fn outputs_file(&self) -> PathBuf {
        self.folder.join("cfn-outputs").join("flat-outputs.json")
    }

    /// Runs payhook for the local environment.
    pub fn payhook(&self, words: &str) -> Output {
        self.run(words, None, "")
    }

    /// The same with AWS_ENDPOINT_URL.
    pub fn payhook_at(&self, endpoint: &str, words: &str) -> Output {
        self.run(words, Some(endpoint), "")
    }

    /// Runs payhook with a text on standard input and expects success.
    pub fn tell(&self, words: &str, input: &str) {
        succeeded(&self.run(words, None, input));
    }

    fn run(&self, words: &str, endpoint: Option<&str>, input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payhook"));
        command
            .args(words.split(' '))
            .args(["--env", "local"])
            .current_dir(&self.folder)
            .env("CARGO", self.cargo())
            .env("PAYHOOK_EMULATOR_PYTHON", &self.python)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // The user's own account has no part in this.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.envs(endpoint.map(|url| ("AWS_ENDPOINT_URL", url)));
        let mut child = command.spawn().expect("payhook starts");
        let mut stdin = child.stdin.take().expect("its input");
        // A verb that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("payhook ends")
    }

    fn cargo(&self) -> PathBuf {
        self.folder.join("cargo")
    }

    /// Stands for cargo, since the functions' sources are in the repository and not in this folder.
    fn write_cargo(&self) {
        let real = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let script = format!("#!/bin/sh\ncd '{REPOSITORY}' && exec '{real}' \"$@\"\n");
        fs::write(self.cargo(), script).expect("the script");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.cargo(), executable).expect("its permissions");
    }
}

/// What a command printed, when it ended well.
pub fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{notes}{said}", output.status);
    said
}

fn set(config: &mut toml::Table, key: &str, value: toml::Value) {
    match key.split_once('.') {
        None => {
            config.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = config
                .entry(section)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            set(section.as_table_mut().expect("a section"), rest, value);
        }
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A Python that has the pinned emulator, installed once for all tests.
fn python() -> PathBuf {
    let install = async {
        let folder: &Path = env!("CARGO_TARGET_TMPDIR").as_ref();
        let settings = LocalSettings {
            endpoint: None,
            ..LocalSettings::from_env(folder, 0, "python3")
        };
        Emulator::new(settings).install(&|_| {}).await
    };
    // The caller may be a test with a runtime of its own, in which no other may run.
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(install)
    });
    thread.join().expect("the thread").expect("an emulator")
}

fn remember(folder: &Path) {
    let mut places = PLACES.lock().expect("the places");
    if places.is_empty() {
        // SAFETY: the handler is a plain function that never unwinds.
        unsafe { libc::atexit(end_all) };
    }
    places.push(folder.to_owned());
}

extern "C" fn end_all() {
    let Ok(places) = PLACES.lock() else { return };
    for folder in places.iter() {
        if let Some(pid) = emulator_pid(folder) {
            // SAFETY: kill takes two integers; the emulator leads a process group of its own.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
        }
        let _ = fs::remove_dir_all(folder);
    }
}

fn emulator_pid(folder: &Path) -> Option<i32> {
    let record = fs::read(folder.join(".payhook/emulator/emulator.pid")).ok()?;
    let record: serde_json::Value = serde_json::from_slice(&record).ok()?;
    record["pid"].as_i64()?.try_into().ok()
}
