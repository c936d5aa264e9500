//! Remembers what was sent, for an audit.

use super::maker::Made;
use crate::audit::{Expected, Sent};
use anyhow::Context as _;
use payments::providers::Outgoing;
use payments::store::sha256_hex;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// The file of what was sent, where one was asked for.
pub struct Record(Option<File>);

impl Record {
    /// Opens the file to append to it.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.with_context(|| format!("cannot write to {}", path.display()))
        };
        path.map(open).transpose().map(Self)
    }

    /// Appends one delivery and what it was answered with.
    pub fn add(
        &self,
        made: &Made,
        outgoing: &Outgoing,
        expected: Expected,
        answer: Option<u16>,
    ) -> anyhow::Result<()> {
        let Some(mut file) = self.0.as_ref() else {
            return Ok(());
        };
        let event = &made.event;
        let sent = Sent {
            provider: event.provider.to_owned(),
            event_id: (!made.by_arrival).then(|| event.event_id.clone()),
            payment_id: Some(event.payment_id()),
            digest: Some(sha256_hex(&outgoing.body)),
            expected,
            answer,
        };
        // One write a line, so that senders at the same time do not tear each other's.
        let line = serde_json::to_string(&sent)? + "\n";
        file.write_all(line.as_bytes())
            .context("cannot write the record of what was sent")
    }
}
