//! How the raw body of a webhook is kept.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Where the bytes of a body are.
///
/// Inside the item is the only place so far; another place is another variant, chosen in [`Body::place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Inline {
        gzip: Vec<u8>,
        /// Length of the body before compression.
        bytes: usize,
    },
}

/// The body is too large for a place in the table even when compressed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the body takes {compressed} bytes compressed, more than the {room} that an item of the table has room for"
)]
pub struct BodyTooLarge {
    pub compressed: usize,
    pub room: usize,
}

impl Body {
    /// Chooses the place of a body, given the bytes the item has left.
    pub fn place(raw: &[u8], room: usize) -> Result<Self, BodyTooLarge> {
        let gzip = compress(raw);
        if gzip.len() > room {
            return Err(BodyTooLarge {
                compressed: gzip.len(),
                room,
            });
        }
        Ok(Self::Inline {
            gzip,
            bytes: raw.len(),
        })
    }

    /// The raw bytes again; fails when they are damaged or not of the stated length.
    pub fn open(&self) -> std::io::Result<Vec<u8>> {
        let Self::Inline { gzip, bytes } = self;
        let mut raw = Vec::new();
        // One byte beyond the stated length is enough to notice that the stated length is wrong.
        GzDecoder::new(gzip.as_slice())
            .take(*bytes as u64 + 1)
            .read_to_end(&mut raw)?;
        if raw.len() != *bytes {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "the body has another length than recorded",
            ));
        }
        Ok(raw)
    }
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

    proptest! {
        #[test]
        fn a_body_comes_back_byte_for_byte(raw in proptest::collection::vec(any::<u8>(), 0..4096)) {
            prop_assert_eq!(Body::place(&raw, 1 << 20).unwrap().open().unwrap(), raw);
        }
    }

    #[test]
    fn a_body_that_does_not_fit_compressed_is_refused() {
        let repetitive = vec![b'a'; 1 << 20];
        assert!(Body::place(&repetitive, 4096).is_ok());
        assert_eq!(
            Body::place(b"{}", 10),
            Err(BodyTooLarge {
                compressed: 22,
                room: 10
            })
        );
    }

    #[test]
    fn a_body_of_another_length_than_recorded_is_an_error() {
        let Body::Inline { gzip, .. } = Body::place(b"twelve bytes", 100).unwrap();
        for bytes in [0, 11, 13] {
            assert!(
                Body::Inline {
                    gzip: gzip.clone(),
                    bytes
                }
                .open()
                .is_err(),
                "{bytes}"
            );
        }
    }
}
