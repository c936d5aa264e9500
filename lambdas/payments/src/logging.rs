//! One JSON object a line, without payloads, secrets or personal data.
//!
//! Messages are constants and fields are named one by one, so that nothing a provider or an attacker sent reaches a
//! log by way of a format string. Identifiers pass through [`identifier`] first.

use std::borrow::Cow;
use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

use crate::clock::Clock;

const LONGEST_IDENTIFIER: usize = 160;

/// Where finished lines go.
pub trait Sink: Send + Sync {
    /// Takes one line without its line break.
    fn line(&self, line: String);
}

/// Standard output, which Lambda sends to the function's log group.
pub struct Stdout;

impl Sink for Stdout {
    fn line(&self, line: String) {
        let mut out = std::io::stdout().lock();
        // A log that cannot be written must not take the payment down with it.
        let _ = writeln!(out, "{line}");
    }
}

/// Keeps the lines, for whoever wants to read them back.
impl Sink for Mutex<Vec<String>> {
    fn line(&self, line: String) {
        if let Ok(mut lines) = self.lock() {
            lines.push(line);
        }
    }
}

/// The log of one invocation.
#[derive(Clone)]
pub struct Log {
    sink: Arc<dyn Sink>,
    clock: Clock,
    environment: Arc<str>,
    trace_id: Option<Arc<str>>,
    request_id: Arc<str>,
}

impl Log {
    /// A log outside any invocation.
    pub fn new(sink: Arc<dyn Sink>, clock: Clock, environment: &str) -> Self {
        Self {
            sink,
            clock,
            environment: environment.into(),
            trace_id: None,
            request_id: "".into(),
        }
    }

    /// The same log with the ids of one invocation on every line.
    pub fn invocation(&self, trace_header: Option<&str>, request_id: &str) -> Self {
        Self {
            trace_id: Some(match trace_header.and_then(trace_root) {
                Some(root) => root.into(),
                None => self.made_up_trace(request_id).into(),
            }),
            request_id: request_id.into(),
            ..self.clone()
        }
    }

    /// A trace id in X-Ray's format for an invocation that is not traced, so that what belongs together can be found.
    fn made_up_trace(&self, request_id: &str) -> String {
        let digest = crate::store::sha256_hex(request_id.as_bytes());
        format!("1-{:08x}-{}", self.now().as_second(), &digest[..24])
    }

    /// The same log following the trace of the webhook instead of the trace of this invocation.
    pub fn following(&self, trace_id: Option<&str>) -> Self {
        match trace_id {
            Some(id) => Self {
                trace_id: Some(id.into()),
                ..self.clone()
            },
            None => self.clone(),
        }
    }

    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    pub fn info(&self, message: &'static str, fields: &[(&'static str, &str)]) {
        self.write("info", message, fields);
    }

    pub fn warn(&self, message: &'static str, fields: &[(&'static str, &str)]) {
        self.write("warn", message, fields);
    }

    pub fn error(&self, message: &'static str, fields: &[(&'static str, &str)]) {
        self.write("error", message, fields);
    }

    fn write(&self, level: &str, message: &str, fields: &[(&'static str, &str)]) {
        let mut line = Map::new();
        line.insert("level".into(), level.into());
        line.insert("message".into(), message.into());
        line.insert("timestamp".into(), self.now().to_string().into());
        self.add_ids(&mut line);
        for (name, value) in fields {
            line.insert((*name).into(), (*value).into());
        }
        self.send(line);
    }

    pub(crate) fn add_ids(&self, line: &mut Map<String, Value>) {
        line.insert("environment".into(), (*self.environment).into());
        if let Some(trace) = &self.trace_id {
            line.insert("traceId".into(), (**trace).into());
        }
        if !self.request_id.is_empty() {
            line.insert("requestId".into(), (*self.request_id).into());
        }
    }

    pub(crate) fn send(&self, line: Map<String, Value>) {
        self.sink.line(Value::Object(line).to_string());
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        (self.clock)()
    }
}

/// The root trace id of an X-Ray header such as `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`.
pub fn trace_root(header: &str) -> Option<&str> {
    let root = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))
        .unwrap_or(header.trim());
    let well_formed = root.len() == 35
        && root.starts_with("1-")
        && root
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    well_formed.then_some(root)
}

/// An identifier as it may appear in a log: short, printable, and nothing that could be an e-mail address or a card number.
pub fn identifier(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:|/#=+".contains(c);
    if id.len() <= LONGEST_IDENTIFIER && id.chars().all(plain) && !looks_like_a_card(id) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!(
        "sha256:{}",
        &crate::store::sha256_hex(id.as_bytes())[..16]
    ))
}

/// Between 13 and 19 digits in a row, or in groups, that satisfy the Luhn check of ISO/IEC 7812.
fn looks_like_a_card(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && !"-._/".contains(c))
        .map(|run| {
            run.bytes()
                .filter(u8::is_ascii_digit)
                .map(|digit| u32::from(digit - b'0'))
                .collect::<Vec<_>>()
        })
        .any(|digits| (13..=19).contains(&digits.len()) && luhn(&digits))
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured() -> (Log, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = Log::new(
            lines.clone(),
            crate::clock::fixed(jiff::Timestamp::UNIX_EPOCH),
            "dev",
        );
        (log, lines)
    }

    #[test]
    fn a_line_is_one_json_object_with_the_trace_and_the_request() {
        let (log, lines) = captured();
        log.invocation(
            Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
            "req-1",
        )
        .info(
            "webhook stored",
            &[("provider", "stripe"), ("eventId", "evt_1\n\"")],
        );
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains('\n'));
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["traceId"], "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(line["requestId"], "req-1");
        assert_eq!(line["level"], "info");
        assert_eq!(line["provider"], "stripe");
    }

    #[test]
    fn an_invocation_without_a_trace_gets_one_of_its_own() {
        let (log, _) = captured();
        let trace = |request| log.invocation(None, request).trace_id().map(str::to_owned);
        assert_eq!(
            trace_root(&trace("req-1").unwrap()),
            trace("req-1").as_deref()
        );
        assert_ne!(trace("req-1"), trace("req-2"));
    }

    #[test]
    fn a_trace_header_that_is_not_one_is_left_out() {
        for header in [
            "",
            "Root=",
            "Root=1-x;Sampled=1",
            "Root=4242424242424242;",
            "hello",
        ] {
            assert_eq!(trace_root(header), None, "{header}");
        }
    }

    #[test]
    fn identifiers_that_could_be_personal_are_logged_as_a_hash() {
        for id in [
            "evt_1Nxyz",
            "8835511210681145|AUTHORISATION|true",
            "WH-58D329510W468432D-8HN650336L201105X",
        ] {
            assert_eq!(identifier(id), id);
        }
        for id in [
            "anna@example.com",
            "4242424242424242",
            "pay_4242-4242-4242-4242",
            "pay:4242.4242.4242.4242",
            "4242_4242_4242_4242",
            "a b",
            "é",
            &"x".repeat(200),
        ] {
            assert!(identifier(id).starts_with("sha256:"), "{id}");
        }
    }
}
