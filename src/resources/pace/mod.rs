//! Published rates are obeyed before a call is sent rather than met as refusals.

mod queue;
mod rates;
mod sdk;
#[cfg(test)]
mod tests;

use queue::Bucket;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

pub use rates::{RATES, Rate};
pub(super) use sdk::{Named, Paced};

/// Who is told of a wait: its name, and how long it is going to be.
pub type Teller = Arc<dyn Fn(&'static str, Duration) + Send + Sync>;

tokio::task_local! {
    static TELLER: Teller;
    static BEHIND: Duration;
}

/// Waits shorter than this are not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Runs calls so that somebody is told of every wait of theirs that takes longer than a second.
pub async fn telling<T>(teller: Teller, calls: impl Future<Output = T>) -> T {
    TELLER.scope(teller, calls).await
}

/// Runs calls that have so much time of work behind them: of all that wait for a rate, those with the most go first.
pub async fn with_behind<T>(behind: Duration, calls: impl Future<Output = T>) -> T {
    BEHIND.scope(behind, calls).await
}

type Buckets = HashMap<&'static str, Bucket>;

/// When the next call of each rate is due, and who waits for it; every clone shares the same buckets.
#[derive(Clone, Debug, Default)]
pub struct Pace(Arc<Mutex<Buckets>>);

impl Pace {
    /// Waits until every rate that counts the call allows it.
    pub async fn turn(&self, call: &str) {
        for rate in RATES.iter().filter(|rate| rate.counts(call)) {
            queue::wait(self, rate).await;
        }
    }

    /// Takes a call from every rate that counts it, if all allow it now; else names the one that does not.
    pub fn admit(&self, call: &str) -> Result<(), &'static Rate> {
        let now = Instant::now();
        let counting = || RATES.iter().filter(|rate| rate.counts(call));
        let mut buckets = self.lock();
        let mut due = |rate: &Rate| buckets.entry(rate.name).or_default().due(rate, now);
        if let Some(refusing) = counting().find(|rate| due(rate) > now) {
            return Err(refusing);
        }
        for rate in counting() {
            buckets.entry(rate.name).or_default().take(rate, now);
        }
        Ok(())
    }

    /// Other buckets that are as full, for which nobody waits.
    pub fn fork(&self) -> Self {
        let buckets = self.lock();
        let forked = buckets.iter().map(|(name, bucket)| (*name, bucket.fork()));
        Self(Arc::new(Mutex::new(forked.collect())))
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
