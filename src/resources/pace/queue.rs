//! Who goes first where more calls wait than a rate allows.

use super::{BEHIND, Pace, Rate, TELLER, WORTH_TELLING};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Those with the most work behind them first, else whoever came first.
type Place = (Reverse<Duration>, u64);

/// One rate: kept as the time at which it would be full again (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub(super) struct Bucket {
    full: Option<Instant>,
    waiting: BTreeMap<Place, Arc<Notify>>,
    came: u64,
}

impl Bucket {
    /// When the next call is allowed, from now on.
    pub fn due(&self, rate: &Rate, now: Instant) -> Instant {
        let slack = rate.every() * rate.burst.saturating_sub(1);
        let due = self.full.and_then(|at| at.checked_sub(slack));
        due.map_or(now, |at| at.max(now))
    }

    /// Takes one call.
    pub fn take(&mut self, rate: &Rate, at: Instant) {
        self.full = Some(self.full.map_or(at, |full| full.max(at)) + rate.every());
    }

    /// As full as this one.
    pub fn fork(&self) -> Self {
        Self {
            full: self.full,
            ..Self::default()
        }
    }

    /// Tells whoever is first now.
    fn wake(&self) {
        if let Some((_, first)) = self.waiting.first_key_value() {
            first.notify_one();
        }
    }
}

/// Waits until it is the turn of a call.
pub(super) async fn wait(pace: &Pace, rate: &'static Rate) {
    let Some(waiting) = Waiting::enter(pace, rate) else {
        return;
    };
    loop {
        match waiting.step() {
            Step::Gone => return,
            Step::Until(due) => tokio::select! {
                () = sleep_until(due) => {}
                () = waiting.notify.notified() => {}
            },
            Step::Behind => waiting.notify.notified().await,
        }
    }
}

/// A call that stands in the queue of a rate; dropped, it leaves its place to the others.
struct Waiting<'a> {
    pace: &'a Pace,
    rate: &'static Rate,
    place: Place,
    notify: Arc<Notify>,
}

enum Step {
    /// It was its turn.
    Gone,
    /// It is next, at this time.
    Until(Instant),
    /// Others are before it.
    Behind,
}

impl<'a> Waiting<'a> {
    /// Takes a place in the queue; `None` when it need not wait at all.
    fn enter(pace: &'a Pace, rate: &'static Rate) -> Option<Self> {
        let now = Instant::now();
        let mut buckets = pace.lock();
        let bucket = buckets.entry(rate.name).or_default();
        let due = bucket.due(rate, now);
        if bucket.waiting.is_empty() && due <= now {
            bucket.take(rate, now);
            return None;
        }
        let behind = BEHIND.try_with(|behind| *behind).unwrap_or_default();
        bucket.came += 1;
        let place = (Reverse(behind), bucket.came);
        let before = bucket.waiting.range(..place).count();
        let notify = Arc::new(Notify::new());
        bucket.waiting.insert(place, notify.clone());
        let wait = (due - now) + rate.every() * u32::try_from(before).unwrap_or(u32::MAX);
        drop(buckets);
        if wait > WORTH_TELLING {
            // Without an engine there is nobody to tell.
            let _ = TELLER.try_with(|tell| tell(rate.name, wait));
        }
        Some(Self {
            pace,
            rate,
            place,
            notify,
        })
    }

    /// Goes through if it is its turn now.
    fn step(&self) -> Step {
        let now = Instant::now();
        let mut buckets = self.pace.lock();
        let bucket = buckets.entry(self.rate.name).or_default();
        let first = bucket.waiting.first_key_value();
        if first.is_none_or(|(place, _)| *place != self.place) {
            return Step::Behind;
        }
        let due = bucket.due(self.rate, now);
        if due > now {
            return Step::Until(due);
        }
        bucket.take(self.rate, now);
        bucket.waiting.remove(&self.place);
        bucket.wake();
        Step::Gone
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut buckets = self.pace.lock();
        if let Some(bucket) = buckets.get_mut(self.rate.name)
            && bucket.waiting.remove(&self.place).is_some()
        {
            bucket.wake();
        }
    }
}
