//! One slot of the journal: a head line that says whose it is and what follows, then records.

use super::super::journal::{JournalError, VERSION, decode, encode, seal, unseal};
use super::{Line, Record, StateError};
use serde::{Deserialize, Serialize};

/// The first line of a segment or snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    v: u32,
    /// Slot; for a snapshot, the last slot in it.
    pub slot: u64,
    /// Which holder of the lock wrote it.
    pub epoch: u64,
    /// The same, unlike any other; a segment with the same head is the same segment.
    token: String,
    env: String,
    lines: usize,
}

/// What a segment or snapshot holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    pub head: Head,
    pub lines: Vec<Line>,
}

/// Who writes.
#[derive(Clone, Debug)]
pub(super) struct Author {
    pub env: String,
    pub epoch: u64,
    pub token: String,
}

/// The content of a segment whose first record has this number.
pub(super) fn compose(author: &Author, slot: u64, first: u64, records: &[Record]) -> Vec<u8> {
    let head = Head {
        v: VERSION,
        slot,
        epoch: author.epoch,
        token: author.token.clone(),
        env: author.env.clone(),
        lines: records.len(),
    };
    let lines = (first..).zip(records);
    let lines = lines.map(|(number, record)| encode(number, record));
    [seal(&head)]
        .into_iter()
        .chain(lines)
        .collect::<String>()
        .into_bytes()
}

/// Reads a segment; whatever is missing, too much, or another environment's is an error.
pub(super) fn parse(
    bytes: &[u8],
    slot: u64,
    env: &str,
    place: &str,
) -> Result<Segment, StateError> {
    let journal = |source| StateError::Journal {
        place: place.to_owned(),
        source,
    };
    let end = bytes.iter().position(|b| *b == b'\n');
    let (first, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
    let head: Head = unseal(1, first).map_err(journal)?;
    if head.env != env {
        return Err(StateError::OtherEnvironment {
            place: place.to_owned(),
            found: head.env,
            wanted: env.to_owned(),
        });
    }
    let (lines, valid) = decode(rest).map_err(journal)?;
    let complete = valid == rest.len() && rest.last().is_none_or(|last| *last == b'\n');
    if !complete || lines.len() != head.lines || head.slot != slot {
        return Err(journal(JournalError::Damaged {
            line: lines.len() + 1,
            why: format!(
                "it is to hold {} records of slot {slot}, and does not",
                head.lines
            ),
        }));
    }
    Ok(Segment { head, lines })
}
