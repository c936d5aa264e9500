//! A damaged journal is an error that says so, or nothing of it is lost. It is never a wrong state.

use super::real;
use payhook::state::{JournalError, LocalStore, State, StateError, Store, encode};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

struct Journal {
    root: TempDir,
    bytes: Vec<u8>,
    state: State,
}

impl Journal {
    /// Written by the local backend and closed as a run that ends well closes it.
    async fn written() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let store =
            LocalStore::locked(root.path(), "dev", &real::holder("deploy")).expect("a lock");
        for record in real::records(3) {
            Store::append(&store, &record).await.expect("written");
        }
        let state = store.load().expect("whole");
        Store::release(&store).await.expect("released");
        let bytes = fs::read(root.path().join("dev/journal")).expect("a journal");
        Self { root, bytes, state }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("dev/journal")
    }

    fn load(&self, bytes: &[u8]) -> Result<State, StateError> {
        fs::write(self.path(), bytes).expect("a journal");
        LocalStore::read_only(self.root.path(), "dev").load()
    }
}

#[tokio::test]
async fn any_byte_flipped_in_a_real_journal_is_an_error_or_loses_nothing() {
    let journal = Journal::written().await;
    let (mut refused, mut recovered) = (0, 0);
    for at in 0..journal.bytes.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = journal.bytes.clone();
            bytes[at] ^= flip;
            match journal.load(&bytes) {
                Ok(state) => {
                    assert_eq!(state, journal.state, "byte {at} flipped by {flip:#x}");
                    recovered += 1;
                }
                Err(StateError::Journal {
                    source: JournalError::Damaged { .. },
                    ..
                }) => refused += 1,
                Err(other) => panic!("byte {at} flipped by {flip:#x}: {other}"),
            }
        }
    }
    // Only the last line feed says nothing that is not known without it.
    assert_eq!(recovered, 4);
    assert_eq!(refused + recovered, 4 * journal.bytes.len());
}

#[tokio::test]
async fn a_real_journal_cut_anywhere_is_an_error_or_loses_nothing() {
    let journal = Journal::written().await;
    for length in 0..journal.bytes.len() {
        match journal.load(&journal.bytes[..length]) {
            Ok(state) => {
                assert_eq!(length, journal.bytes.len() - 1);
                assert_eq!(state, journal.state);
            }
            Err(StateError::Journal {
                source: JournalError::Shorter { .. },
                ..
            }) => {}
            Err(other) => panic!("cut at {length}: {other}"),
        }
    }
}

#[tokio::test]
async fn any_byte_flipped_beside_the_journal_loses_nothing() {
    let journal = Journal::written().await;
    let path = journal.root.path().join("dev/head");
    let whole = fs::read(&path).expect("a head");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x01;
        fs::write(&path, bytes).expect("a head");
        assert_eq!(journal.load(&journal.bytes).expect("whole"), journal.state);
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_write_loses_only_what_never_counted() {
    let journal = Journal::written().await;
    let records = real::records(3);
    let next = journal.bytes.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let line = encode(next, &records[1]);
    for length in 0..line.len() {
        let torn = [&journal.bytes, &line.as_bytes()[..length]].concat();
        fs::write(journal.path(), &torn).expect("a journal");
        let store = LocalStore::locked(journal.root.path(), "dev", &real::holder("deploy"))
            .expect("a lock");
        Store::append(&store, &records[2]).await.expect("written");
        let lines = Store::history(&store).await.expect("whole");
        let whole = usize::from(length == line.len() - 1);
        assert_eq!(
            lines.len() as u64,
            next + whole as u64,
            "torn after {length} bytes"
        );
        assert_eq!(lines.last().expect("a line").record, records[2]);
        drop(store);
        fs::remove_file(journal.root.path().join("dev/head")).expect("removed");
    }
}

#[tokio::test]
async fn a_journal_of_a_newer_payhook_is_refused_with_both_versions() {
    let journal = Journal::written().await;
    let json = r#"{"v":2,"n":99,"record":"somethingNew"}"#;
    let line = format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()));
    let error = journal.load(line.as_bytes()).expect_err("newer");
    assert!(error.to_string().contains("format 2"), "{error}");
    assert!(error.to_string().contains("formats up to 1"), "{error}");
}

#[tokio::test]
async fn the_state_of_another_environment_is_refused() {
    let journal = Journal::written().await;
    let (dev, prod) = (
        journal.root.path().join("dev"),
        journal.root.path().join("prod"),
    );
    fs::rename(dev, prod).expect("moved");
    let error = LocalStore::read_only(journal.root.path(), "prod")
        .load()
        .expect_err("another's");
    let StateError::OtherEnvironment { found, wanted, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((found.as_str(), wanted.as_str()), ("dev", "prod"));
}
