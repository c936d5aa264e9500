//! The S3 backend by the real SDK against a server that loses answers, refuses, and is tampered with.

use super::real;
use super::server::{Fault, Server};
use payhook::state::{Client, Holder, JournalError, Record, S3Store, StateError, Store};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// This environment's objects on a server.
pub fn client(server: &Server) -> Arc<Client> {
    objects(server, OWNER, "dev")
}

const OWNER: &str = "123456789012";

fn objects(server: &Server, owner: &str, env: &str) -> Arc<Client> {
    let credentials = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new("eu-central-1"))
        .credentials_provider(credentials)
        .endpoint_url(&server.endpoint)
        .force_path_style(true)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    Arc::new(Client::new(s3, "states", owner, "payhook/", env))
}

/// Opens for writing as a process with this token.
pub async fn open(server: &Server, token: &str) -> Result<S3Store, StateError> {
    open_as(server, token, &real::holder("deploy"), None).await
}

async fn open_as(
    server: &Server,
    token: &str,
    holder: &Holder,
    lives: Option<bool>,
) -> Result<S3Store, StateError> {
    S3Store::locked(client(server), "dev", holder, token, &move |_| lives).await
}

async fn recorded(store: &dyn Store) -> Vec<Record> {
    let lines = store.history().await.expect("whole");
    lines.into_iter().map(|line| line.record).collect()
}

#[tokio::test]
async fn a_write_that_fails_in_passing_or_loses_its_answer_is_written_once() {
    let records = real::records(3);
    let faults = [
        Fault::AnswerLost,
        Fault::Refused(503, "SlowDown"),
        Fault::Refused(500, "InternalError"),
        Fault::Refused(409, "ConditionalRequestConflict"),
        Fault::Refused(400, "RequestTimeout"),
    ];
    for fault in faults {
        let server = Server::start();
        let store = open(&server, "one").await.expect("free");
        server.fail("PUT", fault);
        store.append(&records[0]).await.expect("written");
        store.append(&records[1]).await.expect("written");
        assert_eq!(recorded(&store).await, records[..2], "{fault:?}");
        store.release().await.expect("released");
        let again = open(&server, "two").await.expect("free");
        assert_eq!(recorded(&again).await, records[..2], "{fault:?}");
    }
}

#[tokio::test]
async fn a_read_that_fails_in_passing_is_made_again() {
    let records = real::records(1);
    let server = Server::start();
    let store = open(&server, "one").await.expect("free");
    store.append(&records[0]).await.expect("written");
    store.release().await.expect("released");
    for fault in [
        Fault::AnswerLost,
        Fault::Refused(503, "SlowDown"),
        Fault::Refused(500, "InternalError"),
    ] {
        // The lock, both lists and the segment.
        for passed in 0..4 {
            server.fail_after(passed, "GET", fault);
            let store = open(&server, "two").await.expect("free");
            assert_eq!(recorded(&store).await, records[..1], "{fault:?}");
            store.release().await.expect("released");
        }
    }
}

#[tokio::test]
async fn credentials_that_expire_end_the_writing_with_their_own_error_and_the_next_run_goes_on() {
    let records = real::records(1);
    let server = Server::start();
    let store = open(&server, "one").await.expect("free");
    store.append(&records[0]).await.expect("written");
    server.fail("PUT", Fault::Refused(400, "ExpiredToken"));
    let error = store.append(&records[1]).await.expect_err("expired");
    let StateError::Remote { source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.class, payhook::resources::Class::Credentials);
    drop(store);
    let next = open_as(&server, "two", &real::holder("deploy"), Some(false)).await;
    let next = next.expect("its holder is gone");
    assert_eq!(recorded(&next).await, records[..1]);
    next.append(&records[1]).await.expect("written");
}

#[tokio::test]
async fn what_has_arrived_from_elsewhere_does_not_count_before_it_has_left_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = payhook::state::LocalStore::locked(folder.path(), "dev", &real::holder("x"));
    let local = local.expect("a free lock");
    let server = Server::start();
    let bucket = open(&server, "one").await.expect("free");
    let mut state = payhook::state::State::default();
    real::records(1).into_iter().for_each(|r| state.apply(r));
    for store in [&local as &dyn Store, &bucket] {
        let arrived = Record::Arrived {
            from: "elsewhere".to_owned(),
            state: Box::new(state.clone()),
        };
        store.append(&arrived).await.expect("written");
        let error = store.load().await.expect_err("not yet");
        assert!(matches!(error, StateError::Arriving { .. }), "{error}");
        store.append(&Record::Settled).await.expect("written");
        assert_eq!(store.load().await.expect("it counts"), state);
    }
}

