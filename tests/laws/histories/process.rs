//! One run of payhook, and everything that can go wrong with it.

use super::journal::Journal;
use super::mishap::{Mishap, Trouble};
use futures_util::FutureExt;
use payhook::engine::{
    Engine, EngineError, Outcome, Run, discard, observe, survey, survey_if_lost,
};
use payhook::graph::Graph;
use payhook::memory::{MemoryCloud, Power};
use payhook::plan::{self, Facts};
use payhook::resources::Cloud;
use payhook::state::{Line, Record, State, StateError, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
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

/// How many steps of each resource have begun and not ended: what replaced one another may be deleted at once.
type Open = Arc<Mutex<BTreeMap<String, usize>>>;

/// How it ended; `None` when it was killed.
pub type End = Option<Result<Outcome, EngineError>>;

/// One environment: its account and its journal.
#[derive(Clone)]
pub struct Place {
    pub cloud: MemoryCloud,
    pub journal: Journal,
    /// Steps between their intent and their result.
    open: Open,
    /// Every process that has come to write, in this order.
    writers: Arc<Mutex<Vec<u32>>>,
    processes: Arc<AtomicU32>,
    /// Breaches of the journal's law.
    breaches: Arc<Mutex<Vec<String>>>,
}

impl Place {
    pub fn new(seed: u64, shared: bool) -> Self {
        Self {
            cloud: MemoryCloud::uncertain(seed),
            journal: Journal::new(shared),
            open: Arc::default(),
            writers: Arc::default(),
            processes: Arc::default(),
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
    pub async fn run(&self, task: &Task<'_>) -> End {
        self.cloud.forget_calls();
        self.process(self.number(), task, true).await
    }

    /// Runs two verbs in two processes, the second of which begins so much later and may not care to wait for the lock.
    /// Answers with how each ended, and whether it came to write, in the order in which they did.
    pub async fn both(
        &self,
        [first, second]: [&Task<'_>; 2],
        after: Duration,
        patient: bool,
    ) -> ([End; 2], Vec<usize>) {
        self.cloud.forget_calls();
        let (one, other) = (self.number(), self.number());
        let later = async {
            sleep(after).await;
            self.process(other, second, patient).await
        };
        let (first, second) = tokio::join!(self.process(one, first, true), later);
        let wrote = locked(&self.writers);
        let wrote = wrote.iter().filter(|n| [one, other].contains(*n));
        let order = wrote.map(|n| usize::from(*n == other)).collect();
        ([first, second], order)
    }

    fn number(&self) -> u32 {
        self.processes.fetch_add(1, Ordering::SeqCst)
    }

    async fn process(&self, number: u32, task: &Task<'_>, patient: bool) -> End {
        let power = Power::default();
        let cancel = CancellationToken::new();
        let process = Process {
            cloud: self
                .cloud
                .with_faults(self.faults(number, task.mishap))
                .on(&power),
            place: self.clone(),
            power: power.clone(),
            cancel: cancel.clone(),
            number,
            patient,
        };
        let interrupt = async {
            if let Mishap::Interrupt(after) = task.mishap {
                sleep(Duration::from_millis((*after).into())).await;
                cancel.cancel();
            }
            std::future::pending::<()>().await;
        };
        let lifetime = match task.mishap {
            Mishap::Kill(after) => Duration::from_millis((*after).into()),
            _ => FOREVER,
        };
        let end = tokio::select! {
            biased;
            () = power.lost() => None,
            end = timeout(lifetime, process.carry_out(task)) => end.ok(),
            () = interrupt => None,
        };
        let died = power.is_cut();
        let _ = power.cut().now_or_never();
        end.filter(|_| !died)
    }

    /// The faults of a run, which also watch that every call that may change something follows its intent.
    fn faults(&self, process: u32, mishap: &Mishap) -> payhook::memory::Faults {
        let (open, breaches) = (self.open.clone(), self.breaches.clone());
        let writers = self.writers.clone();
        let mishap = mishap.clone();
        let count = AtomicUsize::new(0);
        Arc::new(move |_, verb, resource| {
            let writes = matches!(verb, "put" | "delete");
            if writes && !locked(&open).contains_key(resource) {
                locked(&breaches).push(format!("{verb} of {resource} without an intent"));
            }
            if writes && locked(&writers).last() != Some(&process) {
                locked(&breaches)
                    .push(format!("{verb} of {resource} by who is no writer any more"));
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
            // Whoever may not search is told so, and goes by names alone for good.
            let allowed = verb == "search" && matches!(trouble, Trouble::Denied);
            if *wanted != writes || allowed {
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

/// What a process is to do, with what befalls it.
pub struct Task<'a> {
    pub verb: &'a Verb,
    pub graph: &'a Graph,
    /// All that could be declared.
    pub everything: &'a Graph,
    pub facts: &'a Facts,
    pub mishap: &'a Mishap,
}

struct Process {
    cloud: MemoryCloud,
    place: Place,
    power: Power,
    cancel: CancellationToken,
    number: u32,
    /// Whether it waits for the lock.
    patient: bool,
}

impl Process {
    async fn carry_out(&self, task: &Task<'_>) -> Result<Outcome, EngineError> {
        let store = Watched {
            store: self.open(task.mishap).await?,
            open: self.place.open.clone(),
        };
        let done = self.work(&store, task).await;
        store.release().await?;
        done
    }

    /// Opens the journal, and waits for the lock if it is patient.
    async fn open(&self, mishap: &Mishap) -> Result<Box<dyn Store>, StateError> {
        let death = match mishap {
            Mishap::Write(at, tear) => Some((*at, *tear)),
            _ => None,
        };
        loop {
            match self.place.journal.open(death, &self.power).await {
                Err(StateError::Held { .. }) if self.patient => sleep(Duration::from_secs(1)).await,
                Err(error) => return Err(error),
                Ok(store) => {
                    locked(&self.place.writers).push(self.number);
                    return Ok(store);
                }
            }
        }
    }

    async fn work(&self, store: &dyn Store, task: &Task<'_>) -> Result<Outcome, EngineError> {
        let Task {
            verb,
            graph,
            everything,
            facts,
            ..
        } = *task;
        let cancel = self.cancel.clone();
        let engine = Engine::open(&self.cloud, store, discard(), cancel).await?;
        let state = engine.state();
        let run = |verb: &str| Run {
            verb: verb.to_owned(),
            env: facts.env.clone(),
            given: facts.given.clone(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        match verb {
            Verb::Deploy => {
                let found = survey_if_lost(&self.cloud, graph, everything, &state, facts).await?;
                let known = plan::with_strays(&state, graph, &found.strays);
                let plan = plan::build(graph, &known, &found.seen, facts)?;
                engine.apply(&plan, &found.seen, run("deploy")).await
            }
            Verb::Destroy => {
                let found = survey(&self.cloud, graph, everything, &state, facts).await?;
                let owned = plan::owned(graph, &state, &found.seen, facts)?;
                let owned = owned.and(&found.strays);
                let plan = plan::destroy(&owned.entries, &owned.retired);
                engine.apply(&plan, &found.seen, run("destroy")).await
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
    store: Box<dyn Store>,
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

    async fn release(&self) -> Result<(), StateError> {
        self.store.release().await
    }
}
