//! SHA-256 as Lambda writes it, of bytes and of files that need not fit into memory.

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Digests what is read through it.
pub(super) struct Digested<R> {
    inner: R,
    context: Context,
}

impl<R: Read> Digested<R> {
    pub fn new(inner: R) -> Self {
        let context = Context::new(&SHA256);
        Self { inner, context }
    }

    /// The base64 SHA-256 of what has been read.
    pub fn sha256(self) -> String {
        STANDARD.encode(self.context.finish())
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.context.update(&into[..read]);
        Ok(read)
    }
}

/// The base64 SHA-256 that Lambda calls `CodeSha256` when the bytes are a zip.
pub(super) fn sha256(bytes: impl Read) -> io::Result<String> {
    let mut digested = Digested::new(bytes);
    io::copy(&mut digested, &mut io::sink())?;
    Ok(digested.sha256())
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
