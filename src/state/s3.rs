//! State in a bucket that several machines share.

mod bucket;
mod client;

use super::ledger::{self, Alive, Ledger, Objects, Standing};
use super::{Holder, Line, Record, State, StateError, Store, guard};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

pub use bucket::{Account, Bucket, BucketError, Reach};
pub use client::Client;

/// Records that wait for the same write at most.
const BATCH: usize = 256;

/// The state of one environment in a bucket.
///
/// Layout below `PREFIX/ENV/`: `lock`, `journal/SLOT`, `snapshots/SLOT`; see [`ledger`].
pub struct S3Store {
    objects: Arc<dyn Objects>,
    env: String,
    work: Option<mpsc::Sender<Work>>,
}

/// What the one task that writes is asked to do.
enum Work {
    Append(Box<Record>, Answer),
    Finish(Answer),
    Release(Answer),
}

type Answer = oneshot::Sender<Result<(), StateError>>;

impl S3Store {
    /// Opens for reading only; takes no lock and writes nothing.
    pub fn read_only(objects: Arc<dyn Objects>, env: &str) -> Self {
        Self {
            objects,
            env: env.to_owned(),
            work: None,
        }
    }

    /// Opens for writing under the environment's lock.
    ///
    /// The lock is kept alive until it is given back or this is dropped.
    pub async fn locked(
        objects: Arc<dyn Objects>,
        env: &str,
        holder: &Holder,
        token: &str,
        alive: &Alive,
    ) -> Result<Self, StateError> {
        let ledger = Ledger::open(objects.clone(), env, holder, token, alive, false).await?;
        let (work, orders) = mpsc::channel(BATCH);
        tokio::spawn(write(ledger, orders));
        Ok(Self {
            work: Some(work),
            ..Self::read_only(objects, env)
        })
    }

    /// Who holds the lock, dead or alive.
    pub async fn holder(
        objects: &dyn Objects,
        env: &str,
        alive: &Alive,
    ) -> Result<Standing, StateError> {
        ledger::look(objects, env, alive).await
    }

    /// Takes the lock away from whoever has it; from then on nothing they write counts.
    pub async fn unlock(
        objects: Arc<dyn Objects>,
        env: &str,
        by: &Holder,
        token: &str,
    ) -> Result<(), StateError> {
        let mut ledger = Ledger::open(objects, env, by, token, &|_| None, true).await?;
        ledger.release().await
    }

    async fn ask(&self, order: impl FnOnce(Answer) -> Work) -> Result<(), StateError> {
        let (answer, answered) = oneshot::channel();
        let Some(work) = &self.work else {
            return Err(self.over());
        };
        let sent = work.send(order(answer)).await;
        match (sent, answered.await) {
            (Ok(()), Ok(result)) => result,
            _ => Err(self.over()),
        }
    }

    /// Why nothing is written: without the task that writes there is no lock.
    fn over(&self) -> StateError {
        StateError::Fenced {
            env: self.env.clone(),
        }
    }

    async fn contents(&self, from: ledger::From) -> Result<ledger::Contents, StateError> {
        ledger::read(&*self.objects, &self.env, from).await
    }
}

/// Writes what it is asked to, records that wait at the same time in one object, and gives signs of life in between.
async fn write(mut ledger: Ledger, mut orders: mpsc::Receiver<Work>) {
    let mut beat = interval(Ledger::BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.tick().await;
    let mut waiting = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            // A failed sign of life shows at the next append, or not at all.
            _ = beat.tick() => drop(ledger.renew().await),
            received = orders.recv_many(&mut waiting, BATCH) => {
                if received == 0 {
                    return;
                }
                if carry_out(&mut ledger, &mut waiting).await {
                    return;
                }
            }
        }
    }
}

/// Answers whether the lock was given back.
async fn carry_out(ledger: &mut Ledger, waiting: &mut Vec<Work>) -> bool {
    let (mut records, mut answers, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for work in waiting.drain(..) {
        match work {
            Work::Append(record, answer) => {
                records.push(*record);
                answers.push(answer);
            }
            other => rest.push(other),
        }
    }
    if !records.is_empty() {
        let result = ledger.append(records).await;
        // Whoever asked may have gone away since.
        answers
            .into_iter()
            .for_each(|a| drop(a.send(result.clone())));
    }
    let mut released = false;
    for work in rest {
        let (answer, result) = match work {
            Work::Finish(answer) => (answer, ledger.finish().await),
            Work::Release(answer) => {
                released = true;
                (answer, ledger.release().await)
            }
            Work::Append(..) => continue,
        };
        let _ = answer.send(result);
    }
    released
}

#[async_trait]
impl Store for S3Store {
    async fn load(&self) -> Result<State, StateError> {
        let contents = self.contents(ledger::From::Newest).await?;
        guard(contents.state(), &self.env, &self.objects.place(""))
    }

    async fn history(&self) -> Result<Vec<Line>, StateError> {
        Ok(self.contents(ledger::From::Oldest).await?.lines)
    }

    async fn append(&self, record: &Record) -> Result<(), StateError> {
        let record = Box::new(record.clone());
        self.ask(|answer| Work::Append(record, answer)).await
    }

    async fn finish(&self) -> Result<(), StateError> {
        self.ask(Work::Finish).await
    }

    async fn release(&self) -> Result<(), StateError> {
        match self.work {
            Some(_) => self.ask(Work::Release).await,
            None => Ok(()),
        }
    }
}
