//! A cloud in memory, behind the same trait as AWS, for tests of the engine: states that settle late, outputs that
//! become visible late, names that clash, and calls that fail or whose answers are lost.
//!
//! It runs on tokio's clock; with the clock paused a deploy of minutes takes milliseconds.

mod account;
mod bound;
mod chance;
mod edges;
mod fault;
mod outputs;
mod power;
mod shapes;
mod store;
mod tagged;
mod traffic;
mod uses;

use crate::resources::{
    Address, Class, Cloud, CloudError, Condition, Delete, Given, Kind, Leftover, Outputs, Pace,
    Put, Seen, Tagged, Tags, definition,
};
use account::Inner;
use async_trait::async_trait;
use chance::Chance;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use traffic::traffic;

pub use crate::resources::{Latency, latency};
pub use bound::{shortest_deploy, shortest_destroy, shortest_preview};
pub use fault::{Fault, Faults};
pub use power::Power;
pub use shapes::Shape;
pub use store::{MemoryStore, Tear};

/// How long a search by tags takes.
const SEARCH: Duration = Duration::from_millis(200);

/// A call as the cloud sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Position among all calls, from 0.
    pub number: usize,
    /// `read`, `put`, `delete`, or `search`, which is about no resource.
    pub verb: &'static str,
    /// Which resource.
    pub resource: String,
    /// Whether it changed something.
    pub mutated: bool,
}

/// An account of AWS in memory.
#[derive(Clone)]
pub struct MemoryCloud {
    given: Given,
    inner: Arc<Mutex<Inner>>,
    faults: Faults,
    power: Power,
    pace: Pace,
    hurried: bool,
}

impl Default for MemoryCloud {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCloud {
    /// An empty account in which nothing goes wrong.
    pub fn new() -> Self {
        let given = Given {
            partition: "aws".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
        };
        Self {
            given,
            inner: Arc::default(),
            faults: Arc::new(|_, _, _| None),
            power: Power::default(),
            pace: Pace::default(),
            hurried: false,
        }
    }

    /// An empty account in which whatever AWS leaves open is drawn from what is published: how long calls and changes
    /// take, and how late what is made shows itself to reads and to other services.
    pub fn uncertain(seed: u64) -> Self {
        let cloud = Self::new();
        cloud.lock().chance = Some(Chance::of(seed));
        cloud
    }

    /// From now on no more than so many of a kind are allowed; `None` is as many as you like.
    pub fn limit(&self, kind: Kind, most: Option<usize>) {
        let mut inner = self.lock();
        match most {
            Some(most) => inner.quotas.insert(kind, most),
            None => inner.quotas.remove(&kind),
        };
    }

    /// The same account as seen by another process.
    pub fn on(&self, power: &Power) -> Self {
        Self {
            power: power.clone(),
            pace: Pace::default(),
            ..self.clone()
        }
    }

    /// Another account that is the same up to now.
    pub fn fork(&self) -> Self {
        let mut inner = self.lock().clone();
        inner.rates = inner.rates.fork();
        Self {
            inner: Arc::new(Mutex::new(inner)),
            pace: self.pace.fork(),
            ..self.clone()
        }
    }

    /// The same account, in which calls fail from now on as told.
    pub fn with_faults(&self, faults: Faults) -> Self {
        Self {
            given: self.given.clone(),
            inner: self.inner.clone(),
            faults,
            power: self.power.clone(),
            pace: self.pace.clone(),
            hurried: self.hurried,
        }
    }

