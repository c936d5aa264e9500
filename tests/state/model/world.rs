//! A store whose every operation waits until somebody lets it happen.

use async_trait::async_trait;
use payhook::resources::{Class, CloudError};
use payhook::state::ledger::{Condition, Object, Objects, Written};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The bucket, and the time.
#[derive(Default)]
pub struct World {
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

impl World {
    pub fn carry_out(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Get(name) => Answer::Got(self.objects.get(&name).map(|(bytes, tag, at)| {
                (bytes.clone(), tag.to_string(), (self.now - *at).as_secs())
            })),
            Ask::Put(name, bytes, condition) => {
                let there = self.objects.get(&name).map(|(_, tag, _)| tag.to_string());
                let holds = match condition {
                    Condition::Absent => there.is_none(),
                    Condition::Unchanged(tag) => there == Some(tag),
                };
                if !holds {
                    return Answer::Put(None);
                }
                self.tags += 1;
                self.objects.insert(name, (bytes, self.tags, self.now));
                Answer::Put(Some(self.tags.to_string()))
            }
            Ask::List(prefix) => {
                let names = self.objects.keys();
                Answer::Listed(names.filter(|n| n.starts_with(&prefix)).cloned().collect())
            }
            Ask::Pause => Answer::Paused,
        }
    }
}
