//! A store whose every operation waits until somebody lets it happen.

use async_trait::async_trait;
use payhook::resources::{Class, CloudError};
use payhook::state::ledger::{Condition, Object, Objects, Written};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

/// A rule of the protocol that the store does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// Segments without records, which shut a predecessor out, are acknowledged and not written.
    NoFence,
    /// What may be written once is written again.
    Overwrites,
    /// Lists do not show the newest object.
    OldLists,
}

/// The bucket, and the time.
#[derive(Default)]
pub struct World {
    broken: Option<Broken>,
    /// Content, tag, time of the last write.
    pub objects: BTreeMap<String, (Vec<u8>, u64, Duration)>,
    pub now: Duration,
    tags: u64,
}

/// What a process asks of the store.
#[derive(Clone, Debug)]
pub enum Ask {
    Get(String),
    Put(String, Vec<u8>, Condition),
    List(String),
    Pause,
}

#[derive(Clone, Debug, Hash)]
pub enum Answer {
    Got(Option<(Vec<u8>, String, u64)>),
    Put(Option<String>),
    Listed(Vec<String>),
    Paused,
    /// The operation took place, and nobody was told.
    Lost,
}

/// What one process has asked and been told; it may ask for several things at once.
#[derive(Default)]
pub struct Desk {
    asked: VecDeque<(usize, Ask)>,
    answered: BTreeMap<usize, Answer>,
    waiting: BTreeMap<usize, Waker>,
    tickets: usize,
}

impl Desk {
    /// The next operation to take place.
    pub fn next(&mut self) -> Option<(usize, Ask)> {
        self.asked.pop_front()
    }

    pub fn answer(&mut self, ticket: usize, answer: Answer) {
        self.answered.insert(ticket, answer);
        if let Some(waker) = self.waiting.remove(&ticket) {
            waker.wake();
        }
    }

    fn ask(&mut self, ask: Ask) -> usize {
        self.tickets += 1;
        self.asked.push_back((self.tickets, ask));
        self.tickets
    }
}

/// The store as one process sees it.
#[derive(Clone)]
pub struct View {
    pub desk: Arc<Mutex<Desk>>,
    pub world: Arc<Mutex<World>>,
}

impl View {
    async fn ask(&self, ask: Ask) -> Answer {
        let ticket = self.desk.lock().expect("a desk").ask(ask);
        std::future::poll_fn(|context| {
            let mut desk = self.desk.lock().expect("a desk");
            match desk.answered.remove(&ticket) {
                Some(answer) => Poll::Ready(answer),
                None => {
                    desk.waiting.insert(ticket, context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

fn lost() -> CloudError {
    CloudError::new("model", Class::Unavailable, "timeout", "no answer in time")
}

#[async_trait]
impl Objects for View {
    async fn get(&self, name: &str) -> Result<Option<Object>, CloudError> {
        match self.ask(Ask::Get(name.to_owned())).await {
            Answer::Got(found) => Ok(found.map(|(bytes, tag, age)| Object {
                bytes,
                tag,
                age: Duration::from_secs(age),
            })),
            _ => Err(lost()),
        }
    }

    async fn put(
        &self,
        name: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Written, CloudError> {
        let ask = Ask::Put(name.to_owned(), bytes.to_vec(), condition.clone());
        match self.ask(ask).await {
            Answer::Put(Some(tag)) => Ok(Written::Done(tag)),
            Answer::Put(None) => Ok(Written::Refused),
            _ => Err(lost()),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        match self.ask(Ask::List(prefix.to_owned())).await {
            Answer::Listed(names) => Ok(names),
            _ => Err(lost()),
        }
    }

    async fn delete(&self, _: &str) -> Result<(), CloudError> {
        Ok(())
    }

    async fn pause(&self, _: Duration) {
        self.ask(Ask::Pause).await;
    }

    fn elapsed(&self) -> Duration {
        self.world.lock().expect("a world").now
    }

    fn place(&self, name: &str) -> String {
        format!("model/{name}")
    }
}

/// A segment without records is its head and nothing else.
fn is_fence(name: &str, bytes: &[u8]) -> bool {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    name.starts_with("journal/") && lines == 1
}

impl World {
    pub fn new(broken: Option<Broken>) -> Self {
        Self {
            broken,
            ..Self::default()
        }
    }

    pub fn carry_out(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Get(name) => Answer::Got(self.objects.get(&name).map(|(bytes, tag, at)| {
                (bytes.clone(), tag.to_string(), (self.now - *at).as_secs())
            })),
            Ask::Put(name, bytes, condition) => {
                let there = self.objects.get(&name).map(|(_, tag, _)| tag.to_string());
                let again = self.broken == Some(Broken::Overwrites);
                let holds = match condition {
                    Condition::Absent => there.is_none() || again,
                    Condition::Unchanged(tag) => there == Some(tag),
                };
                if !holds {
                    return Answer::Put(None);
                }
                self.tags += 1;
                if self.broken == Some(Broken::NoFence) && is_fence(&name, &bytes) {
                    return Answer::Put(Some(self.tags.to_string()));
                }
                self.objects.insert(name, (bytes, self.tags, self.now));
                Answer::Put(Some(self.tags.to_string()))
            }
            Ask::List(prefix) => {
                let names = self.objects.keys();
                let names = names.filter(|n| n.starts_with(&prefix)).cloned();
                let mut names: Vec<String> = names.collect();
                if self.broken == Some(Broken::OldLists) {
                    names.pop();
                }
                Answer::Listed(names)
            }
            Ask::Pause => Answer::Paused,
        }
    }
}
