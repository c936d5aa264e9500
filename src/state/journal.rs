//! The journal's text form: one checksummed record a line, so that a torn or damaged line is recognised.

use super::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of the journal's format.
pub const VERSION: u32 = 1;

/// A journal that cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum JournalError {
    /// A line in the middle is damaged.
    #[error("line {line} of the journal is damaged: {why}")]
    Damaged {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a newer payhook.
    #[error(
        "line {line} of the journal has format {found}; this payhook knows formats up to {VERSION}"
    )]
    Newer {
        /// Line number, from 1.
        line: usize,
        /// Its format.
        found: u32,
    },
    /// A part of the journal is not there.
    #[error("segment {slot} of the journal is missing")]
    Missing {
        /// Which part, from 1.
        slot: u64,
    },
    /// Records that were written are not there any more.
    #[error("the journal ends with record {found}, but record {written} was written")]
    Shorter {
        /// The last record that is there.
        found: u64,
        /// The last record that was written.
        written: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    n: u64,
    #[serde(flatten)]
    record: T,
}

/// A decoded line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Position in the journal's whole life, from 1.
    pub number: u64,
    /// What it says.
    pub record: Record,
}

/// One line: CRC-32 of the JSON in eight hex digits, a space, the JSON, a line feed.
pub fn encode(number: u64, record: &Record) -> String {
    seal(&Envelope {
        v: VERSION,
        n: number,
        record,
    })
}

/// A checksummed line of anything that holds only text, numbers, lists and maps with text keys, which always serialise.
pub(super) fn seal(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// Decodes a journal and says how many of its bytes are records.
///
/// Only the last line can be torn, by a crash in the middle of its write; it never counted and is left out. A last line
/// that lacks nothing but its line feed, or whose line feed alone is damaged, is whole.
pub fn decode(bytes: &[u8]) -> Result<(Vec<Line>, usize), JournalError> {
    let mut lines = Vec::new();
    let mut valid = 0;
    let mut pieces = bytes
        .split_inclusive(|b| *b == b'\n')
        .enumerate()
        .peekable();
    while let Some((index, piece)) = pieces.next() {
        let last = pieces.peek().is_none();
        match decode_line(index + 1, piece) {
            Ok(line) => {
                check_sequence(index + 1, lines.last(), &line)?;
                lines.push(line);
                valid += piece.len();
            }
            // Only a line without its line feed can be torn: the line feed is written last.
            Err(JournalError::Damaged { .. }) if last && !piece.ends_with(b"\n") => {
                if let Some((line, length)) = unterminated(index + 1, piece)? {
                    check_sequence(index + 1, lines.last(), &line)?;
                    lines.push(line);
                    valid += length;
                }
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((lines, valid))
}

/// The record of a line without its line feed, if all of the record is there, and the record's length.
fn unterminated(line: usize, piece: &[u8]) -> Result<Option<(Line, usize)>, JournalError> {
    for length in [piece.len(), piece.len().saturating_sub(1)] {
        match decode_line(line, &[&piece[..length], b"\n"].concat()) {
            Ok(record) => return Ok(Some((record, length))),
            Err(JournalError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Decodes a journal and leaves it so that the next line can be appended to it.
pub fn mend(bytes: &mut Vec<u8>) -> Result<Vec<Line>, JournalError> {
    let (lines, valid) = decode(bytes)?;
    bytes.truncate(valid);
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    Ok(lines)
}

fn check_sequence(line: usize, before: Option<&Line>, this: &Line) -> Result<(), JournalError> {
    match before {
        Some(before) if this.number != before.number + 1 => Err(JournalError::Damaged {
            line,
            why: format!("record {} follows record {}", this.number, before.number),
        }),
        _ => Ok(()),
    }
}

fn decode_line(line: usize, piece: &[u8]) -> Result<Line, JournalError> {
    let envelope: Envelope<Record> = unseal(line, piece)?;
    Ok(Line {
        number: envelope.n,
        record: envelope.record,
    })
}

/// What a checksummed line holds; the line carries the format's version as `v`.
pub(super) fn unseal<T: DeserializeOwned>(line: usize, piece: &[u8]) -> Result<T, JournalError> {
    let damaged = |why: &str| JournalError::Damaged {
        line,
        why: why.to_owned(),
    };
    let text = piece
        .strip_suffix(b"\n")
        .ok_or_else(|| damaged("it has no end"))?;
    let text = std::str::from_utf8(text).map_err(|_| damaged("it is not UTF-8"))?;
    let (sum, json) = text
        .split_once(' ')
        .ok_or_else(|| damaged("it has no checksum"))?;
    let expected = format!("{:08x}", crc32fast::hash(json.as_bytes()));
    if sum != expected {
        return Err(damaged("its checksum does not match"));
    }
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    // Every line begins with its version; only one that is not of this version is looked at for its number alone.
    if !json.starts_with(&format!("{{\"v\":{VERSION},"))
        && let Ok(Version { v }) = serde_json::from_str(json)
        && v > VERSION
    {
        return Err(JournalError::Newer { line, found: v });
    }
    serde_json::from_str(json).map_err(|error| damaged(&format!("it is not a record: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Ending;
    use proptest::prelude::*;

    fn journal(records: usize) -> Vec<u8> {
        let record = |n| Record::Ended {
            run: n,
            at: "2026-01-01T00:00:00Z".into(),
            ending: Ending::Failed,
        };
        (1..=records as u64)
            .flat_map(|n| encode(n, &record(n)).into_bytes())
            .collect()
    }

    proptest! {
        #[test]
        fn every_prefix_of_a_journal_decodes_to_its_whole_lines(records in 1usize..6, cut in 0usize..2_000) {
            let whole = journal(records);
            let cut = cut.min(whole.len());
            // All but the line feed is a whole record.
            let complete = whole[..whole.len().min(cut + 1)].iter().filter(|b| **b == b'\n').count();
            let mut mended = whole[..cut].to_vec();
            let lines = mend(&mut mended).unwrap();
            prop_assert_eq!(lines.len(), complete);
            prop_assert_eq!(mended, journal(complete));
        }

        #[test]
        fn a_flipped_bit_is_an_error_or_loses_nothing(at in 0usize..10_000, bit in 0u8..8) {
            let mut bytes = journal(4);
            let original = decode(&bytes).unwrap().0;
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            match decode(&bytes) {
                Ok((lines, _)) => prop_assert_eq!(lines, original),
                Err(JournalError::Damaged { .. }) => {}
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }

    #[test]
    fn a_journal_of_a_newer_format_is_refused_by_its_number() {
        let json = r#"{"v":2,"n":1,"record":"somethingNew"}"#;
        let line = format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()));
        assert_eq!(
            decode(line.as_bytes()),
            Err(JournalError::Newer { line: 1, found: 2 })
        );
    }

    #[test]
    fn a_missing_line_is_noticed() {
        let whole = journal(3);
        let second = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
        let third = second + whole[second..].iter().position(|b| *b == b'\n').unwrap() + 1;
        let gap = [&whole[..second], &whole[third..]].concat();
        assert!(matches!(
            decode(&gap),
            Err(JournalError::Damaged { line: 2, .. })
        ));
    }
}
