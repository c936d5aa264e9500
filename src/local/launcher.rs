//! The launcher and its gap fills: small Python files that travel inside payhook and start the pinned emulator.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use crate::local::error::LocalError;

/// The one version of ministack the gap fills are written for.
pub const EMULATOR_VERSION: &str = "1.5.33";

/// What pip installs: the emulator and everything it needs, at fixed versions.
pub(super) const REQUIREMENTS: &str = include_str!("launcher/requirements.txt");

const FILES: [(&str, &str); 10] = [
    ("launcher.py", include_str!("launcher/launcher.py")),
    ("replace.py", include_str!("launcher/replace.py")),
    (
        "gaps_apigateway.py",
        include_str!("launcher/gaps_apigateway.py"),
    ),
    (
        "gaps_control_plane.py",
        include_str!("launcher/gaps_control_plane.py"),
    ),
    ("gaps_lambda.py", include_str!("launcher/gaps_lambda.py")),
    (
        "gaps_permissions.py",
        include_str!("launcher/gaps_permissions.py"),
    ),
    ("gaps_pipes.py", include_str!("launcher/gaps_pipes.py")),
    ("gaps_restart.py", include_str!("launcher/gaps_restart.py")),
    (
        "gaps_stepfunctions.py",
        include_str!("launcher/gaps_stepfunctions.py"),
    ),
    ("gaps_tagging.py", include_str!("launcher/gaps_tagging.py")),
];

/// Names the launcher's content, so that an emulator started by another payhook is recognised.
pub(super) fn launcher_digest() -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for (name, text) in FILES {
        context.update(name.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        context.update(&[0]);
    }
    hex::encode(&context.finish().as_ref()[..8])
}

/// Writes the launcher's files into `dir` and returns the one to start.
pub(super) fn write(dir: &Path) -> Result<PathBuf, LocalError> {
    std::fs::create_dir_all(dir).map_err(LocalError::io("create", dir))?;
    for (name, text) in FILES {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(LocalError::io("write", &path))?;
    }
    Ok(dir.join(FILES[0].0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirements_pin_the_version_the_gap_fills_are_written_for() {
        let pin = format!("ministack=={EMULATOR_VERSION}");
        assert!(REQUIREMENTS.lines().any(|line| line == pin));
    }

    #[test]
    fn every_requirement_is_pinned() {
        for line in REQUIREMENTS.lines() {
            assert!(line.contains("=="), "{line}");
        }
    }
}
