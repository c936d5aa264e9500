//! Which compilers and linkers this machine has.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use super::ArtifactError;

/// Everything the choice of a build command depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toolchain {
    pub cargo: OsString,
    /// The machine's own target.
    pub host: String,
    pub cargo_lambda: bool,
    /// The standard library of the wanted target is there.
    pub has_target: bool,
    /// What links for the wanted target, if anything does.
    pub linker: Option<Linker>,
    /// The user's own compiler flags.
    pub flags: Vec<String>,
    /// Folders whose paths the compiler would write into the executable.
    pub folders: Folders,
}

/// Where a linker comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Linker {
    /// Named in cargo's own configuration or environment; cargo finds it itself.
    Cargos,
    /// To be named to cargo.
    Program(OsString),
}

/// Folders that differ from machine to machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folders {
    pub workspace: PathBuf,
    pub target: PathBuf,
    pub cargo_home: PathBuf,
}

/// Between two flags in CARGO_ENCODED_RUSTFLAGS, so that paths may hold spaces.
pub(super) const SEPARATOR: char = '\u{1f}';

/// The cargo that runs this program, else the one in PATH.
pub(super) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Usual names of C compilers that link for a target.
pub(super) fn usual_linkers(target: &str) -> &'static [&'static str] {
    match target {
        "aarch64-unknown-linux-musl" => {
            &["aarch64-linux-musl-gcc", "aarch64-unknown-linux-musl-gcc"]
        }
        _ => &["aarch64-linux-gnu-gcc", "aarch64-unknown-linux-gnu-gcc"],
    }
}

/// The variable by which cargo is told a target's linker.
pub(super) fn linker_variable(target: &str) -> String {
    let target = target.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{target}_LINKER")
}

impl Toolchain {
    /// Asks the machine what it has for a target.
    pub async fn find(workspace: &Path, target: &str) -> Result<Self, ArtifactError> {
        let cargo = cargo();
        let metadata = metadata(&cargo, workspace).await?;
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let about = ask(&rustc, &["-vV"], workspace).await?;
        let host = about
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap_or_default()
            .to_owned();
        let libdir = ["--print", "target-libdir", "--target", target];
        let libdir = ask(&rustc, &libdir, workspace).await.unwrap_or_default();
        let cargo_home = cargo_home(workspace);
        Ok(Self {
            cargo,
            host,
            cargo_lambda: in_path("cargo-lambda").is_some()
                || cargo_home.join("bin/cargo-lambda").is_file(),
            has_target: holds_std(Path::new(libdir.trim())),
            linker: linker(workspace, &cargo_home, target),
            flags: flags(),
            folders: Folders {
                workspace: metadata.workspace_root,
                target: metadata.target_directory,
                cargo_home,
            },
        })
    }
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

async fn metadata(cargo: &OsString, workspace: &Path) -> Result<Metadata, ArtifactError> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    let said = ask(cargo, &args, workspace).await?;
    serde_json::from_str(&said).map_err(|source| ArtifactError::Asking {
        command: format!("{} metadata", cargo.display()),
        said: source.to_string(),
    })
}

/// What a program prints on its standard output.
async fn ask(program: &OsString, args: &[&str], folder: &Path) -> Result<String, ArtifactError> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| ArtifactError::NoCargo {
            program: program.display().to_string(),
            source,
        })?;
    if !output.status.success() {
        return Err(ArtifactError::Asking {
            command: format!("{} {}", program.display(), args.join(" ")),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What cargo would take from the environment, encoded or plain.
fn flags() -> Vec<String> {
    let read = |name, separator: char| {
        let text = env::var(name).ok()?;
        let flags = text.split(separator).filter(|flag| !flag.is_empty());
        Some(flags.map(str::to_owned).collect())
    };
    read("CARGO_ENCODED_RUSTFLAGS", SEPARATOR)
        .or_else(|| read("RUSTFLAGS", ' '))
        .unwrap_or_default()
}

fn holds_std(libdir: &Path) -> bool {
    let Ok(entries) = libdir.read_dir() else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("libstd-")
    })
}

fn cargo_home(workspace: &Path) -> PathBuf {
    match env::var_os("CARGO_HOME") {
        Some(home) => workspace.join(home),
        None => env::home_dir().unwrap_or_default().join(".cargo"),
    }
}

/// The first linker that is there: cargo's environment, cargo's configuration, the usual names.
fn linker(workspace: &Path, cargo_home: &Path, target: &str) -> Option<Linker> {
    let configured = env::var_os(linker_variable(target)).is_some()
        || workspace
            .ancestors()
            .map(|folder| folder.join(".cargo"))
            .chain([cargo_home.to_owned()])
            .any(|folder| names_linker(&folder.join("config.toml"), target));
    if configured {
        return Some(Linker::Cargos);
    }
    usual_linkers(target)
        .iter()
        .find_map(|name| in_path(name))
        .map(|path| Linker::Program(path.into()))
}

fn names_linker(config: &Path, target: &str) -> bool {
    let text = std::fs::read_to_string(config).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let linker = table
        .get("target")
        .and_then(|targets| targets.get(target)?.get("linker"));
    linker.is_some()
}

fn in_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}
