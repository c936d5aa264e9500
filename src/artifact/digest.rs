//! SHA-256 as Lambda writes it, of bytes and of files that need not fit into memory.

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Takes what is written to it into a digest.
struct Digesting(Context);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The base64 SHA-256 that Lambda calls `CodeSha256` when the bytes are a zip.
pub(super) fn sha256(mut bytes: impl Read) -> io::Result<String> {
    let mut digesting = Digesting(Context::new(&SHA256));
    io::copy(&mut bytes, &mut digesting)?;
    Ok(STANDARD.encode(digesting.0.finish()))
}

/// The same of a file.
pub(super) fn sha256_of(path: &Path) -> io::Result<String> {
    sha256(File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_written_as_lambda_writes_it() {
        let abc = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(sha256(&b"abc"[..]).unwrap(), abc);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(sha256_of(&path).unwrap(), abc);
    }
}
