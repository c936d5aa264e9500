//! One compiled function as the zip that Lambda takes: the same bytes for the same executable, anywhere.

use std::io::{Cursor, Write};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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

/// The zip with one entry, `bootstrap`, which the provided runtimes start.
pub(super) fn zip(
    function: &str,
    executable: &[u8],
    compression: Compression,
) -> Result<Vec<u8>, ArtifactError> {
    check(
        function,
        "unpacked",
        executable.len() as u64,
        LARGEST_UNPACKED,
    )?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(compression as i64))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let written = writer
        .start_file("bootstrap", options)
        .and_then(|()| Ok(writer.write_all(executable)?))
        .and_then(|()| writer.finish());
    let bytes = written
        .map_err(|source| ArtifactError::Zip {
            function: function.into(),
            source,
        })?
        .into_inner();
    check(function, "zipped", bytes.len() as u64, LARGEST_ZIP)?;
    Ok(bytes)
}

/// The base64 SHA-256 that Lambda calls `CodeSha256` when the bytes are a zip.
pub(super) fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, bytes))
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
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_zip_holds_one_executable_bootstrap_with_a_fixed_time() {
        let bytes = zip("webhook-validator", b"code", Compression::Fast).unwrap();
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
        let hash = |compression| sha256(&zip("webhook-validator", &code, compression).unwrap());
        insta::assert_snapshot!(hash(Compression::Small));
        insta::assert_snapshot!(hash(Compression::Fast));
    }

    #[test]
    fn the_digest_is_written_as_lambda_writes_it() {
        assert_eq!(
            sha256(b"abc"),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
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
            code in proptest::collection::vec(any::<u8>(), 0..20_000),
        ) {
            let first = zip("a", &code, Compression::Small).unwrap();
            prop_assert_eq!(&first, &zip("b", &code, Compression::Small).unwrap());
            let mut archive = zip::ZipArchive::new(Cursor::new(first)).unwrap();
            let mut back = Vec::new();
            archive.by_name("bootstrap").unwrap().read_to_end(&mut back).unwrap();
            prop_assert_eq!(back, code);
        }
    }
}
