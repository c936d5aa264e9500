//! Two runs at once: one proceeds, the other says who is at work, or waits. Whoever dies is followed.

use super::clients::Clients;
use super::emulator::Stock;
use super::inventory::inventory;
use super::machine::{self, Machine};

/// What a deploy says once it holds the lock and changes something.
const AT_WORK: &str = "\"event\":\"stepStarted\"";

/// Two machines on one state; with the local backend that is one machine.
struct Pair {
    clients: Clients,
    first: Machine,
    second: Option<Machine>,
    _emulator: Stock,
}

impl Pair {
    fn new(backend: &str) -> Self {
        let emulator = machine::emulator();
        let machine = || {
            let machine = Machine::new(&emulator.endpoint);
            machine.keeps_state_in(backend);
            machine
        };
        let (first, second) = (machine(), (backend == "s3").then(machine));
        if second.is_some() {
            first.payhook("state init").well("the bucket");
        }
        Self {
            clients: Clients::emulated(&emulator.endpoint),
            first,
            second,
            _emulator: emulator,
        }
    }

    fn second(&self) -> &Machine {
        self.second.as_ref().unwrap_or(&self.first)
    }

    /// Nothing is left to do, and nothing is there twice.
    async fn is_deployed_once(&self) {
        self.second()
            .payhook("preview --detailed-exitcode")
            .well("nothing is left to do");
        let mut found = inventory(&self.clients).await;
        let (all, keys) = (
            found.len(),
            found.iter().filter(|one| one.starts_with("key ")).count(),
        );
        found.dedup();
        assert_eq!((found.len(), keys), (all, 1), "{found:#?}");
    }
}

async fn one_proceeds_and_the_other_says_who(backend: &str) {
    let pair = Pair::new(backend);
    let first = pair.first.start("deploy --json");
    first.until(AT_WORK);
    let refused = pair.second().payhook("deploy");
    assert_eq!(refused.code, Some(5), "{}", refused.said);
    let who = format!("process {}", first.id());
    assert!(refused.said.contains(&who), "{}", refused.said);
    let waiting = pair.second().start("deploy --lock-timeout 2m");
    waiting.until("Waiting: ");
    first.ended().well("the first");
    waiting.ended().well("the one that waited");
    pair.is_deployed_once().await;
}

async fn whoever_is_killed_is_followed_at_once(backend: &str) {
    let pair = Pair::new(backend);
    let first = pair.first.start("deploy --json");
    first.until(AT_WORK);
    first.signal(libc::SIGKILL);
    first.ended();
    pair.second().payhook("deploy").well("the next");
    pair.is_deployed_once().await;
}

async fn a_lock_is_taken_away_only_by_whoever_says_yes(backend: &str) {
    let pair = Pair::new(backend);
    let free = pair.second().payhook("state unlock").well("free");
    assert!(free.contains("Nobody holds the lock"), "{free}");
    let first = pair.first.start("deploy --json");
    first.until(AT_WORK);
    first.signal(libc::SIGSTOP);
    let asked = pair.second().payhook("state unlock");
    assert_eq!(asked.code, Some(3), "{}", asked.said);
    let who = format!("process {}", first.id());
    assert!(asked.said.contains(&who), "{}", asked.said);
    let held = pair.second().payhook("deploy");
    assert_eq!(held.code, Some(5), "{}", held.said);
    pair.second().payhook("state unlock --yes").well("unlocked");
    // Ended where it stopped: what it had under way must not come after all.
    first.signal(libc::SIGKILL);
    first.ended();
    pair.second().payhook("deploy").well("the next");
    pair.is_deployed_once().await;
}

async fn whoever_lost_the_lock_while_it_slept_stops_and_changes_nothing_more(backend: &str) {
    let pair = Pair::new(backend);
    let first = pair.first.start("deploy --json");
    first.until(AT_WORK);
    first.signal(libc::SIGSTOP);
    pair.second().payhook("state unlock --yes").well("unlocked");
    first.signal(libc::SIGCONT);
    let stopped = first.ended();
    assert_eq!(stopped.code, Some(5), "{}", stopped.said);
    assert!(stopped.said.contains("taken over"), "{}", stopped.said);
    let made = inventory(&pair.clients).await.len();
    pair.second().payhook("deploy").well("the next");
    pair.is_deployed_once().await;
    let all = inventory(&pair.clients).await.len();
    assert!(made < all, "it went on to the end: {made} of {all}");
}

macro_rules! on_each_backend {
    ($($law:ident),* $(,)?) => {
        mod local {
            $(#[tokio::test] async fn $law() { super::$law("local").await; })*
        }
        mod s3 {
            $(#[tokio::test] async fn $law() { super::$law("s3").await; })*
        }
    };
}

on_each_backend!(
    one_proceeds_and_the_other_says_who,
    whoever_is_killed_is_followed_at_once,
    a_lock_is_taken_away_only_by_whoever_says_yes,
    whoever_lost_the_lock_while_it_slept_stops_and_changes_nothing_more,
);
