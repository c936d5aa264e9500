//! Requests as text: the query, a line for each header, an empty line, the body.

use jiff::Timestamp;
use payments::providers::Outgoing;
use payments::request::{Headers, Request};

use crate::support;

/// The parts of a request in text form, not yet decoded; every text has them.
pub struct Parts {
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Parts {
    /// Reads the text form.
    pub fn read(input: &[u8]) -> Parts {
        let (head, body) = match input.windows(2).position(|pair| pair == b"\n\n") {
            Some(end) => (&input[..end], &input[end + 2..]),
            None => (input, &[][..]),
        };
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let query = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Parts {
            query,
            headers: headers
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            body: body.to_vec(),
        }
    }

    /// The request that arrives when these parts are sent.
    pub fn request(&self, received_at: Timestamp) -> Request {
        Request {
            method: "POST".into(),
            query: form_urlencoded::parse(self.query.as_bytes())
                .into_owned()
                .collect(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name, value.as_str()))
                .collect::<Headers>(),
            body: self.body.clone(),
            received_at,
            ..Request::default()
        }
    }
}

/// The text form of what a sender sends.
pub fn of_outgoing(sample: &Outgoing) -> Vec<u8> {
    let mut text = sample.query.clone().unwrap_or_default().into_bytes();
    for (name, value) in &sample.headers {
        text.extend_from_slice(format!("\n{name}: {value}").as_bytes());
    }
    text.extend_from_slice(b"\n\n");
    text.extend_from_slice(&sample.body);
    text
}

/// Every sample of a provider in text form, signed where that is possible here, by its event type.
pub fn samples(key: &str) -> Vec<(&'static str, Vec<u8>)> {
    let provider = support::provider(key);
    let text = |event_type: &&'static str| {
        let unsigned = provider.sample(event_type, &support::seed("1N5eXxAbC"));
        let sample = support::signed_sample(provider, event_type).or(unsigned)?;
        Some((*event_type, of_outgoing(&sample)))
    };
    provider.sample_types().iter().filter_map(text).collect()
}
