//! The one command that compiles both functions.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::{self, Builder};

use super::toolchain::{Linker, SEPARATOR, Toolchain, linker_variable, usual_linkers};
use super::{ArtifactError, FUNCTIONS};

/// A command line with what its environment must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipe {
    pub program: OsString,
    pub args: Vec<OsString>,
    pub env: Vec<(String, OsString)>,
    /// Where each program is left as `NAME/bootstrap`, if not where cargo says.
    pub moved_to: Option<PathBuf>,
}

/// For the emulator of this machine: this machine's target and the profile payhook itself was built in.
///
/// The whole workspace is selected although only two programs are built, because cargo compiles a
/// dependency with the features that the selected packages ask for: with the selection of `cargo run`,
/// what was compiled for payhook serves the functions too.
pub(super) fn for_host(cargo: OsString) -> Recipe {
    let mut args = words("build --message-format=json --workspace");
    args.extend(each("--bin"));
    Recipe {
        program: cargo,
        args,
        // An incremental build may cut the code differently each time, and then hash differently.
        env: vec![("CARGO_INCREMENTAL".into(), "0".into())],
        moved_to: None,
    }
}

/// For AWS: arm64, optimised, the same bytes from every folder.
pub(super) fn for_lambda(
    tools: &Toolchain,
    artifact: &config::Artifact,
) -> Result<Recipe, ArtifactError> {
    let target = artifact.target.as_str();
    match artifact.builder {
        Builder::CargoLambda if !tools.cargo_lambda => Err(ArtifactError::NoCargoLambda),
        Builder::CargoLambda => Ok(cargo_lambda(tools, target)),
        Builder::Auto if tools.cargo_lambda => Ok(cargo_lambda(tools, target)),
        Builder::Auto | Builder::Cargo => plain_cargo(tools, artifact, target),
    }
}

/// cargo-lambda's own optimisations are left out: the workspace's release profile says it all, panics included.
fn cargo_lambda(tools: &Toolchain, target: &str) -> Recipe {
    let folder = tools.folders.target.join("lambda");
    let mut args =
        words("lambda build --disable-optimizations --message-format=json --release --target");
    args.extend([target.into(), "--lambda-dir".into(), folder.clone().into()]);
    args.extend(each("--package"));
    Recipe {
        program: tools.cargo.clone(),
        args,
        env: vec![rustflags(tools)],
        moved_to: Some(folder),
    }
}

fn plain_cargo(
    tools: &Toolchain,
    artifact: &config::Artifact,
    target: &str,
) -> Result<Recipe, ArtifactError> {
    if !tools.has_target {
        return Err(ArtifactError::NoTarget {
            target: target.into(),
        });
    }
    let stated = artifact
        .linker
        .as_ref()
        .map(|program| Linker::Program(program.as_str().into()));
    let linker = stated.or_else(|| tools.linker.clone());
    let mut env = vec![rustflags(tools)];
    match linker {
        Some(Linker::Program(program)) => {
            env.push((format!("CC_{}", target.replace('-', "_")), program.clone()));
            env.push((linker_variable(target), program));
        }
        Some(Linker::Cargos) => {}
        None if tools.host == target => {}
        None => {
            return Err(ArtifactError::NoLinker {
                target: target.into(),
                looked_for: usual_linkers(target)
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            });
        }
    }
    let mut args = words("build --message-format=json --release --target");
    args.push(target.into());
    args.extend(each("--package"));
    Ok(Recipe {
        program: tools.cargo.clone(),
        args,
        env,
        moved_to: None,
    })
}

/// Flags that keep folders out of the executable and use what every Graviton of Lambda has.
fn rustflags(tools: &Toolchain) -> (String, OsString) {
    let folders = &tools.folders;
    // The compiler applies the last prefix that fits, so the outermost folder comes first.
    let remaps = [
        (&folders.cargo_home, "/cargo"),
        (&folders.workspace, "/workspace"),
        (&folders.target, "/target"),
    ];
    let mut flags = OsString::from("-Ctarget-cpu=neoverse-n1");
    for (folder, name) in remaps {
        flags.push(format!("{SEPARATOR}--remap-path-prefix="));
        flags.push(folder);
        flags.push(format!("={name}"));
    }
    for flag in &tools.flags {
        flags.push(format!("{SEPARATOR}{flag}"));
    }
    ("CARGO_ENCODED_RUSTFLAGS".into(), flags)
}

