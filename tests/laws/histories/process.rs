//! One run of payhook, and everything that can go wrong with it.

use payhook::engine::{Engine, EngineError, Outcome, Run, discard, observe};
use payhook::graph::Graph;
use payhook::memory::{Fault, MemoryCloud, MemoryStore, Power, Tear};
use payhook::plan::{self, Facts};
use payhook::resources::Cloud;
use payhook::state::{Line, Record, State, StateError, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than any run takes: whoever is not back by then has died.
const FOREVER: Duration = Duration::from_secs(100_000);

/// What is run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Verb {
    Deploy,
    Destroy,
    Rollback,
}

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Mishap {
    Nothing,
    /// A call that writes, or reads, meets a fault; so do some that follow it.
    Call {
        writes: bool,
        at: u8,
        times: u8,
        trouble: Trouble,
    },
    /// Killed at a write of the journal.
    Write(u8, Tearing),
    /// Killed after so many milliseconds.
    Kill(u32),
    /// Asked to stop after so many milliseconds.
    Interrupt(u32),
}

/// What a call can meet.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Trouble {
    Denied,
    OverQuota,
    Throttled,
    ServerError,
    NotArrived,
    Expired,
    AnswerLost,
    CrashBefore,
    CrashAfter,
}

impl Trouble {
    pub const ALL: &[Self] = &[
        Self::Denied,
        Self::OverQuota,
        Self::Throttled,
        Self::ServerError,
        Self::NotArrived,
        Self::Expired,
        Self::AnswerLost,
        Self::CrashBefore,
        Self::CrashAfter,
    ];

    fn fault(self) -> Fault {
        match self {
            Self::Denied => Fault::denied(),
            Self::OverQuota => Fault::over_quota(),
            Self::Throttled => Fault::throttled(),
            Self::ServerError => Fault::server_error(),
            Self::NotArrived => Fault::not_arrived(),
            Self::Expired => Fault::expired(),
            Self::AnswerLost => Fault::AnswerLost,
            Self::CrashBefore => Fault::CrashBefore,
            Self::CrashAfter => Fault::CrashAfter,
        }
    }
}

/// How much of a record is written when the process is killed at it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Tearing {
    Nothing,
    Half,
    All,
}

impl Tearing {
    pub const ALL: &[Self] = &[Self::Nothing, Self::Half, Self::All];

    fn tear(self) -> Tear {
        match self {
            Self::Nothing => Tear::Before,
            Self::Half => Tear::Torn,
            Self::All => Tear::After,
        }
    }
}

/// How many steps of each resource have begun and not ended: what replaced one another may be deleted at once.
type Open = Arc<Mutex<BTreeMap<String, usize>>>;

/// How it ended; `None` when it was killed.
pub type End = Option<Result<Outcome, EngineError>>;

/// One environment: its account and its journal.
#[derive(Clone)]
pub struct Place {
    pub cloud: MemoryCloud,
    pub store: MemoryStore,
    /// Steps between their intent and their result.
    open: Open,
    /// Breaches of the journal's law.
    breaches: Arc<Mutex<Vec<String>>>,
}

impl Place {
    pub fn new(seed: u64) -> Self {
        Self {
            cloud: MemoryCloud::uncertain(seed),
            store: MemoryStore::new(),
            open: Arc::default(),
            breaches: Arc::default(),
        }
    }

    pub fn breaches(&self) -> Vec<String> {
        locked(&self.breaches).clone()
    }

    pub fn open(&self) -> BTreeSet<String> {
        locked(&self.open).keys().cloned().collect()
    }

    pub async fn facts(&self, tagged: bool) -> Facts {
        let tags = tagged.then(|| ("team".to_owned(), "payments".to_owned()));
        let artifacts = [payhook::stack::VALIDATOR, payhook::stack::PROCESSOR];
        Facts {
            stack: payhook::stack::NAME.to_owned(),
            env: "dev".to_owned(),
            given: self.cloud.given().await.expect("it is known"),
            artifacts: artifacts.map(|f| (f.to_owned(), format!("sha-{f}"))).into(),
            tags: tags.into_iter().collect(),
        }
    }

