//! A series of trials: one verb, every request or a sample of them, each with its fault.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};

use crate::lane::Lane;
use crate::proxy::Fault;

/// Tries every request with every fault when set to `all`; `all:FROM` begins at the trial of that number.
const HOW_MANY: &str = "PAYHOOK_FAULTS";
/// Trials at the same time, each with an emulator of its own.
const LANES: &str = "PAYHOOK_FAULTS_LANES";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Deploy,
    Change,
    Rollback,
    Destroy,
}

/// How everything stands after the verb when nothing goes wrong.
pub struct Reference {
    inventory: Vec<String>,
    outputs: BTreeMap<String, String>,
    requests: usize,
}

impl Verb {
    pub fn words(self) -> &'static str {
        match self {
            Self::Deploy | Self::Change => "deploy",
            Self::Rollback => "rollback",
            Self::Destroy => "destroy --yes",
        }
    }

    /// The world just before the run that is tried.
    pub async fn prepare(self, lane: &Lane) {
        lane.begin().await;
        if self != Self::Deploy {
            lane.payhook("deploy", None).well("the deploy before");
        }
        if matches!(self, Self::Change | Self::Rollback) {
            lane.change().await;
        }
        if self == Self::Rollback {
            lane.payhook("deploy", None).well("the second deploy");
        }
    }

    async fn reference(self, lane: &Lane) -> Reference {
        self.prepare(lane).await;
        lane.payhook(self.words(), None)
            .well("the run that nothing disturbs");
        let requests = lane.proxy.calls().len();
        Reference {
            requests,
            outputs: match self {
                Self::Destroy => BTreeMap::new(),
                _ => lane.outputs().await,
            },
            inventory: lane.inventory().await,
        }
    }

    /// Nothing is duplicated, leaked or lost, and the next run has nothing to do.
    pub async fn holds(self, lane: &Lane, reference: &Reference) {
        assert_same(&lane.inventory().await, &reference.inventory);
        if self != Self::Destroy {
            assert_eq!(lane.outputs().await, reference.outputs, "the outputs");
        }
        lane.payhook(self.words(), None).well("the run after");
        let mutations = lane.proxy.mutations();
        assert!(
            mutations.is_empty(),
            "the run after changed something: {mutations:?}"
        );
        if self == Self::Deploy {
            lane.payhook("destroy --yes", None)
                .well("the destroy after");
            let left = lane.inventory().await;
            assert_eq!(left, ["pending key "], "left behind by the destroy after");
        }
    }
}

fn assert_same(found: &[String], wanted: &[String]) {
    let without = |a: &[String], b: &[String]| {
        let mut rest = a.to_vec();
        for line in b {
            if let Some(at) = rest.iter().position(|one| one == line) {
                rest.remove(at);
            }
        }
        rest
    };
    assert!(
        found == wanted,
        "duplicated or leaked: {:?}\nlost: {:?}",
        without(found, wanted),
        without(wanted, found)
    );
}

/// One trial with the world as it should be at the end.
pub fn once(verb: Verb, trial: impl AsyncFn(&Lane, Verb, &Reference)) {
    let lane = Lane::start();
    runtime().block_on(async {
        let reference = verb.reference(&lane).await;
        trial(&lane, verb, &reference).await;
    });
}

/// Tries a verb with faults at requests spread over its run; `sample` of them unless all are asked for.
pub fn series<T>(verb: Verb, faults: &[Fault], sample: usize, trial: T)
where
    T: AsyncFn(&Lane, Verb, &Reference, usize, Fault) -> bool + Sync,
{
    let first = Lane::start();
    let runtime = runtime();
    let reference = runtime.block_on(verb.reference(&first));
    let (trials, from) = trials(reference.requests, faults, sample);
    let next = AtomicUsize::new(from);
    let tried = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let run = |lane: Lane, runtime: Runtime| {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some((at, fault)) = trials.get(number).copied() else {
                break;
            };
            if number.is_multiple_of(50) {
                println!("trial {number} of {}", trials.len());
            }
            let done = AssertUnwindSafe(trial(&lane, verb, &reference, at, fault)).catch_unwind();
            match runtime.block_on(done) {
                Ok(hit) => tried.fetch_add(usize::from(hit), Ordering::SeqCst),
                Err(panic) => {
                    let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    let call = lane.proxy.calls().get(at).cloned().unwrap_or_default();
                    let text = format!("--- {verb:?}, request {at} ({call}), {fault:?}\n{said}");
                    println!("{text}");
                    broken.lock().expect("the list").push(text);
                    0
                }
            };
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..lanes() {
            scope.spawn(|| run(Lane::start(), self::runtime()));
        }
        run(first, runtime);
    });
    let (tried, requests) = (tried.into_inner(), reference.requests);
    println!("{verb:?} makes {requests} requests: {tried} boundaries tried");
    let broken = broken.into_inner().expect("the list");
    assert!(
        broken.is_empty(),
        "{} of {tried}:\n{}",
        broken.len(),
        broken.join("\n")
    );
    assert!(
        tried >= trials.len().min(sample) / 2,
        "most faults were never reached"
    );
}

fn trials(requests: usize, faults: &[Fault], sample: usize) -> (Vec<(usize, Fault)>, usize) {
    let wish = std::env::var(HOW_MANY).unwrap_or_default();
    if let Some(rest) = wish.strip_prefix("all") {
        let every = |at| faults.iter().map(move |fault| (at, *fault));
        let from = rest.strip_prefix(':').and_then(|from| from.parse().ok());
        return ((0..requests).flat_map(every).collect(), from.unwrap_or(0));
    }
    let spread = |n: usize| (n * requests / sample, faults[n % faults.len()]);
    ((0..sample).map(spread).collect(), 0)
}

fn lanes() -> usize {
    let lanes = std::env::var(LANES)
        .ok()
        .and_then(|lanes| lanes.parse().ok());
    lanes.unwrap_or(1)
}

/// Each lane is a thread with its own, since the SDK's connections end with the runtime they were made in.
fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}
