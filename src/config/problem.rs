//! What is wrong with infra.toml, said to the person who edits it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

/// Why no configuration came out of infra.toml.
#[derive(Debug, Error, Diagnostic)]
pub enum ConfigError {
    #[error("cannot read {}", path.display())]
    #[diagnostic(help(
        "run payhook in the folder that holds infra.toml, or name the file with --config"
    ))]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },

    #[error("{name} has {}", count(problems.len()))]
    Invalid {
        name: String,
        #[related]
        problems: Vec<Problem>,
    },

    #[error("AWS_ENDPOINT_URL is `{given}`, which is not an http or https address")]
    #[diagnostic(help(
        "set it to something like http://127.0.0.1:4566, or unset it to use infra.toml"
    ))]
    EndpointVariable { given: String },
}

fn count(problems: usize) -> String {
    match problems {
        1 => "a problem".into(),
        n => format!("{n} problems"),
    }
}

/// One thing to correct, with the place where it stands.
#[derive(Debug, Clone, Error, Diagnostic)]
#[error("{message}")]
pub struct Problem {
    pub message: String,
    #[source_code]
    file: NamedSource<Arc<String>>,
    #[label("{label}")]
    span: Option<SourceSpan>,
    label: String,
    #[help]
    pub help: Option<String>,
}

/// A problem before the file's text is attached to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub message: String,
    pub at: Option<Range<usize>>,
    pub label: String,
    pub help: Option<String>,
}

/// Everything found in one file, in the file's order and each thing once.
///
/// Every environment is resolved, so a mistake in the defaults is found once per environment.
pub(super) fn invalid(
    name: &str,
    text: &str,
    mut findings: Vec<Finding>,
    masked: &[Range<usize>],
) -> ConfigError {
    findings.sort_by_key(|f| f.at.as_ref().map_or(0, |at| at.start));
    let mut once: Vec<Finding> = Vec::new();
    for finding in findings {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    let shown = Arc::new(mask(text, masked));
    let problems = once
        .into_iter()
        .map(|f| Problem {
            message: f.message,
            file: NamedSource::new(name, Arc::clone(&shown)),
            span: f.at.map(SourceSpan::from),
            label: f.label,
            help: f.help,
        })
        .collect();
    ConfigError::Invalid {
        name: name.into(),
        problems,
    }
}

/// The text with some byte ranges starred out, all other bytes at their places.
fn mask(text: &str, ranges: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in ranges {
        for byte in bytes.get_mut(range.clone()).into_iter().flatten() {
            if *byte != b'\n' {
                *byte = b'*';
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The known name that was probably meant.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}