    /// Runs a verb, in a process of its own.
    pub async fn run(&self, verb: &Verb, graph: &Graph, facts: &Facts, mishap: &Mishap) -> End {
        self.cloud.forget_calls();
        let power = Power::default();
        let cancel = CancellationToken::new();
        let store = match mishap {
            Mishap::Write(at, tear) => self.store.crashing(usize::from(*at), tear.tear(), &power),
            _ => self.store.reopened().on(&power),
        };
        let process = Process {
            cloud: self.cloud.with_faults(self.faults(mishap)).on(&power),
            store: Watched {
                store,
                open: self.open.clone(),
            },
            cancel: cancel.clone(),
        };
        let interrupt = async {
            if let Mishap::Interrupt(after) = mishap {
                sleep(Duration::from_millis((*after).into())).await;
                cancel.cancel();
            }
            std::future::pending::<()>().await;
        };
        let lifetime = match mishap {
            Mishap::Kill(after) => Duration::from_millis((*after).into()),
            _ => FOREVER,
        };
        tokio::select! {
            end = timeout(lifetime, process.carry_out(verb, graph, facts)) => end.ok(),
            () = interrupt => None,
        }
    }

    /// The faults of a run, which also watch that every call that may change something follows its intent.
    fn faults(&self, mishap: &Mishap) -> payhook::memory::Faults {
        let (open, breaches) = (self.open.clone(), self.breaches.clone());
        let mishap = mishap.clone();
        let count = AtomicUsize::new(0);
        Arc::new(move |_, verb, resource| {
            let writes = verb != "read";
            if writes && !locked(&open).contains_key(resource) {
                locked(&breaches).push(format!("{verb} of {resource} without an intent"));
            }
            let Mishap::Call {
                writes: wanted,
                at,
                times,
                trouble,
            } = &mishap
            else {
                return None;
            };
            if *wanted != writes {
                return None;
            }
            let number = count.fetch_add(1, Ordering::SeqCst);
            let span = usize::from(*at)..usize::from(*at) + usize::from(*times);
            span.contains(&number).then(|| trouble.fault())
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Process {
    cloud: MemoryCloud,
    store: Watched,
    cancel: CancellationToken,
}

impl Process {
    async fn carry_out(
        &self,
        verb: &Verb,
        graph: &Graph,
        facts: &Facts,
    ) -> Result<Outcome, EngineError> {
        let cancel = self.cancel.clone();
        let engine = Engine::open(&self.cloud, &self.store, discard(), cancel).await?;
        let state = engine.state();
        let run = |verb: &str| Run {
            verb: verb.to_owned(),
            env: facts.env.clone(),
            given: facts.given.clone(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        match verb {
            Verb::Deploy => {
                let seen = observe(&self.cloud, graph, &state, facts).await?;
                let plan = plan::build(graph, &state, &seen, facts)?;
                engine.apply(&plan, &seen, run("deploy")).await
            }
            Verb::Destroy => {
                let seen = observe(&self.cloud, graph, &state, facts).await?;
                let owned = plan::owned(graph, &state, &seen, facts)?;
                let plan = plan::destroy(&owned.entries, &owned.retired);
                engine.apply(&plan, &BTreeMap::new(), run("destroy")).await
            }
            Verb::Rollback => {
                let Some(good) = plan::target(&state, &facts.given) else {
                    return Ok(Outcome::Completed);
                };
                let facts = Facts {
                    tags: plan::tags_of(good),
                    ..facts.clone()
                };
                let graph = plan::graph_of(good, &facts.given);
                let seen = observe(&self.cloud, &graph, &state, &facts).await?;
                let plan = plan::rollback(good, &state, &seen, &facts)?;
                engine.record(Record::Returning { run: good.run }).await?;
                engine.apply(&plan, &seen, run("rollback")).await
            }
        }
    }
}

/// A journal that knows which steps are between intent and result.
struct Watched {
    store: MemoryStore,
    open: Open,
}

#[async_trait::async_trait]
impl Store for Watched {
    async fn load(&self) -> Result<State, StateError> {
        let state = self.store.load().await?;
        locked(&self.open).clear();
        Ok(state)
    }

    async fn history(&self) -> Result<Vec<Line>, StateError> {
        self.store.history().await
    }

    async fn append(&self, record: &Record) -> Result<(), StateError> {
        self.store.append(record).await?;
        let mut open = locked(&self.open);
        match record {
            Record::Intent { resource, .. } | Record::Making { resource, .. } => {
                *open.entry(resource.to_string()).or_default() += 1;
            }
            Record::Put {
                resource,
                done: true,
                ..
            }
            | Record::Unmade { resource }
            | Record::Deleted { resource }
            | Record::DeletedRetired { resource, .. } => {
                if let Some(begun) = open.get_mut(resource.as_str()) {
                    *begun -= 1;
                }
                open.retain(|_, begun| *begun > 0);
            }
            _ => {}
        }
        Ok(())
    }

    async fn finish(&self) -> Result<(), StateError> {
        self.store.finish().await
    }
}
