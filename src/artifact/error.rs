//! What can go wrong between source code and zip, in the words of the person who has to put it right.

use std::io;
use std::path::PathBuf;

use super::elf::{Glibc, Machine};

/// Why the functions could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error(
        "cannot run `{program}`: {source}; payhook builds the functions with it, so install Rust, or put `{program}` \
         into PATH"
    )]
    NoCargo { program: String, source: io::Error },

    #[error("`{command}` failed: {said}")]
    Asking { command: String, said: String },

    #[error(
        "artifact.builder is \"cargo-lambda\", but cargo-lambda is not installed; install it with `pip install \
         cargo-lambda` or `cargo install cargo-lambda`, or set the builder to \"auto\" in infra.toml"
    )]
    NoCargoLambda,

    #[error(
        "the functions cannot be built for {target}: this Rust has no standard library for it\n\n{}",
        ways(target)
    )]
    NoTarget { target: String },

    #[error(
        "the functions cannot be built for {target}: no linker for it was found (looked for {})\n\n{}",
        looked_for.join(", "),
        ways(target)
    )]
    NoLinker {
        target: String,
        looked_for: Vec<String>,
    },

    #[error("{} not compile; cargo says:\n\n{output}", subject(failed))]
    Compile {
        /// The crates with errors; empty when cargo failed before it compiled one.
        failed: Vec<String>,
        output: String,
    },

    #[error(
        "cargo built no program called {function}; the workspace at {} must have a package of that name",
        workspace.display()
    )]
    NoProgram {
        function: String,
        workspace: PathBuf,
    },

    #[error(
        "{} is not a Linux executable, so Lambda cannot run it as {function}; build for aarch64 Linux (artifact.target in \
         infra.toml)",
        path.display()
    )]
    NotLinux { function: String, path: PathBuf },

    #[error(
        "{function} was built for {found}, but it is deployed as {wanted}; nothing was uploaded\nCheck artifact.target and \
         artifact.builder in infra.toml, and a `[build] target` in cargo's own configuration"
    )]
    WrongMachine {
        function: String,
        found: Machine,
        wanted: Machine,
    },

    #[error(
        "{function} needs {found}, but Lambda's provided.al2023 has {}; nothing was uploaded\nBuild with cargo-lambda, \
         or set artifact.target to \"aarch64-unknown-linux-musl\" in infra.toml, or build on an older Linux",
        Glibc::AL2023
    )]
    GlibcTooNew { function: String, found: Glibc },

    #[error(
        "{function} is {bytes} bytes {form}, and Lambda takes at most {largest}; nothing was uploaded\nLeave out \
         dependencies, or keep `strip` and `lto` in [profile.release] of Cargo.toml"
    )]
    TooLarge {
        function: String,
        form: &'static str,
        bytes: u64,
        largest: u64,
    },

    #[error("the zip of {function} could not be written: {source}")]
    Zip {
        function: String,
        source: zip::result::ZipError,
    },

    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

/// The ways to a compiler for the target, as commands.
fn ways(target: &str) -> String {
    let linker = match target {
        "aarch64-unknown-linux-musl" => {
            "and a C compiler that links for it, such as aarch64-linux-musl-gcc"
        }
        _ => {
            "apt-get install gcc-aarch64-linux-gnu      (or your system's package with aarch64-linux-gnu-gcc)"
        }
    };
    format!(
        "Either install cargo-lambda, which brings everything it needs:\n    \
         pip install cargo-lambda\n\
         or give cargo the target and a linker:\n    \
         rustup target add {target}\n    \
         {linker}\n\
         A linker with another name goes into artifact.linker of infra.toml. Then deploy again."
    )
}

fn subject(failed: &[String]) -> String {
    match failed {
        [] => "the functions do".into(),
        [one] => format!("{one} does"),
        [most @ .., last] => format!("{} and {last} do", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_target_or_linker_comes_with_the_commands_to_run() {
        let target = "aarch64-unknown-linux-gnu".to_owned();
        insta::assert_snapshot!(ArtifactError::NoTarget {
            target: target.clone()
        });
        insta::assert_snapshot!(ArtifactError::NoLinker {
            target,
            looked_for: vec![
                "aarch64-linux-gnu-gcc".into(),
                "aarch64-unknown-linux-gnu-gcc".into()
            ],
        });
    }

    #[test]
    fn a_program_for_another_machine_is_named_with_what_to_check() {
        insta::assert_snapshot!(ArtifactError::WrongMachine {
            function: "payment-processor".into(),
            found: Machine::X86_64,
            wanted: Machine::Aarch64,
        });
        insta::assert_snapshot!(ArtifactError::GlibcTooNew {
            function: "payment-processor".into(),
            found: Glibc {
                major: 2,
                minor: 38
            },
        });
    }

    #[test]
    fn the_crates_that_do_not_compile_are_named() {
        let error = |failed: &[&str]| ArtifactError::Compile {
            failed: failed.iter().map(ToString::to_string).collect(),
            output: "error[E0425]: ...".into(),
        };
        let first_line = |error: ArtifactError| error.to_string().lines().next().map(str::to_owned);
        let table = [
            (error(&[]), "the functions do not compile; cargo says:"),
            (
                error(&["webhook-validator"]),
                "webhook-validator does not compile; cargo says:",
            ),
            (error(&["a", "b"]), "a and b do not compile; cargo says:"),
        ];
        for (error, line) in table {
            assert_eq!(first_line(error).as_deref(), Some(line));
        }
    }
}
