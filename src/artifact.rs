//! Builds the two Lambda functions and zips them, byte for byte reproducibly.
//!
//! For the emulator of this machine they are built as payhook itself is; for AWS they are built for
//! arm64, and nothing else is ever handed on.

mod compile;
mod digest;
mod elf;
mod error;
mod keep;
mod package;
mod recipe;
mod toolchain;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config;

pub use elf::{Glibc, Machine};
pub use error::ArtifactError;
pub use keep::{forget, keep, kept};

use digest::{Digested, sha256, sha256_of};
use elf::Executable;
use package::Compression;
use recipe::{for_host, for_lambda};
use toolchain::Toolchain;

/// The packages of the functions, each with a program of the same name.
pub const FUNCTIONS: [&str; 2] = ["webhook-validator", "payment-processor"];

/// What to build, and where from and to.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder of the workspace's Cargo.toml.
    pub workspace: PathBuf,
    pub target: Target,
    /// Folder for the zips, `.payhook/artifacts`.
    pub out: PathBuf,
}

/// The machine that runs the functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This machine, through the emulator.
    Host,
    /// Lambda on Graviton.
    Arm64(config::Artifact),
}

/// One function, ready to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// One of [`FUNCTIONS`].
    pub function: &'static str,
    pub zip: PathBuf,
    /// Base64, comparable with Lambda's `CodeSha256`.
    pub code_sha256: String,
    /// Size of the zip in bytes.
    pub size: u64,
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A crate with its version.
    Compiling(String),
    /// A function.
    Zipping(&'static str),
}

/// Builds both functions in one go and zips them.
pub async fn build(
    request: &Request,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Vec<Artifact>, ArtifactError> {
    let recipe = match &request.target {
        Target::Host => for_host(toolchain::cargo()),
        Target::Arm64(settings) => {
            let tools = Toolchain::find(&request.workspace, settings.target.as_str()).await?;
            for_lambda(&tools, settings)?
        }
    };
    let programs = compile::compile(&recipe, &request.workspace, progress).await?;
    let mut artifacts = Vec::new();
    for function in FUNCTIONS {
        let program = programs
            .get(function)
            .ok_or_else(|| ArtifactError::NoProgram {
                function: function.into(),
                workspace: request.workspace.clone(),
            })?;
        progress(Progress::Zipping(function));
        artifacts.push(package(request, function, program)?);
    }
    Ok(artifacts)
}

/// With what the functions would be built for arm64: "cargo-lambda" or "cargo"; the error says what is missing.
pub async fn route(
    workspace: &Path,
    settings: &config::Artifact,
) -> Result<&'static str, ArtifactError> {
    let tools = Toolchain::find(workspace, settings.target.as_str()).await?;
    Ok(match for_lambda(&tools, settings)?.moved_to {
        Some(_) => "cargo-lambda",
        None => "cargo",
    })
}

/// Zips a program, unless the zip that is there was made of the same one.
fn package(
    request: &Request,
    function: &'static str,
    program: &Path,
) -> Result<Artifact, ArtifactError> {
    let (folder, compression, code) = match request.target {
        Target::Host => ("local", Compression::Fast, sha256_of(program)),
        Target::Arm64(_) => {
            let code = fs::read(program).map_err(failed("read", program))?;
            accept_for_lambda(function, program, &code)?;
            ("arm64", Compression::Small, sha256(&code[..]))
        }
    };
    let code = code.map_err(failed("read", program))?;
    let zip = request.out.join(folder).join(format!("{function}.zip"));
    let note = zip.with_extension("made-of");
    let made_of = format!("{} {compression:?} {code}", env!("CARGO_PKG_VERSION"));
    let known = fs::read_to_string(&note).is_ok_and(|known| known == made_of);
    if !known || !zip.is_file() {
        // Never a note beside a zip that it does not describe, wherever this is interrupted.
        match fs::remove_file(&note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("replace", &note)(error));
            }
            _ => {}
        }
        replace(&zip, |file| {
            zip_of(function, program, &code, compression, file)
        })?;
        let write = |file: &mut File| file.write_all(made_of.as_bytes());
        replace(&note, |file| write(file).map_err(failed("write", &note)))?;
    }
    let size = fs::metadata(&zip).map_err(failed("read", &zip))?.len();
    Ok(Artifact {
        function,
        code_sha256: sha256_of(&zip).map_err(failed("read", &zip))?,
        size,
        zip,
    })
}

/// Zips the program of this digest and no other: another build may replace it between two looks at it.
fn zip_of(
    function: &str,
    program: &Path,
    code: &str,
    compression: Compression,
    into: &mut File,
) -> Result<(), ArtifactError> {
    let file = File::open(program).map_err(failed("read", program))?;
    let mut digested = Digested::new(file);
    package::zip(function, &mut digested, compression, into)?;
    match digested.sha256() == code {
        true => Ok(()),
        false => {
            let changed = io::Error::other("it has changed meanwhile; is it being built twice?");
            Err(failed("read", program)(changed))
        }
    }
}

/// Refuses what would be uploaded without an error and then fail at its first invocation.
fn accept_for_lambda(function: &str, path: &Path, code: &[u8]) -> Result<(), ArtifactError> {
    let executable = Executable::read(code).ok_or_else(|| ArtifactError::NotLinux {
        function: function.into(),
        path: path.into(),
    })?;
    if executable.machine != Machine::Aarch64 {
        return Err(ArtifactError::WrongMachine {
            function: function.into(),
            found: executable.machine,
            wanted: Machine::Aarch64,
        });
    }
    match executable.glibc {
        Some(found) if found > Glibc::AL2023 => Err(ArtifactError::GlibcTooNew {
            function: function.into(),
            found,
        }),
        _ => Ok(()),
    }
}

/// Puts a whole file in the place of another, so that no reader ever sees half of one.
fn replace(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), ArtifactError>,
) -> Result<(), ArtifactError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    let written = path.with_added_extension(std::process::id().to_string());
    let mut file = File::create(&written).map_err(failed("write", &written))?;
    if let Err(error) = write(&mut file) {
        let _ = fs::remove_file(&written);
        return Err(error);
    }
    fs::rename(&written, path).map_err(failed("write", path))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArtifactError {
    move |source| ArtifactError::Io {
        action,
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    fn accept(code: &[u8]) -> Result<(), ArtifactError> {
        accept_for_lambda(
            "webhook-validator",
            Path::new("target/webhook-validator"),
            code,
        )
    }

    #[test]
    fn a_program_that_changes_while_it_is_looked_at_is_not_zipped_for_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let zip = |code: &str| {
            let mut into = File::create(folder.path().join("zip")).unwrap();
            zip_of("f", &program, code, Compression::Fast, &mut into)
        };
        fs::write(&program, b"one").unwrap();
        let one = sha256_of(&program).unwrap();
        zip(&one).unwrap();
        fs::write(&program, b"two").unwrap();
        let refused = zip(&one).unwrap_err();
        assert!(matches!(refused, ArtifactError::Io { action: "read", .. }));
    }

    #[test]
    fn only_arm64_linux_programs_are_accepted_for_lambda() {
        assert!(accept(&elf(183)).is_ok());
        let wrong = accept(&elf(62)).unwrap_err();
        assert!(matches!(
            wrong,
            ArtifactError::WrongMachine {
                found: Machine::X86_64,
                ..
            }
        ));
        assert!(matches!(
            accept(b"#!/bin/sh"),
            Err(ArtifactError::NotLinux { .. })
        ));
    }
}
