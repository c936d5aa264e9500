//! Runs the build command and reads what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::recipe::Recipe;
use super::{ArtifactError, Progress};

/// The programs of a finished build, by name.
pub(super) type Programs = BTreeMap<String, PathBuf>;

/// Compiles, telling of each crate as its turn comes.
pub(super) async fn compile(
    recipe: &Recipe,
    workspace: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Programs, ArtifactError> {
    let mut child = start(recipe, workspace)?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let mut messages = Messages::default();
    let mut notes = Vec::new();
    tokio::join!(
        each_line(stdout, |line| messages.take(&line)),
        each_line(stderr, |line| {
            match line.trim_start().strip_prefix("Compiling ") {
                Some(name) => progress(Progress::Compiling(name.to_owned())),
                None => notes.push(line),
            }
        }),
    );
    let status = child.wait().await.map_err(|source| ArtifactError::Io {
        action: "wait for",
        path: PathBuf::from(&recipe.program),
        source,
    })?;
    if status.success() {
        let mut programs = messages.programs;
        if let Some(folder) = &recipe.moved_to {
            for (name, path) in &mut programs {
                *path = folder.join(name).join("bootstrap");
            }
        }
        return Ok(programs);
    }
    Err(ArtifactError::Compile {
        failed: messages.failed.into_iter().collect(),
        output: format!("{}{}", messages.errors, notes.join("\n")),
    })
}

fn start(recipe: &Recipe, workspace: &Path) -> Result<Child, ArtifactError> {
    let mut command = Command::new(&recipe.program);
    command
        .args(&recipe.args)
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| is_of_a_package(&name.to_string_lossy()))
    {
        command.env_remove(name);
    }
    command.envs(recipe.env.iter().map(|(name, value)| (name, value)));
    command.spawn().map_err(|source| ArtifactError::NoCargo {
        program: recipe.program.display().to_string(),
        source,
    })
}

/// `cargo run` describes payhook's own package in the environment, which is not for the functions' build.
fn is_of_a_package(variable: &str) -> bool {
    [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ]
    .iter()
    .any(|start| variable.starts_with(start))
}

async fn each_line(stream: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(String)) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        take(String::from_utf8_lossy(&line).into_owned());
    }
}

/// What cargo's JSON messages have told so far.
#[derive(Default)]
struct Messages {
    programs: Programs,
    failed: BTreeSet<String>,
    errors: String,
}

#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-artifact")]
    Built {
        target: Target,
        executable: Option<PathBuf>,
    },
    #[serde(rename = "compiler-message")]
    Said { target: Target, message: Diagnostic },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

impl Messages {
    fn take(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Message::Built {
                target,
                executable: Some(path),
            }) => {
                self.programs.insert(target.name, path);
            }
            Ok(Message::Said { target, message }) if message.level == "error" => {
                self.failed.insert(target.name);
                self.errors.push_str(&message.rendered.unwrap_or_default());
                self.errors.push('\n');
            }
            _ => {}
        }
    }
}
