//! The laws as properties: whatever graphs, configurations, mishaps and delays come together, in whatever order, after
//! every history all of them hold.

mod check;
mod journal;
mod laws;
mod mishap;
mod process;
mod shape;

use check::Check;
use mishap::{Mishap, Tearing, Trouble};
use payhook::resources::Kind;
use process::Verb;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shape::{Slot, Wanted};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// How many histories are tried when nobody says.
const SOME: &str = "300";
const FILE: &str = "tests/laws/histories/kept.jsonl";
const KEPT: &str = include_str!("histories/kept.jsonl");

/// What happens to one environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct History {
    /// Decides all that AWS leaves open: how late things show themselves, how long calls take.
    seed: u64,
    /// Whether several machines share the journal, or one has it for itself.
    #[serde(default)]
    shared: bool,
    slots: Vec<Slot>,
    events: Vec<Happening>,
    last: Wanted,
    drift: (u8, u8),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Happening {
    Run(Verb, Wanted, Mishap),
    /// Two processes at once: the second begins so many milliseconds later, and waits for the lock or not. Only where
    /// the journal is shared; of a journal of its own the machine sees who has it.
    Both(Part, Part, u16, bool),
    /// A property is changed by hand.
    Change(u8, u8),
    /// A resource is deleted by hand.
    Remove(u8),
    /// The state is lost, and made anew or not.
    Lose(bool),
    /// There is place for so many of a kind, until somebody asks AWS for more.
    Quota(Kind, u8),
    /// Time passes, in seconds.
    Pass(u16),
}

/// What one of two processes does.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    verb: Verb,
    wanted: Wanted,
    mishap: Mishap,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let tweaks = prop::collection::vec(prop_oneof![3 => Just(0u8), 2 => any::<u8>()], 6);
    let renamed = prop_oneof![3 => Just(0u8), 1 => any::<u8>()];
    let tagged = prop::bool::weighted(0.2);
    (any::<u8>(), tweaks, 0u8..3, tagged, renamed).prop_map(
        |(declared, tweaks, wiring, tagged, renamed)| Wanted {
            declared,
            tweaks,
            wiring,
            tagged,
            renamed,
        },
    )
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop::sample::select(Trouble::ALL)
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let tear = prop::sample::select(Tearing::ALL);
    let times = prop_oneof![3 => Just(1u8), 1 => 2u8..4, 1 => Just(u8::MAX)];
    let call = (prop::bool::weighted(0.8), 0u8..12, times, trouble());
    prop_oneof![
        2 => Just(Mishap::Nothing),
        4 => call.prop_map(|(writes, at, times, trouble)| Mishap::Call { writes, at, times, trouble }),
        2 => (0u8..20, tear).prop_map(|(at, tear)| Mishap::Write(at, tear)),
        2 => (0u32..40_000).prop_map(Mishap::Kill),
        1 => (0u32..40_000).prop_map(Mishap::Interrupt),
    ]
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        5 => Just(Verb::Deploy),
        1 => Just(Verb::Destroy),
        1 => Just(Verb::Rollback),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    (verb(), wanted(), mishap()).prop_map(|(verb, wanted, mishap)| Part {
        verb,
        wanted,
        mishap,
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let both = (part(), part(), any::<u16>(), any::<bool>());
    prop_oneof![
        8 => (verb(), wanted(), mishap()).prop_map(|(v, w, m)| Happening::Run(v, w, m)),
        1 => both.prop_map(|(first, second, after, patient)| {
            Happening::Both(first, second, after, patient)
        }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(slot, which)| Happening::Change(slot, which)),
        1 => any::<u8>().prop_map(Happening::Remove),
        1 => any::<bool>().prop_map(Happening::Lose),
        1 => (kind(), 0u8..2).prop_map(|(kind, most)| Happening::Quota(kind, most)),
        1 => (0u16..200).prop_map(Happening::Pass),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL)
}

fn history() -> impl Strategy<Value = History> {
    let slot = (kind(), 0u8..4).prop_map(|(kind, wiring)| Slot { kind, wiring });
    (
        (any::<u64>(), prop::bool::weighted(0.2)),
        prop::collection::vec(slot, 1..=6),
        prop::collection::vec(happening(), 1..=4),
        wanted(),
        any::<(u8, u8)>(),
    )
        .prop_map(|((seed, shared), slots, events, last, drift)| History {
            seed,
            shared: shared || events.iter().any(|e| matches!(e, Happening::Both(..))),
            slots,
            events,
            last,
            drift,
        })
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// Lives through a history and checks the laws; says which one is broken.
fn live(history: &History) -> Result<(), String> {
    live_on(&runtime(), history)
}

fn live_on(runtime: &Runtime, history: &History) -> Result<(), String> {
    runtime.block_on(async {
        let mut check = Check::begin(history.seed, &history.slots, history.shared);
        for event in &history.events {
            match event {
                Happening::Run(verb, wanted, mishap) => check.run(verb, wanted, mishap).await?,
                Happening::Both(first, second, after, patient) => {
                    check.both(first, second, *after, *patient).await?;
                }
                Happening::Change(slot, which) => check.change_by_hand(*slot, *which),
                Happening::Remove(slot) => check.remove_by_hand(*slot).await,
                Happening::Lose(rebuilt) => check.lose_state(*rebuilt).await?,
                Happening::Quota(kind, most) => check.limit(*kind, *most),
                Happening::Pass(seconds) => {
                    tokio::time::sleep(Duration::from_secs((*seconds).into())).await;
                }
            }
        }
        check.every_law(&history.last, history.drift).await
    })
}

/// How much is to be tried, and from which seed on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Amount {
    most: u64,
    time: Duration,
    first: u64,
}

impl Amount {
    /// `100000` histories, always the same; `3600s` of new ones; `1@7` is the one of seed 7.
    fn parse(text: &str) -> Option<Self> {
        let (amount, first) = match text.split_once('@') {
            Some((amount, first)) => (amount, Some(first.parse().ok()?)),
            None => (text, None),
        };
        Some(match amount.strip_suffix('s') {
            Some(seconds) => Self {
                most: u64::MAX,
                time: Duration::from_secs(seconds.parse().ok()?),
                first: first.unwrap_or_else(now),
            },
            None => Self {
                most: amount.parse().ok()?,
                time: Duration::MAX,
                first: first.unwrap_or_default(),
            },
        })
    }
}

/// A seed that no run has had before.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(config, rng)
}