    /// From now on reads show what is made of these kinds only after a while.
    pub fn hide(&self, hidden: impl IntoIterator<Item = (Kind, Duration)>) {
        self.lock().hidden = hidden.into_iter().collect();
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many calls so far changed something.
    pub fn mutations(&self) -> usize {
        self.lock().calls.iter().filter(|call| call.mutated).count()
    }

    /// How many calls were refused because there were too many.
    pub fn throttles(&self) -> usize {
        self.lock().throttles
    }

    /// The same account, called by somebody who does not care for published rates.
    pub fn hurried(&self) -> Self {
        Self {
            hurried: true,
            ..self.clone()
        }
    }

    /// Forgets the calls so far, as a new run begins.
    pub fn forget_calls(&self) {
        let mut inner = self.lock();
        inner.calls.clear();
        inner.orphans.clear();
    }

    /// What AWS would have choked on: uses of what does not exist, deletes under what is still used.
    pub fn problems(&self) -> Vec<String> {
        self.lock().all_problems()
    }

    /// Logical names and properties of everything that exists, by identity.
    pub fn contents(&self) -> BTreeMap<String, (String, Value)> {
        let now = Instant::now();
        let inner = self.lock();
        let alive = inner.items.iter().filter(|(_, item)| !item.is_gone(now));
        alive
            .map(|(id, i)| (id.clone(), (i.logical.clone(), i.properties.clone())))
            .collect()
    }

    /// Changes a property behind payhook's back; `false` when there is no such resource.
    pub fn tamper(&self, logical: &str, change: impl FnOnce(&mut Value, &mut Tags)) -> bool {
        let now = Instant::now();
        let mut inner = self.lock();
        match inner
            .items
            .values_mut()
            .find(|item| item.logical == logical && !item.is_gone(now))
        {
            Some(item) => {
                change(&mut item.properties, &mut item.tags);
                true
            }
            None => false,
        }
    }

    /// Deletes a resource behind payhook's back.
    pub fn remove(&self, logical: &str) {
        let mut inner = self.lock();
        let named = inner
            .items
            .iter()
            .filter(|(_, item)| item.logical == logical);
        let named: Vec<String> = named.map(|(id, _)| id.clone()).collect();
        named.iter().for_each(|id| inner.vanish(id));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Runs one call: the way there, the fault, the effect, the way back.
    async fn call<T>(
        &self,
        verb: &'static str,
        at: &Address,
        effect: impl FnOnce(&mut Inner) -> Result<(T, bool), CloudError>,
    ) -> Result<T, CloudError> {
        self.power.needed().await;
        let way = latency(at.kind).call;
        let traffic = |inner: &Inner| {
            // What has not settled by the first answer is asked for nothing more.
            let found = inner.find(at);
            let found = found.map(|(_, item)| item.condition(Instant::now() + way));
            let exists = found.is_some_and(|found| verb != "read" || found == Condition::Settled);
            traffic(at.kind, verb, exists)
        };
        self.send(verb, at.logical.as_str(), way, traffic, effect)
            .await
    }

    /// Sends one call about a resource, which stands for these calls of AWS.
    async fn send<T>(
        &self,
        verb: &'static str,
        resource: &str,
        way: Duration,
        traffic: impl Fn(&Inner) -> &'static [&'static str],
        effect: impl FnOnce(&mut Inner) -> Result<(T, bool), CloudError>,
    ) -> Result<T, CloudError> {
        let (mut admitted, mut sent) = (Ok(()), 0);
        while let Some(call) = { traffic(&self.lock()).get(sent) } {
            sent += 1;
            if !self.hurried {
                self.pace.turn(call).await;
            }
            // Each is sent when it is its turn, so what came before it has long been counted.
            admitted = admitted.and_then(|()| self.lock().admit(call));
        }
        self.power.needed().await;
        let (number, fault, way) = {
            let mut inner = self.lock();
            let way = inner.time(way);
            let number = inner.calls.len();
            let fault = (self.faults)(number, verb, resource);
            inner.calls.push(Call {
                number,
                verb,
                resource: resource.to_owned(),
                mutated: false,
            });
            (number, fault, way)
        };
        match fault {
            Some(Fault::CrashBefore) => self.power.cut().await,
            Some(Fault::Refused(error)) => {
                sleep(way).await;
                return Err(error);
            }
            _ => sleep(way).await,
        }
        self.power.needed().await;
        let result = {
            let mut inner = self.lock();
            admitted?;
            let result = effect(&mut inner);
            if let (Ok((_, true)), Some(call)) = (&result, inner.calls.get_mut(number)) {
                call.mutated = true;
            }
            result
        };
        match fault {
            Some(Fault::CrashAfter) => self.power.cut().await,
            Some(Fault::AnswerLost) => {
                return Err(CloudError::new(
                    verb,
                    Class::Unavailable,
                    "timeout",
                    "no answer in time",
                ));
            }
            _ => {}
        }
        result.map(|(value, _)| value)
    }
}

#[async_trait]
impl Cloud for MemoryCloud {
    async fn given(&self) -> Result<Given, CloudError> {
        Ok(self.given.clone())
    }

    async fn read(&self, at: &Address) -> Result<Option<Seen>, CloudError> {
        self.call("read", at, |inner| Ok((inner.see(at), false)))
            .await
    }

    async fn leftovers(&self, at: &Address, seen: &Seen) -> Result<Vec<Leftover>, CloudError> {
        let leftover = |properties: &Value, outputs: &Outputs| Leftover {
            properties: definition(at.kind).canonical(properties),
            outputs: outputs.clone(),
        };
        let found = Address {
            properties: seen.properties.clone(),
            ..at.clone()
        };
        self.call("read", at, |inner| {
            let others = inner.others(&found);
            let others = others.iter().map(|i| leftover(&i.properties, &i.outputs));
            Ok((others.collect(), false))
        })
        .await
    }

    async fn tagged(&self, stack: &str, env: &str) -> Result<Vec<Tagged>, CloudError> {
        self.power.needed().await;
        self.send(
            "search",
            "",
            SEARCH,
            |_| &[],
            |inner| Ok((inner.tagged(stack, env), false)),
        )
        .await
    }

    async fn put(&self, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError> {
        let given = self.given.clone();
        let exists = seen.is_some();
        self.call("put", at, move |inner| {
            let found = inner
                .find(at)
                .map(|(id, item)| (id, item.condition(Instant::now())));
            match found.filter(|_| exists) {
                Some((_, Condition::Settling(what))) => Ok((Put::Waiting(what), false)),
                // What AWS gave up can only be made anew.
                Some((id, Condition::Failed(_))) => {
                    inner.delete(at.kind, &id);
                    Ok((Put::Waiting("it to be deleted"), true))
                }
                Some((id, _)) => inner.update(at, &id),
                None => inner.create(&given, at).map(|put| (put, true)),
            }
        })
        .await
    }

    async fn delete(&self, at: &Address, _seen: &Seen) -> Result<Delete, CloudError> {
        self.call("delete", at, |inner| {
            let Some((id, item)) = inner.find(at) else {
                return Ok((Delete::Gone, false));
            };
            if item.deleting.is_some() {
                return Ok((Delete::Waiting("it to be gone"), false));
            }
            inner.check_unused(at, &id);
            Ok((inner.delete(at.kind, &id), true))
        })
        .await
    }
}
