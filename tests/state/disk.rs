//! Full disks, read-only folders, and locks on files.

use super::real;
use payhook::engine::Outcome;
use payhook::memory::{MemoryCloud, MemoryStore};
use payhook::state::{LocalStore, StateError, Store};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn locked(root: &Path) -> Result<LocalStore, StateError> {
    LocalStore::locked(root, "dev", &real::holder("deploy"))
}

/// A file system of 64 kB, gone when dropped; nobody but root can make one.
struct Tiny(tempfile::TempDir);

impl Tiny {
    fn mounted() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|said| said.status.success())
            .then_some(Self(folder))
    }

    fn remount(&self, how: &str) {
        let said = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(self.0.path())
            .output();
        assert!(said.expect("mount").status.success());
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_refuses_records_and_goes_on_once_there_is_room() {
    let Some(tiny) = Tiny::mounted() else { return };
    let root = tiny.0.path();
    let records = real::records(8);
    let store = locked(root).expect("a lock");
    let filler = root.join("filler");
    fs::write(&filler, vec![0; 20_000]).expect("room");
    let mut kept = Vec::new();
    let (refused, record) = loop {
        let record = &records[kept.len() % records.len()];
        match Store::append(&store, record).await {
            Ok(()) => kept.push(record.clone()),
            Err(error) => break (error, record),
        }
    };
    assert!(refused.to_string().contains("No space left"), "{refused}");
    let again = Store::append(&store, record).await.expect_err("still full");
    assert!(matches!(again, StateError::Io { .. }), "{again}");
    fs::remove_file(filler).expect("removed");
    Store::append(&store, &records[1])
        .await
        .expect("there is room");
    kept.push(records[1].clone());
    let found = Store::history(&store).await.expect("whole");
    let found: Vec<_> = found.into_iter().map(|line| line.record).collect();
    assert_eq!(found, kept);
}

#[test]
fn a_deploy_on_a_disk_that_fills_up_stops_and_the_next_one_converges() {
    let wanted = real::standing_still(async {
        let cloud = MemoryCloud::new();
        let deployed = real::deploy(&MemoryStore::new(), &cloud, usize::MAX).await;
        assert!(matches!(deployed, Ok(Outcome::Completed)));
        resources(&cloud)
    });
    for room in (0..32).step_by(4) {
        let Some(tiny) = Tiny::mounted() else { return };
        let root = tiny.0.path().to_owned();
        let (found, stopped) = real::standing_still(async move {
            let cloud = MemoryCloud::new();
            let store = locked(&root).expect("a lock");
            let filler = root.join("filler");
            fs::write(&filler, vec![0; (44 - room) * 1024]).expect("room");
            let cut = real::deploy(&store, &cloud, usize::MAX).await;
            drop(store);
            fs::remove_file(filler).expect("removed");
            // More than the whole journal needs.
            let folder = tempfile::tempdir().expect("a folder");
            copy(&root.join("dev"), &folder.path().join("dev"));
            let store = locked(folder.path()).expect("a lock");
            let next = real::deploy(&store, &cloud, usize::MAX).await;
            assert!(matches!(next, Ok(Outcome::Completed)), "{next:?}");
            (resources(&cloud), !matches!(cut, Ok(Outcome::Completed)))
        });
        assert!(stopped, "{room} kB were enough");
        assert_eq!(found, wanted, "after {room} kB");
    }
}

/// What is there, each as often as it is there; the ids that it was given are left out.
fn resources(cloud: &MemoryCloud) -> Vec<String> {
    let mut names: Vec<String> = cloud
        .contents()
        .into_values()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for name in ["journal", "head"] {
        let _ = fs::copy(from.join(name), to.join(name));
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_before_anything_is_done() {
    let Some(tiny) = Tiny::mounted() else { return };
    let _ = fs::write(tiny.0.path().join("filler"), vec![0; 200_000]);
    let error = locked(tiny.0.path()).map(drop).expect_err("full");
    assert!(error.to_string().contains("No space left"), "{error}");
}

#[tokio::test]
async fn a_read_only_folder_can_be_read_but_not_locked() {
    let Some(tiny) = Tiny::mounted() else { return };
    let records = real::records(2);
    let store = locked(tiny.0.path()).expect("a lock");
    Store::append(&store, &records[0]).await.expect("written");
    drop(store);
    tiny.remount("ro");
    let state = LocalStore::read_only(tiny.0.path(), "dev")
        .load()
        .expect("readable");
    assert_eq!(state.env.as_deref(), Some("dev"));
    let error = locked(tiny.0.path()).map(drop).expect_err("read-only");
    assert!(
        error.to_string().contains("Read-only file system"),
        "{error}"
    );
    tiny.remount("rw");
}

#[test]
fn a_folder_without_permission_is_named() {
    let root = tempfile::tempdir().expect("a folder");
    let closed = root.path().join("closed");
    fs::create_dir(&closed).expect("made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).expect("closed");
    // Root may write anyway.
    if let Err(error) = locked(&closed) {
        assert!(error.to_string().contains("closed/dev"), "{error}");
    }
}

#[test]
fn of_two_writers_the_second_learns_who_the_first_is() {
    let root = tempfile::tempdir().expect("a folder");
    let first = locked(root.path()).expect("free");
    let error = locked(root.path()).map(drop).expect_err("held");
    let StateError::Held { holder, env, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (**holder == real::holder("deploy"), env.as_str()),
        (true, "dev")
    );
    drop(first);
    locked(root.path()).expect("free again");
}

#[tokio::test]
async fn whoever_loses_the_lock_writes_nothing_that_counts() {
    let root = tempfile::tempdir().expect("a folder");
    let records = real::records(3);
    let stale = locked(root.path()).expect("free");
    Store::append(&stale, &records[0]).await.expect("written");
    LocalStore::unlock(root.path(), "dev", &real::holder("state unlock")).expect("unlocked");
    let fresh = locked(root.path()).expect("free");
    let before = fresh.load().expect("whole");
    assert_eq!(
        before.env.as_deref(),
        Some("dev"),
        "what counted before still counts"
    );
    let error = Store::append(&stale, &records[1])
        .await
        .expect_err("fenced");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    Store::append(&fresh, &records[2]).await.expect("written");
    Store::finish(&stale).await.expect("nothing to do");
    let error = Store::append(&stale, &records[1])
        .await
        .expect_err("fenced");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    let lines = Store::history(&fresh).await.expect("whole");
    let found: Vec<_> = lines.into_iter().map(|line| line.record).collect();
    assert_eq!(found, [records[0].clone(), records[2].clone()]);
}

#[tokio::test]
async fn a_long_journal_is_folded_and_its_generations_are_kept() {
    let root = tempfile::tempdir().expect("a folder");
    let records = real::records(3);
    for _ in 0..14 {
        let store = locked(root.path()).expect("free");
        for record in &records {
            Store::append(&store, record).await.expect("written");
        }
        store.compact(1).expect("folded");
        let state = store.load().expect("whole");
        assert!(state.complete && !state.entries.is_empty());
        Store::release(&store).await.expect("released");
    }
    let kept = fs::read_dir(root.path().join("dev/history"))
        .expect("a folder")
        .count();
    assert_eq!(kept, 10);
    let store = LocalStore::read_only(root.path(), "dev");
    let numbers: Vec<u64> = Store::history(&store)
        .await
        .expect("whole")
        .iter()
        .map(|l| l.number)
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
    assert_eq!(numbers.last(), Some(&(14 * (records.len() as u64 + 1))));
}

#[tokio::test]
async fn a_crash_anywhere_in_folding_loses_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    let records = real::records(3);
    let store = locked(root.path()).expect("free");
    for record in &records {
        Store::append(&store, record).await.expect("written");
    }
    let state = store.load().expect("whole");
    drop(store);
    let (dev, number) = (root.path().join("dev"), records.len() as u64 + 1);
    // Each of these is what a crash leaves behind, one step further than the one before.
    let half_written = |_: &Path| fs::write(dev.join("journal.new"), "0000").expect("written");
    let kept = |_: &Path| {
        fs::create_dir_all(dev.join("history")).expect("made");
        let second_name = dev.join(format!("history/{number:012}"));
        fs::hard_link(dev.join("journal"), second_name).expect("linked");
    };
    for crash in [&half_written as &dyn Fn(&Path), &kept] {
        crash(&dev);
        let store = locked(root.path()).expect("free");
        assert_eq!(store.load().expect("whole"), state);
        Store::append(&store, &records[0]).await.expect("written");
        Store::append(&store, records.last().expect("one"))
            .await
            .expect("written");
        store.compact(1).expect("folded");
        let lines = Store::history(&store).await.expect("whole");
        assert!(
            lines
                .windows(2)
                .all(|pair| pair[1].number == pair[0].number + 1)
        );
        drop(store);
        let _ = fs::remove_dir_all(dev.join("history"));
        fs::remove_dir_all(&dev).expect("removed");
        let store = locked(root.path()).expect("free");
        for record in &records {
            Store::append(&store, record).await.expect("written");
        }
    }
}
