//! `payhook signature check FILE`: says of each recorded request whether it verifies, and if not, why.

use std::fmt::Write;

use jiff::Timestamp;
use payments::vectors::{self, NotVectors};

/// One JSON line per vector of the file's text: its id, and `valid` or the kind of the error. Secrets never appear.
pub fn check(text: &str, clock: Timestamp) -> Result<String, NotVectors> {
    let mut lines = String::new();
    for verdict in vectors::check(text, clock)? {
        // Writing into a string cannot fail, nor can three texts fail to become JSON.
        if let Ok(line) = serde_json::to_string(&verdict) {
            let _ = writeln!(lines, "{line}");
        }
    }
    Ok(lines)
}