#[tokio::test]
async fn a_lock_whose_answer_is_lost_is_ours() {
    let server = Server::start();
    server.fail("PUT", Fault::AnswerLost);
    let store = open(&server, "one").await.expect("ours");
    store.append(&real::records(1)[0]).await.expect("written");
    store.release().await.expect("released");
}

#[tokio::test]
async fn a_write_that_is_not_allowed_says_which_permission_is_missing() {
    let server = Server::start();
    let store = open(&server, "one").await.expect("free");
    server.fail("PUT", Fault::Refused(403, "AccessDenied"));
    let error = store
        .append(&real::records(1)[0])
        .await
        .expect_err("denied");
    let StateError::Remote { source, place, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.call, "s3:PutObject");
    assert_eq!(place, "s3://states/payhook/dev/journal/000000000001");
}

#[tokio::test]
async fn a_bucket_of_another_account_is_refused() {
    let server = Server::start();
    let theirs = objects(&server, "999999999999", "dev");
    let opened = S3Store::locked(theirs, "dev", &real::holder("deploy"), "one", &|_| None).await;
    let error = opened.map(drop).expect_err("another account's");
    assert!(error.to_string().contains("AccessDenied"), "{error}");
}

#[tokio::test]
async fn of_two_writers_the_second_learns_who_the_first_is_and_when_it_counts_as_dead() {
    let server = Server::start();
    let first = open(&server, "one").await.expect("free");
    server.age("payhook/dev/lock", Duration::from_secs(7));
    let error = open(&server, "two").await.map(drop).expect_err("held");
    let StateError::Held { holder, sign, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(**holder, real::holder("deploy"));
    // Dates are in whole seconds.
    let told = [7, 8].map(|age| format!("last sign of life {age} s ago"));
    assert!(told.iter().any(|told| sign.contains(told)), "{sign}");
    first.release().await.expect("released");
    open(&server, "two").await.expect("free");
}

#[tokio::test]
async fn a_dead_holder_is_followed_at_once_on_its_own_machine_and_after_its_lease_from_elsewhere() {
    let records = real::records(3);
    for (age, lives, free) in [
        (0, Some(false), true),
        (0, Some(true), false),
        (41, Some(true), false),
        (30, None, false),
        (41, None, true),
    ] {
        let server = Server::start();
        let stale = open(&server, "one").await.expect("free");
        stale.append(&records[0]).await.expect("written");
        server.age("payhook/dev/lock", Duration::from_secs(age));
        let next = open_as(&server, "two", &real::holder("destroy"), lives).await;
        let Ok(next) = next else {
            assert!(!free, "{age} {lives:?}");
            continue;
        };
        assert!(free, "{age} {lives:?}");
        let error = stale.append(&records[1]).await.expect_err("fenced");
        assert!(matches!(error, StateError::Fenced { .. }), "{error}");
        next.append(&records[2]).await.expect("written");
        assert_eq!(
            recorded(&next).await,
            [records[0].clone(), records[2].clone()]
        );
    }
}

#[tokio::test]
async fn whoever_is_unlocked_writes_nothing_that_counts() {
    let (server, records) = (Server::start(), real::records(3));
    let stale = open(&server, "one").await.expect("free");
    stale.append(&records[0]).await.expect("written");
    let by = real::holder("state unlock");
    S3Store::unlock(client(&server), "dev", &by, "three")
        .await
        .expect("unlocked");
    let error = stale.append(&records[1]).await.expect_err("fenced");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    let fresh = open(&server, "two").await.expect("free");
    assert_eq!(recorded(&fresh).await, records[..1]);
}

#[tokio::test]
async fn any_byte_flipped_or_cut_off_in_any_object_is_an_error_and_never_a_wrong_state() {
    let (server, records) = (Server::start(), real::records(1));
    let store = open(&server, "one").await.expect("free");
    for record in &records {
        store.append(record).await.expect("written");
    }
    store.release().await.expect("released");
    let reader = S3Store::read_only(client(&server), "dev");
    for name in server
        .names()
        .iter()
        .filter(|name| !name.ends_with("/lock"))
    {
        let whole = server.content(name);
        // Every seventh byte of every object, a different one in each: a call for each byte would take minutes.
        for at in (0..whole.len()).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            for damaged in [flipped, whole[..at].to_vec()] {
                server.tamper(name, Some(damaged));
                let error = reader.load().await.expect_err("damaged");
                assert!(
                    matches!(error, StateError::Journal { .. }),
                    "{name} at {at}: {error}"
                );
            }
        }
        server.tamper(name, Some(whole));
    }
    reader.load().await.expect("whole again");
}

