//! A Python that has the pinned emulator: the one given, or a private environment made once.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;

use crate::local::error::LocalError;
use crate::local::launcher::{EMULATOR_VERSION, REQUIREMENTS};

/// The oldest Python the emulator runs on.
pub(super) const OLDEST_PYTHON: &str = "3.10";
const OLDEST: (u32, u32) = (3, 10);

/// The Python of this system, whatever its version; newer ones stand beside it under names of their own.
const SYSTEM_PYTHON: &str = "python3";
const NAMES: [&str; 6] = [
    SYSTEM_PYTHON,
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];
const ASK_VERSION: &str = "import sys; print('%d.%d' % sys.version_info[:2])";
const ASK_VENV: &str = "import ensurepip, venv";
// The SDK speaks CBOR to CloudWatch, which the emulator understands only with a package it does not itself require.
const ASK_EMULATOR: &str = "import cbor2, importlib.metadata as m; print(m.version('ministack'))";

const QUESTION_LIMIT: Duration = Duration::from_secs(20);
const VENV_LIMIT: Duration = Duration::from_secs(120);
const PIP_LIMIT: Duration = Duration::from_secs(600);

/// Where the private environment is, and whether it must be made first.
pub(super) struct Environment {
    dir: PathBuf,
}

impl Environment {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The environment's Python, when it was made completely and for these very requirements.
    pub(super) fn ready(&self) -> Option<PathBuf> {
        let made_for = std::fs::read_to_string(self.marker()).ok()?;
        let python = self.python();
        (made_for == REQUIREMENTS && python.exists()).then_some(python)
    }

    /// Makes the environment from scratch, with the Python named, and installs the emulator in it.
    pub(super) async fn make(&self, python: &str) -> Result<PathBuf, LocalError> {
        let base = if python == SYSTEM_PYTHON {
            Base::find(&NAMES).await?
        } else {
            Base::find(&[python]).await?
        };
        self.make_with(&base).await
    }

    async fn make_with(&self, base: &Base) -> Result<PathBuf, LocalError> {
        self.create(base).await?;
        self.install().await?;
        let marker = self.marker();
        std::fs::write(&marker, REQUIREMENTS).map_err(LocalError::io("write", marker))?;
        Ok(self.python())
    }

