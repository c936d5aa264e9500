//! One compiled function as the zip that Lambda takes: the same bytes for the same executable, anywhere.

use std::io::{self, Read, Seek, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::ArtifactError;

/// Lambda takes a zip of at most 50 MB in the request itself (facts/aws-behaviours.md, 6).
const LARGEST_ZIP: u64 = 50 * 1024 * 1024;
/// Lambda unpacks at most 250 MB (facts/aws-behaviours.md, 6).
const LARGEST_UNPACKED: u64 = 250 * 1024 * 1024;

/// How hard the code is compressed; each level always gives the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// For an unstripped program that goes no further than this machine.
    Fast = 1,
    Small = 6,
}

/// Writes the zip with one entry, `bootstrap`, which the provided runtimes start.
///
/// A program of any size passes through without being held.
pub(super) fn zip(
    function: &str,
    mut executable: impl Read,
    compression: Compression,
    into: impl Write + Seek,
) -> Result<(), ArtifactError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(compression as i64))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(into);
    let written = writer
        .start_file("bootstrap", options)
        .and_then(|()| Ok(io::copy(&mut executable, &mut writer)?));
    let unpacked = written.map_err(failed(function))?;
    check(function, "unpacked", unpacked, LARGEST_UNPACKED)?;
    let mut into = writer.finish().map_err(failed(function))?;
    let end = into.stream_position();
    let zipped = end.map_err(|error| failed(function)(error.into()))?;
    check(function, "zipped", zipped, LARGEST_ZIP)
}

fn failed(function: &str) -> impl FnOnce(ZipError) -> ArtifactError {
    move |source| ArtifactError::Zip {
        function: function.into(),
        source,
    }
}

fn check(
    function: &str,
    form: &'static str,
    bytes: u64,
    largest: u64,
) -> Result<(), ArtifactError> {
    if bytes <= largest {
        return Ok(());
    }
    Err(ArtifactError::TooLarge {
        function: function.into(),
        form,
        bytes,
        largest,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::digest::sha256;
    use super::*;

    fn zipped(function: &str, code: &[u8], compression: Compression) -> Vec<u8> {
        let mut into = Cursor::new(Vec::new());
        zip(function, code, compression, &mut into).unwrap();
        into.into_inner()
    }

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = into.len().min(self.1);
            self.0.read(&mut into[..most])
        }
    }

    #[test]
    fn the_zip_holds_one_executable_bootstrap_with_a_fixed_time() {
        let bytes = zipped("webhook-validator", b"code", Compression::Fast);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 1);
        let entry = archive.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        assert_eq!(entry.last_modified(), Some(DateTime::DEFAULT));
    }

    #[test]
    fn the_bytes_of_a_zip_never_change() {
        let code = b"always the same code ".repeat(1000);
        let zip = |compression| zipped("webhook-validator", &code, compression);
        let hash = |compression| sha256(&zip(compression)[..]).unwrap();
        insta::assert_snapshot!(hash(Compression::Small));
        insta::assert_snapshot!(hash(Compression::Fast));
    }

    #[test]
    fn what_is_too_large_for_lambda_is_refused_with_its_size() {
        let error = check("webhook-validator", "zipped", 52_428_801, LARGEST_ZIP).unwrap_err();
        insta::assert_snapshot!(error);
        assert!(check("webhook-validator", "zipped", 52_428_800, LARGEST_ZIP).is_ok());
    }

    proptest! {
        #[test]
        fn the_same_code_gives_the_same_zip_and_the_zip_gives_back_the_code(
            code in proptest::collection::vec(any::<u8>(), 0..20_000), at_a_time in 1usize..5_000,
        ) {
            let first = zipped("a", &code, Compression::Small);
            prop_assert_eq!(&first, &zipped("b", &code, Compression::Small));
            let mut slowly = Cursor::new(Vec::new());
            zip("c", Slow(&code, at_a_time), Compression::Small, &mut slowly).unwrap();
            prop_assert_eq!(&first, &slowly.into_inner());
            let mut archive = zip::ZipArchive::new(Cursor::new(first)).unwrap();
            let mut back = Vec::new();
            archive.by_name("bootstrap").unwrap().read_to_end(&mut back).unwrap();
            prop_assert_eq!(back, code);
        }
    }
}
