//! `payhook signature check FILE`: says of each recorded request whether it verifies, and if not, why.

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use payments::vectors::{self, NotVectors};

use super::{Exit, Ui};

/// Verify recorded webhooks offline and say why one is rejected.
#[derive(Debug, Args)]
pub struct Signature {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print one JSON line per vector: its id, and valid or why not; never a secret.
    ///
    /// FILE holds a JSON list of vectors, or one vector a line, each with `id`, `provider`, `secret`, `headers` and `body`,
    /// and if need be `url`, `now` (seconds since 1970, or RFC 3339), `tolerance` (seconds) and `config` (for generic_hmac).
    /// PayPal's need `certs` (PEM by address; `intermediates` and `roots` replace what the functions trust), Plaid's `jwks`
    /// (web keys by id). A vector that cannot be tried is told as `malformed_vector` or `unknown_provider`. The exit code is 0 whatever the
    /// verdicts are, and 2 where FILE holds no vectors.
    Check {
        /// File with the vectors; `-` reads standard input.
        file: PathBuf,
    },
}

impl Signature {
    pub fn run(self, ui: &Ui) -> anyhow::Result<Exit> {
        let What::Check { file } = self.what;
        ui.raw(&check(&read(&file)?, Timestamp::now())?);
        Ok(Exit::Done)
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.context("cannot read standard input")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text(bytes)?)
}

fn text(bytes: Vec<u8>) -> Result<String, NotVectors> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        NotVectors::after(&String::from_utf8_lossy(&error.as_bytes()[..good]))
    })
}

/// One JSON line per vector of the file's text: its id, and `valid` or the kind of the error and its reason. Secrets never
/// appear.
pub fn check(text: &str, clock: Timestamp) -> Result<String, NotVectors> {
    let mut lines = String::new();
    for verdict in vectors::check(text, clock)? {
        // Writing into a string cannot fail, nor can four texts fail to become JSON.
        if let Ok(line) = serde_json::to_string(&verdict) {
            let _ = writeln!(lines, "{line}");
        }
    }
    Ok(lines)
}