fn words(text: &str) -> Vec<OsString> {
    text.split(' ').map(Into::into).collect()
}

fn each(option: &str) -> impl Iterator<Item = OsString> {
    FUNCTIONS
        .iter()
        .flat_map(move |name| [option.into(), name.into()])
}

#[cfg(test)]
mod tests {
    use super::super::toolchain::Folders;
    use super::*;
    use crate::config::{ArmTarget, Program};

    const ARM: &str = "aarch64-unknown-linux-gnu";

    fn bare() -> Toolchain {
        Toolchain {
            cargo: "cargo".into(),
            host: "x86_64-unknown-linux-gnu".into(),
            cargo_lambda: false,
            has_target: false,
            linker: None,
            flags: vec!["-Cdebuginfo=0".into()],
            folders: Folders {
                workspace: "/home/me/my code".into(),
                target: "/home/me/my code/target".into(),
                cargo_home: "/home/me/.cargo".into(),
            },
        }
    }

    fn settings(builder: Builder) -> config::Artifact {
        config::Artifact {
            builder,
            target: ArmTarget::Gnu,
            linker: None,
        }
    }

    fn shown(recipe: &Recipe) -> String {
        let args: Vec<_> = recipe
            .args
            .iter()
            .map(|arg| arg.to_string_lossy())
            .collect();
        let mut text = format!("{} {}\n", recipe.program.display(), args.join(" "));
        for (name, value) in &recipe.env {
            let value = value.to_string_lossy().replace(SEPARATOR, " | ");
            text.push_str(&format!("{name}={value}\n"));
        }
        text
    }

    #[test]
    fn a_cross_linker_makes_cargo_build_both_functions_for_arm64_at_once() {
        let tools = Toolchain {
            has_target: true,
            linker: Some(Linker::Program("aarch64-linux-gnu-gcc".into())),
            ..bare()
        };
        insta::assert_snapshot!(shown(
            &for_lambda(&tools, &settings(Builder::Auto)).unwrap()
        ));
    }

    #[test]
    fn cargo_lambda_is_taken_where_it_is_installed_unless_cargo_is_asked_for() {
        let tools = Toolchain {
            cargo_lambda: true,
            has_target: true,
            linker: Some(Linker::Cargos),
            ..bare()
        };
        let second = |builder| for_lambda(&tools, &settings(builder)).unwrap().args[0].clone();
        insta::assert_snapshot!(shown(
            &for_lambda(&tools, &settings(Builder::Auto)).unwrap()
        ));
        assert_eq!(second(Builder::Auto), "lambda");
        assert_eq!(second(Builder::CargoLambda), "lambda");
        assert_eq!(second(Builder::Cargo), "build");
    }

    #[test]
    fn the_linker_of_infra_toml_wins_over_one_that_was_found() {
        let tools = Toolchain {
            has_target: true,
            linker: Some(Linker::Cargos),
            ..bare()
        };
        let artifact = config::Artifact {
            linker: Program::new("my-linker"),
            ..settings(Builder::Auto)
        };
        let recipe = for_lambda(&tools, &artifact).unwrap();
        assert!(
            recipe
                .env
                .contains(&(linker_variable(ARM), "my-linker".into()))
        );
    }

    #[test]
    fn a_machine_that_is_arm64_itself_needs_no_cross_linker() {
        let tools = Toolchain {
            host: ARM.into(),
            has_target: true,
            ..bare()
        };
        assert!(for_lambda(&tools, &settings(Builder::Auto)).is_ok());
    }

    #[test]
    fn what_is_missing_is_told_apart() {
        let with_target = Toolchain {
            has_target: true,
            ..bare()
        };
        let refused =
            |tools: &Toolchain, builder| for_lambda(tools, &settings(builder)).unwrap_err();
        let no_target = refused(&bare(), Builder::Auto);
        assert!(matches!(no_target, ArtifactError::NoTarget { .. }));
        let no_linker = refused(&with_target, Builder::Cargo);
        assert!(matches!(no_linker, ArtifactError::NoLinker { .. }));
        let no_cargo_lambda = refused(&with_target, Builder::CargoLambda);
        assert!(matches!(no_cargo_lambda, ArtifactError::NoCargoLambda));
    }

    #[test]
    fn for_this_machine_dependencies_are_those_of_payhook_itself() {
        insta::assert_snapshot!(shown(&for_host("cargo".into())));
    }
}