#[tokio::test]
async fn a_segment_that_is_gone_is_noticed_wherever_it_was() {
    let (server, records) = (Server::start(), real::records(2));
    let store = open(&server, "one").await.expect("free");
    for record in &records {
        store.append(record).await.expect("written");
    }
    store.release().await.expect("released");
    for slot in 1..=records.len() {
        let name = format!("payhook/dev/journal/{slot:012}");
        let content = server.content(&name);
        server.tamper(&name, None);
        let error = open(&server, "two").await.map(drop).expect_err("missing");
        let StateError::Journal {
            source: JournalError::Missing { slot: missing },
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(*missing, slot as u64);
        server.tamper(&name, Some(content));
    }
    open(&server, "two").await.expect("whole again");
}

#[tokio::test]
async fn another_environments_objects_are_refused() {
    let (server, records) = (Server::start(), real::records(1));
    let store = open(&server, "one").await.expect("free");
    store.append(&records[0]).await.expect("written");
    store.release().await.expect("released");
    for name in server.names() {
        server.tamper(
            &name.replace("/dev/", "/prod/"),
            Some(server.content(&name)),
        );
        server.tamper(&name, None);
    }
    let prod = S3Store::read_only(objects(&server, OWNER, "prod"), "prod");
    let error = prod.load().await.expect_err("dev's");
    assert!(
        matches!(error, StateError::OtherEnvironment { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn records_of_steps_at_once_share_objects_and_a_step_writes_no_more_for_more_resources() {
    let (server, records) = (Server::start(), real::records(20));
    let store = open(&server, "one").await.expect("free");
    let (before, bytes) = (server.calls().len(), server.bytes());
    futures_util::future::join_all(records.iter().map(|record| store.append(record))).await;
    let puts = server.calls().len() - before;
    assert!(
        puts * 4 < records.len(),
        "{puts} calls for {} records",
        records.len()
    );
    let first = server.bytes() - bytes;
    for _ in 0..5 {
        let bytes = server.bytes();
        futures_util::future::join_all(records.iter().map(|record| store.append(record))).await;
        let again = server.bytes() - bytes;
        assert!(again < first + first / 4, "{again} bytes after {first}");
    }
}

#[tokio::test]
async fn a_long_journal_is_folded_and_its_generations_are_kept() {
    let (server, records) = (Server::start(), real::records(1));
    for _ in 0..14 {
        let token = format!("{:?}", Instant::now());
        let holder = real::holder("deploy");
        let mut ledger = payhook::state::ledger::Ledger::open(
            client(&server),
            "dev",
            &holder,
            &token,
            &|_| None,
            false,
        )
        .await
        .expect("free");
        for record in &records {
            ledger.append(vec![record.clone()]).await.expect("written");
        }
        ledger.compact(2).await.expect("folded");
        ledger.release().await.expect("released");
    }
    let names = server.names();
    let snapshots = names
        .iter()
        .filter(|name| name.contains("/snapshots/"))
        .count();
    let segments = names
        .iter()
        .filter(|name| name.contains("/journal/"))
        .count();
    assert_eq!((snapshots, segments), (10, 9 * records.len()));
    let reader = S3Store::read_only(client(&server), "dev");
    let state = reader.load().await.expect("whole");
    assert!(state.complete && !state.entries.is_empty());
    let lines = reader.history().await.expect("whole");
    assert!(
        lines
            .windows(2)
            .all(|pair| pair[1].number == pair[0].number + 1)
    );
    assert_eq!(
        lines.last().expect("a line").number,
        14 * records.len() as u64
    );
}
