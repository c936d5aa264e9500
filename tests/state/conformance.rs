//! What every backend promises, told once and run on each.

use super::server::Server;
use super::{real, s3};
use payhook::memory::MemoryStore;
use payhook::state::{LocalStore, Record, State, Store};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A place where one environment's state is kept, as any process finds it.
#[async_trait::async_trait]
trait Place: Sync {
    /// Opens it for writing.
    async fn open(&self) -> Box<dyn Store>;
}

struct Folder(tempfile::TempDir);

#[async_trait::async_trait]
impl Place for Folder {
    async fn open(&self) -> Box<dyn Store> {
        let store = LocalStore::locked(self.0.path(), "dev", &real::holder("deploy"));
        Box::new(store.expect("a free lock"))
    }
}

#[async_trait::async_trait]
impl Place for MemoryStore {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(self.reopened())
    }
}

/// A bucket, and how often it was opened: each time by another process.
struct Shared(Server, AtomicUsize);

#[async_trait::async_trait]
impl Place for Shared {
    async fn open(&self) -> Box<dyn Store> {
        let token = self.1.fetch_add(1, Ordering::SeqCst).to_string();
        Box::new(s3::open(&self.0, &token).await.expect("a free lock"))
    }
}

fn folded(records: &[Record]) -> State {
    let mut state = State::default();
    records.iter().cloned().for_each(|r| state.apply(r));
    state
}

async fn recorded(store: &dyn Store) -> Vec<Record> {
    let lines = store.history().await.expect("whole");
    lines.into_iter().map(|line| line.record).collect()
}

async fn keeps_every_record_in_order_across_processes(place: &dyn Place) {
    let records = real::records(6);
    for (n, record) in records.iter().enumerate() {
        let store = place.open().await;
        store.append(record).await.expect("written");
        assert_eq!(recorded(&*store).await, records[..=n]);
        store.release().await.expect("released");
        drop(store);
        let store = place.open().await;
        assert_eq!(recorded(&*store).await, records[..=n]);
        assert_eq!(store.load().await.expect("whole"), folded(&records[..=n]));
        store.release().await.expect("released");
    }
}

async fn keeps_what_many_steps_write_at_once(place: &dyn Place) {
    let records = real::records(12);
    let store = place.open().await;
    let writes = records.iter().map(|record| store.append(record));
    for written in futures_util::future::join_all(writes).await {
        written.expect("written");
    }
    let mut found = recorded(&*store).await;
    assert_eq!(found.len(), records.len());
    for record in &records {
        let at = found.iter().position(|r| r == record).expect("there");
        found.remove(at);
    }
    store.finish().await.expect("tidied up");
    store.release().await.expect("released");
}

async fn is_empty_at_first(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.load().await.expect("whole"), State::default());
    assert_eq!(recorded(&*store).await, []);
    store.release().await.expect("released");
}

async fn numbers_its_records_without_a_gap(place: &dyn Place) {
    let store = place.open().await;
    for record in real::records(4) {
        store.append(&record).await.expect("written");
    }
    let numbers: Vec<u64> = store
        .history()
        .await
        .expect("whole")
        .iter()
        .map(|l| l.number)
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    store.release().await.expect("released");
}

macro_rules! conformance {
    ($backend:ident, $place:expr, [$($law:ident),* $(,)?]) => {
        mod $backend {
            use super::*;
            $(
                #[tokio::test]
                async fn $law() {
                    super::$law(&$place).await;
                }
            )*
        }
    };
    ($($backend:ident: $place:expr;)*) => {
        $(conformance!($backend, $place, [
            is_empty_at_first,
            keeps_every_record_in_order_across_processes,
            keeps_what_many_steps_write_at_once,
            numbers_its_records_without_a_gap,
        ]);)*
    };
}

conformance! {
    local: Folder(tempfile::tempdir().expect("a folder"));
    memory: MemoryStore::new();
    bucket: Shared(Server::start(), AtomicUsize::new(0));
}