/// The history of a seed.
fn drawn(seed: u64) -> impl ValueTree<Value = History> {
    let tree = history().new_tree(&mut runner(seed));
    tree.expect("every seed makes a history")
}

/// What a history of a seed breaks, and the smallest history that breaks anything.
fn shrunk(seed: u64) -> (String, History) {
    let lived = runner(seed).run_one(drawn(seed), |history| {
        live(&history).map_err(TestCaseError::fail)
    });
    match lived {
        Err(TestError::Fail(why, history)) => (why.to_string(), history),
        other => panic!("seed {seed} does not fail again: {other:?}"),
    }
}

/// Lives through histories on every core; answers with how many, and with what those of these seeds break.
fn live_through(amount: Amount) -> (u64, BTreeMap<u64, String>) {
    let start = Instant::now();
    let (next, broken) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let lives = || {
        let runtime = runtime();
        let mut lived = 0;
        while start.elapsed() < amount.time {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= amount.most {
                break;
            }
            let seed = amount.first.wrapping_add(number);
            if let Err(why) = live_on(&runtime, &drawn(seed).current()) {
                let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.insert(seed, why);
            }
            lived += 1;
        }
        lived
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let lived = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(lives)).collect();
        let lived = threads.into_iter().map(|thread| thread.join());
        lived.map(|lived| lived.expect("no panic")).sum()
    });
    (
        lived,
        broken.into_inner().unwrap_or_else(PoisonError::into_inner),
    )
}

/// A history that broke a law once.
#[derive(Deserialize)]
struct Kept {
    broke: String,
    history: History,
}

#[test]
fn no_history_that_broke_a_law_once_breaks_one_again() {
    let kept: Vec<Kept> = KEPT
        .lines()
        .map(|line| serde_json::from_str(line).expect("a history"))
        .collect();
    assert!(!kept.is_empty());
    let again: Vec<String> = kept
        .iter()
        .filter_map(|kept| Some(format!("{} -> {}", kept.broke, live(&kept.history).err()?)))
        .collect();
    assert!(again.is_empty(), "{again:#?}");
}

#[test]
fn after_every_history_every_law_holds() {
    let asked = std::env::var("PAYHOOK_HISTORIES").unwrap_or_else(|_| SOME.to_owned());
    let amount = Amount::parse(&asked).expect("PAYHOOK_HISTORIES is 100000, 3600s or 1@SEED");
    let start = Instant::now();
    let (lived, broken) = live_through(amount);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{lived} histories from seed {} on in {seconds:.1} s",
        amount.first
    );
    assert!(lived > 0);
    let Some((seed, why)) = broken.first_key_value() else {
        return;
    };
    let (small, history) = shrunk(*seed);
    let kept = json!({ "broke": small, "history": history });
    panic!(
        "{} of {lived} histories break a law: {}\n\nthe first is seed {seed} (PAYHOOK_HISTORIES=1@{seed}): {why}\n\nfor {FILE}:\n{kept}",
        broken.len(),
        kinds_of(&broken),
    );
}

/// How often each law is broken; the words before what is told of the case.
fn kinds_of(broken: &BTreeMap<u64, String>) -> String {
    let mut counts: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for (seed, why) in broken {
        let law: String = why.chars().take(60).collect();
        let (count, _) = counts.entry(law).or_insert((0, *seed));
        *count += 1;
    }
    let line = |(law, (count, seed)): (&String, &(usize, u64))| {
        format!("\n  {count} x {law} (seed {seed})")
    };
    counts.iter().map(line).collect()
}

#[test]
fn so_many_histories_for_so_long_or_one_of_them_can_be_asked_for() {
    let (all, forever) = (u64::MAX, Duration::MAX);
    let amount = |most, time, first| Some(Amount { most, time, first });
    assert_eq!(Amount::parse("100000"), amount(100_000, forever, 0));
    assert_eq!(Amount::parse("1@7"), amount(1, forever, 7));
    let hour = Duration::from_secs(3600);
    assert_eq!(Amount::parse("3600s@7"), amount(all, hour, 7));
    assert_ne!(Amount::parse("3600s"), Amount::parse("3600s"));
    assert_eq!(Amount::parse("many"), None);
}
