//! Published rates are obeyed before a call is sent rather than met as refusals.

mod rates;
mod sdk;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub use rates::{RATES, Rate};
pub(super) use sdk::{Named, Paced};

/// Who is told of a wait: its name, and how long it is going to be.
pub type Teller = Arc<dyn Fn(&'static str, Duration) + Send + Sync>;

tokio::task_local! {
    static TELLER: Teller;
}

/// Waits shorter than this are not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Runs calls so that somebody is told of every wait of theirs that takes longer than a second.
pub async fn telling<T>(teller: Teller, calls: impl Future<Output = T>) -> T {
    TELLER.scope(teller, calls).await
}

/// When the next call of each rate is due; every clone shares the same buckets.
///
/// A bucket is kept as the time at which it would be full again (the generic cell rate algorithm).
#[derive(Clone, Debug, Default)]
pub struct Pace(Arc<Mutex<HashMap<&'static str, Instant>>>);

impl Pace {
    /// Waits until every rate that counts the call allows it.
    pub async fn turn(&self, call: &str) {
        for rate in RATES.iter().filter(|rate| rate.counts(call)) {
            let wait = self.reserve(rate);
            if wait.is_zero() {
                continue;
            }
            if wait > WORTH_TELLING {
                // Without an engine there is nobody to tell.
                let _ = TELLER.try_with(|tell| tell(rate.name, wait));
            }
            sleep(wait).await;
        }
    }

    /// Takes a call from every rate that counts it, if all allow it now; else names the one that does not.
    pub fn admit(&self, call: &str) -> Result<(), &'static Rate> {
        let now = Instant::now();
        let counting = || RATES.iter().filter(|rate| rate.counts(call));
        let mut full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refusing) = counting().find(|rate| due(&full, rate, now) > now) {
            return Err(refusing);
        }
        for rate in counting() {
            take(&mut full, rate, now);
        }
        Ok(())
    }

    /// Other buckets that are as full.
    pub fn fork(&self) -> Self {
        let full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self(Arc::new(Mutex::new(full.clone())))
    }

    /// Takes the next call of a rate and says how long it is until then.
    fn reserve(&self, rate: &'static Rate) -> Duration {
        let now = Instant::now();
        let mut full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = due(&full, rate, now);
        take(&mut full, rate, due);
        due - now
    }
}

fn due(full: &HashMap<&'static str, Instant>, rate: &Rate, now: Instant) -> Instant {
    let slack = rate.every() * rate.burst.saturating_sub(1);
    let full = full.get(rate.name).copied();
    full.and_then(|at| at.checked_sub(slack))
        .map_or(now, |at| at.max(now))
}

fn take(full: &mut HashMap<&'static str, Instant>, rate: &'static Rate, at: Instant) {
    let entry = full.entry(rate.name).or_insert(at);
    *entry = (*entry).max(at) + rate.every();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    async fn times(pace: &Pace, call: &str, count: usize) -> Vec<u64> {
        let start = Instant::now();
        let mut at = Vec::new();
        for _ in 0..count {
            pace.turn(call).await;
            at.push(start.elapsed().as_millis() as u64);
        }
        at
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_through_and_the_rest_follows_at_the_published_rate() {
        let pace = Pace::default();
        let at = times(&pace, "cloudwatch:PutMetricAlarm", 6).await;
        assert_eq!(at, [0, 0, 0, 334, 668, 1002]);
        sleep(Duration::from_secs(60)).await;
        let at = times(&pace, "cloudwatch:PutMetricAlarm", 3).await;
        assert_eq!(at, [0, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_its_own_rate_takes_nothing_of_its_service_meanwhile() {
        let pace = Pace::default();
        pace.turn("apigateway:DeleteRestApi").await;
        let late = pace.turn("apigateway:DeleteRestApi");
        let others = times(&pace, "apigateway:GetStage", 39);
        let (_, others) = tokio::join!(late, others);
        assert_eq!(others.last(), Some(&0));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_without_a_published_rate_never_wait() {
        let at = times(&Pace::default(), "iam:CreateRole", 500).await;
        assert_eq!(at.last(), Some(&0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_more_than_a_second_is_told_by_its_name_and_a_shorter_one_is_not() {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let into = told.clone();
        let teller: Teller = Arc::new(move |name, wait| {
            let line = format!("{name}, {} s", wait.as_secs());
            into.lock().unwrap().push(line);
        });
        let pace = Pace::default();
        telling(teller, async {
            times(&pace, "cloudwatch:PutMetricAlarm", 4).await;
            times(&pace, "apigateway:DeleteRestApi", 2).await;
        })
        .await;
        let told = told.lock().unwrap().clone();
        assert_eq!(told, ["API Gateway to allow the next DeleteRestApi, 30 s"]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_obeys_the_rates_is_admitted_and_whoever_does_not_is_refused() {
        for rate in RATES {
            let (obeying, server) = (Pace::default(), Pace::default());
            let call = rate.calls[0].replace('*', "Anything");
            for _ in 0..rate.burst * 2 {
                obeying.turn(&call).await;
                assert_eq!(server.admit(&call), Ok(()), "{}", rate.name);
            }
            let refused = (0..rate.burst * 2).any(|_| server.admit(&call).is_err());
            assert!(refused, "{}", rate.name);
        }
    }

    #[test]
    fn every_rate_has_a_name_of_its_own_a_source_and_calls() {
        let names: BTreeSet<_> = RATES.iter().map(|rate| rate.name).collect();
        assert_eq!(names.len(), RATES.len());
        for rate in RATES {
            assert!(rate.name.contains(" to allow "), "{}", rate.name);
            assert!(!rate.calls.is_empty() && !rate.source.is_empty());
            assert!(rate.every_ms > 0 && rate.burst > 0, "{}", rate.name);
        }
    }
}
