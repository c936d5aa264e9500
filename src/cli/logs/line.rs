//! One line of a log, in words.

use crate::view::{Paint, Tone};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Fields that every line has in a place of its own.
const PLACED: [&str; 4] = ["level", "message", "timestamp", "traceId"];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: Timestamp,
    /// CloudWatch's id of it.
    pub id: String,
    source: &'static str,
    text: String,
}

impl Line {
    /// Reads an event of a log group; `None` for metrics, which are no news, and for empty lines.
    pub fn read(source: &'static str, event: &FilteredLogEvent) -> Option<Self> {
        let text = event.message()?.trim().to_owned();
        let at = Timestamp::from_millisecond(event.timestamp()?).ok()?;
        let line = Self {
            at,
            id: event
                .event_id()
                .map_or_else(|| format!("{source} {at} {text}"), str::to_owned),
            source,
            text,
        };
        let metrics = line
            .fields()
            .is_some_and(|fields| fields.contains_key("_aws"));
        (!line.text.is_empty() && !metrics).then_some(line)
    }

    fn fields(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&self.text).ok()
    }

    /// Whether it is of a trace; every line is of no trace in particular.
    pub fn is_of(&self, trace: Option<&str>) -> bool {
        trace.is_none_or(|trace| self.text.contains(trace))
    }

    /// The line for a person: time, source, message, and the other fields behind it.
    pub fn words(&self, paint: Paint) -> String {
        let start = format!("{}  {:<9}", paint.tone(Tone::Dim, self.at), self.source);
        let Some(fields) = self.fields() else {
            return format!("{start}  {}", self.text);
        };
        let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        let field = |name: &str| fields.get(name).map(text);
        let mut words = field("message").unwrap_or_default();
        words = match field("level").as_deref() {
            Some("error") => paint.tone(Tone::Bad, words),
            Some("warn") => paint.tone(Tone::Change, words),
            _ => words,
        };
        for (name, value) in &fields {
            if !PLACED.contains(&name.as_str()) {
                words.push_str(&format!("  {name}={}", text(value)));
            }
        }
        let trace = field("traceId").map(|id| paint.tone(Tone::Dim, format!("  trace={id}")));
        format!(
            "{start}  {}{}",
            words.trim_start(),
            trace.unwrap_or_default()
        )
    }

    /// The line as JSON.
    pub fn facts(&self) -> Value {
        let said = self
            .fields()
            .map_or_else(|| json!(self.text), Value::Object);
        json!({"event": "log", "at": self.at.to_string(), "source": self.source, "said": said})
    }
}

#[cfg(test)]
mod tests {
    use super::Line;
    use crate::view::Paint;
    use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

    fn line(message: &str) -> Option<Line> {
        let event = FilteredLogEvent::builder()
            .event_id("1")
            .timestamp(1_780_000_000_000)
            .message(message)
            .build();
        Line::read("validator", &event)
    }

    #[test]
    fn a_structured_line_reads_as_a_sentence_with_its_fields() {
        let stored = line(
            r#"{"level":"info","message":"webhook stored","timestamp":"x","provider":"stripe","traceId":"1-a"}"#,
        );
        let stored = stored.unwrap();
        insta::assert_snapshot!(stored.words(Paint::NONE), @"2026-05-28T20:26:40Z  validator  webhook stored  provider=stripe  trace=1-a");
        assert!(stored.is_of(Some("1-a")) && stored.is_of(None) && !stored.is_of(Some("1-b")));
    }

    #[test]
    fn a_line_that_is_not_ours_is_shown_as_it_is() {
        let start = line("START RequestId: 1 Version: 2\n").unwrap();
        assert!(
            start
                .words(Paint::NONE)
                .ends_with("validator  START RequestId: 1 Version: 2")
        );
        assert_eq!(start.facts()["said"], "START RequestId: 1 Version: 2");
    }

    #[test]
    fn metrics_and_empty_lines_are_no_news() {
        assert_eq!(line(r#"{"_aws":{"Timestamp":1},"WebhookStored":1}"#), None);
        assert_eq!(line("\n"), None);
    }
}