    async fn create(&self, base: &Base) -> Result<(), LocalError> {
        let mut command = Command::new(&base.0);
        command.args(["-I", "-m", "venv", "--clear"]).arg(&self.dir);
        let output = run(command, "python -m venv", VENV_LIMIT).await?;
        let output = output.map_err(|source| LocalError::VenvFailed {
            python: base.0.clone(),
            dir: self.dir.clone(),
            said: source.to_string(),
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(LocalError::VenvFailed {
            python: base.0.clone(),
            dir: self.dir.clone(),
            said: last_words(&output),
        })
    }

    async fn install(&self) -> Result<(), LocalError> {
        let requirements = self.dir.join("requirements.txt");
        std::fs::write(&requirements, REQUIREMENTS)
            .map_err(LocalError::io("write", &requirements))?;
        let mut command = Command::new(self.python());
        command
            .args(["-I", "-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(&requirements);
        let output = run(command, "pip install", PIP_LIMIT).await?;
        let output = output.map_err(|source| LocalError::PipFailed {
            said: source.to_string(),
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(LocalError::PipFailed {
            said: last_words(&output),
        })
    }

    fn python(&self) -> PathBuf {
        self.dir.join("bin").join("python")
    }

    fn marker(&self) -> PathBuf {
        self.dir.join("made-for.txt")
    }
}

/// Accepts the Python named by PAYHOOK_EMULATOR_PYTHON if it has exactly the pinned emulator.
pub(super) async fn check_given(python: &Path) -> Result<PathBuf, LocalError> {
    let found = ask(&python.to_string_lossy(), ASK_EMULATOR).await;
    if found.as_deref() == Some(EMULATOR_VERSION) {
        return Ok(python.to_owned());
    }
    Err(LocalError::GivenPython {
        python: python.to_owned(),
        found,
    })
}

/// A Python of this system that can make environments.
#[derive(Debug)]
struct Base(String);

impl Base {
    /// Takes the first of `names` that runs and is new enough.
    async fn find(names: &[&str]) -> Result<Self, LocalError> {
        let mut too_old = None;
        for name in names {
            let Some(version) = ask(name, ASK_VERSION).await else {
                continue;
            };
            if parse(&version) < Some(OLDEST) {
                too_old.get_or_insert(LocalError::PythonTooOld {
                    python: (*name).to_owned(),
                    version,
                });
            } else if ask(name, ASK_VENV).await.is_some() {
                return Ok(Self((*name).to_owned()));
            } else {
                return Err(LocalError::VenvMissing {
                    python: (*name).to_owned(),
                });
            }
        }
        Err(too_old.unwrap_or_else(|| LocalError::NoPython {
            tried: names.iter().map(|name| (*name).to_owned()).collect(),
        }))
    }
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What `python -c code` prints; none when it cannot be run or fails.
async fn ask(python: &str, code: &str) -> Option<String> {
    let mut command = Command::new(python);
    command.args(["-I", "-c", code]);
    let output = run(command, python, QUESTION_LIMIT).await.ok()?.ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}

async fn run(
    mut command: Command,
    what: &str,
    limit: Duration,
) -> Result<std::io::Result<Output>, LocalError> {
    command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    tokio::time::timeout(limit, command.output())
        .await
        .map_err(|_| LocalError::InstallTimedOut {
            what: what.to_owned(),
            waited: limit,
        })
}

/// The end of what a failed command said, where the cause stands.
fn last_words(output: &Output) -> String {
    let said = if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    last_lines(&String::from_utf8_lossy(said), 4)
}

/// The last `count` lines that say something.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that answers like a Python: what it prints for each question, and with which exit code.
    fn fake_python(dir: &Path, script: &str) -> String {
        let path = dir.join("python").to_string_lossy().into_owned();
        // Written by a child: a file this process holds open for writing cannot be run by a concurrent test's fork.
        let written = std::process::Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod +x "$2""#,
            ])
            .args(["sh", script, &path])
            .status()
            .expect("sh");
        assert!(written.success());
        path
    }

    #[tokio::test]
    async fn no_python_at_all_says_what_was_tried_and_what_to_do() {
        let error = Base::find(&["no-such-python"]).await.expect_err("error");
        let text = error.to_string();
        assert!(
            text.contains("no-such-python") && text.contains("3.10"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn an_old_python_is_refused_with_its_version() {
        let dir = tempfile::tempdir().expect("tempdir");
        let python = fake_python(dir.path(), "echo 3.9");
        let error = Base::find(&[&python]).await.expect_err("error");
        assert!(error.to_string().contains("Python 3.9"), "{error}");
    }

    #[tokio::test]
    async fn a_newer_python_is_taken_when_the_first_one_is_too_old() {
        let dir = tempfile::tempdir().expect("tempdir");
        let other = tempfile::tempdir().expect("tempdir");
        let old = fake_python(dir.path(), "echo 3.9");
        let new = fake_python(other.path(), "echo 3.12");
        assert_eq!(Base::find(&[&old, &new]).await.expect("found").0, new);
    }

    #[tokio::test]
    async fn a_python_without_venv_names_the_package_to_install() {
        let dir = tempfile::tempdir().expect("tempdir");
        let python = fake_python(
            dir.path(),
            "case \"$3\" in *ensurepip*) exit 1;; *) echo 3.11;; esac",
        );
        let error = Base::find(&[&python]).await.expect_err("error");
        assert!(error.to_string().contains("python3-venv"), "{error}");
    }

    #[tokio::test]
    async fn a_failing_pip_leaves_an_environment_that_is_not_ready() {
        let dir = tempfile::tempdir().expect("tempdir");
        let venv = dir.path().join("venv");
        let script = format!(
            "mkdir -p {0}/bin; printf '#!/bin/sh\\necho no such index >&2; exit 1' > {0}/bin/python; chmod +x {0}/bin/python",
            venv.display()
        );
        let base = Base(fake_python(dir.path(), &script));
        let environment = Environment::new(venv);
        let error = environment.make_with(&base).await.expect_err("error");
        assert!(error.to_string().contains("no such index"), "{error}");
        assert_eq!(environment.ready(), None);
    }

    #[tokio::test]
    async fn an_environment_made_for_other_requirements_is_not_ready() {
        let dir = tempfile::tempdir().expect("tempdir");
        std::fs::create_dir(dir.path().join("bin")).expect("mkdir");
        std::fs::write(dir.path().join("bin/python"), "").expect("write");
        let environment = Environment::new(dir.path().to_owned());
        std::fs::write(environment.marker(), REQUIREMENTS).expect("write");
        assert!(environment.ready().is_some());
        std::fs::write(environment.marker(), "ministack==1.0.0").expect("write");
        assert_eq!(environment.ready(), None);
    }

    #[tokio::test]
    async fn a_given_python_with_another_emulator_version_is_refused_with_both_versions() {
        let dir = tempfile::tempdir().expect("tempdir");
        let python = fake_python(dir.path(), "echo 1.4.0");
        let error = check_given(Path::new(&python)).await.expect_err("error");
        let text = error.to_string();
        assert!(
            text.contains("1.4.0") && text.contains(EMULATOR_VERSION),
            "{text}"
        );
    }
}
