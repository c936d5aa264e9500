//! What a sender says that it sent, one JSON value a line.

use serde::{Deserialize, Serialize};

/// What the lines of a file hold; the error is the number of the first line that is not usable, and why.
pub type Lines<T> = Result<Vec<T>, (usize, String)>;

/// One delivery of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Provider key.
    pub provider: String,
    /// The provider's id of the event; absent where each arrival is an event of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The payment as in the table, such as `stripe:pi_123`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// SHA-256 of the body, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What should become of it.
    pub expected: Expected,
    /// The HTTP status with which it was answered in the end; absent where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<u16>,
}

/// What should become of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expected {
    /// Its event is in the table, once.
    Stored,
    /// Nothing of it is in the table.
    Refused,
}

impl Sent {
    /// Reads a file of such lines.
    pub fn read_lines(text: &str) -> Lines<Sent> {
        let lines = (1..).zip(text.lines());
        lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line).map_err(|error| (number, error.to_string()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Expected, Sent};

    #[test]
    fn lines_that_a_sender_wrote_itself_need_only_what_it_knows() {
        let text = "{\"provider\":\"stripe\",\"eventId\":\"evt_1\",\"expected\":\"stored\"}\n\n\
                    {\"provider\":\"stripe\",\"eventId\":\"evt_2\",\"expected\":\"refused\",\"answer\":401}\n";
        let sent = Sent::read_lines(text).expect("lines");
        let seen = |one: &Sent| (one.expected, one.answer);
        assert_eq!(
            sent.iter().map(seen).collect::<Vec<_>>(),
            [(Expected::Stored, None), (Expected::Refused, Some(401))]
        );
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number() {
        let (number, why) = Sent::read_lines("\n{\"provider\":\"stripe\"}\n").unwrap_err();
        assert_eq!(number, 2);
        assert!(why.contains("expected"), "{why}");
    }
}
