//! How the raw body of a webhook is kept.

use std::io::{Error, ErrorKind, Read, Result, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::sha256_hex;
use crate::outcome::outcome_id;

/// Where the bytes of a body are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In the item, compressed.
    Inline {
        gzip: Vec<u8>,
        /// Length of the body before compression.
        bytes: usize,
    },
    /// In the bucket, compressed, because the item has no room for it.
    Elsewhere {
        /// Key of the object.
        key: String,
        /// Length of the body before compression.
        bytes: usize,
    },
}

impl Body {
    /// Length of the body as it was sent.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Inline { bytes, .. } | Self::Elsewhere { bytes, .. } => *bytes,
        }
    }
}

/// A raw body made ready to be kept: compressed once, however many events it tells of.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) gzip: Vec<u8>,
    pub(super) bytes: usize,
    pub(super) digest: String,
    key: String,
}

impl Packed {
    /// Compresses the body of a webhook whose first event is `event_id` of `provider`.
    pub fn new(provider: &str, event_id: &str, raw: &[u8]) -> Self {
        let digest = sha256_hex(raw);
        Self {
            gzip: compress(raw),
            bytes: raw.len(),
            key: format!("{}{digest}", objects_of(provider, event_id)),
            digest,
        }
    }

    /// Key of the body's object, should it need one.
    ///
    /// Follows from the event and the bytes alone, so that whoever stores the body again writes the same bytes to the same
    /// place; made of digests, so that it says nothing about anybody.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The compressed bytes, as they are kept.
    pub fn gzip(&self) -> &[u8] {
        &self.gzip
    }
}

/// What the keys of all objects of one event begin with: those that its item points at, and what a crash or a conflicting
/// delivery left beside them.
pub fn objects_of(provider: &str, event_id: &str) -> String {
    format!("{provider}/{}/", outcome_id(provider, event_id))
}

/// The raw bytes again; fails when they are damaged, or not those that were recorded.
///
/// Never makes more than the recorded length of them, whatever the compressed bytes say of themselves.
pub fn open(gzip: &[u8], bytes: usize, digest: &str) -> Result<Vec<u8>> {
    let mut raw = Vec::new();
    // One byte beyond the stated length is enough to notice that the stated length is wrong.
    GzDecoder::new(gzip)
        .take(bytes as u64 + 1)
        .read_to_end(&mut raw)?;
    let wrong = |what: &str| Err(Error::new(ErrorKind::InvalidData, what.to_owned()));
    if raw.len() != bytes {
        return wrong("the body has another length than recorded");
    }
    if sha256_hex(&raw) != digest {
        return wrong("the body has another digest than recorded");
    }
    Ok(raw)
}

fn compress(raw: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(raw.len() / 4 + 64),
        Compression::default(),
    );
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(raw);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(raw: &[u8]) -> Packed {
        Packed::new("stripe", "evt_1", raw)
    }

    proptest! {
        #[test]
        fn a_body_comes_back_byte_for_byte(raw in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let body = packed(&raw);
            prop_assert_eq!(open(body.gzip(), raw.len(), &sha256_hex(&raw)).unwrap(), raw);
        }
    }

    #[test]
    fn a_body_of_another_length_or_digest_than_recorded_is_an_error() {
        let (raw, digest) = (b"twelve bytes", sha256_hex(b"twelve bytes"));
        let body = packed(raw);
        for bytes in [0, 11, 13] {
            assert!(open(body.gzip(), bytes, &digest).is_err(), "{bytes}");
        }
        assert!(open(body.gzip(), 12, &sha256_hex(b"twelve bytez")).is_err());
        assert!(open(&body.gzip()[1..], 12, &digest).is_err());
    }

    #[test]
    fn what_unpacks_to_far_more_than_recorded_is_given_up_one_byte_beyond() {
        let bomb = compress(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000);
        let error = open(&bomb, 1_000, &sha256_hex(b"")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the body has another length than recorded"
        );
    }

    #[test]
    fn the_key_is_the_same_for_the_same_bytes_of_the_same_event_and_shows_neither() {
        let key = packed(b"jane@example.com").key().to_owned();
        assert_eq!(key, packed(b"jane@example.com").key());
        assert!(key.starts_with(&objects_of("stripe", "evt_1")));
        assert_ne!(key, packed(b"joe@example.com").key());
        let other = Packed::new("stripe", "evt_2", b"jane@example.com");
        assert_ne!(key, other.key());
        for shown in ["jane", "evt_1"] {
            assert!(!key.contains(shown), "{key}");
        }
    }
}
