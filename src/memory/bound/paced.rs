//! What published rates alone make calls take, in whatever order they are sent.

use crate::resources::{RATES, Rate};
use std::collections::BinaryHeap;
use std::time::Duration;

/// One call: when it can be sent at the earliest, and how long everything takes from then on at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    earliest: Duration,
    rest: Duration,
}

/// Calls by the rates that count them.
#[derive(Default)]
pub(super) struct Paced(Vec<(&'static str, Call)>);

impl Paced {
    /// Adds calls of AWS that can be sent no earlier than this, and after which it takes at least so long to the end.
    pub fn add(&mut self, names: &'static [&'static str], earliest: Duration, rest: Duration) {
        let call = Call { earliest, rest };
        self.0.extend(names.iter().map(|name| (*name, call)));
    }

    /// The time that the slowest rate needs.
    pub fn shortest(&self) -> Duration {
        let of_rate = |rate: &Rate| {
            let counted = self.0.iter().filter(|(name, _)| rate.counts(name));
            through(counted.map(|(_, call)| *call).collect(), rate)
        };
        RATES.iter().map(of_rate).max().unwrap_or_default()
    }
}

/// How long calls take that share a rate.
///
/// Of any set of them, the last is sent no earlier than the earliest of the set and one interval for each, less the
/// burst; the shortest rest of the set follows. The largest of these over all sets is how long one machine takes that
/// works one interval for each call, may put work down, and always takes up what has the longest rest (Jackson's
/// preemptive schedule; Carlier 1982).
fn through(mut calls: Vec<Call>, rate: &Rate) -> Duration {
    calls.sort_unstable();
    let mut calls = calls.into_iter().peekable();
    let mut open: BinaryHeap<(Duration, Duration)> = BinaryHeap::new();
    let (mut now, mut end) = (Duration::ZERO, Duration::ZERO);
    loop {
        if open.is_empty() {
            match calls.peek() {
                Some(next) => now = now.max(next.earliest),
                None => break,
            }
        }
        while let Some(call) = calls.next_if(|call| call.earliest <= now) {
            open.push((call.rest, rate.every()));
        }
        let Some((rest, left)) = open.pop() else {
            continue;
        };
        let until = calls.peek().map_or(left, |next| next.earliest - now);
        let work = left.min(until);
        now += work;
        if work == left {
            end = end.max(now + rest);
        } else {
            open.push((rest, left - work));
        }
    }
    end.saturating_sub(rate.every() * rate.burst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{Pace, with_behind};
    use futures_util::future::join_all;
    use proptest::prelude::*;
    use tokio::time::{Instant, sleep, sleep_until};

    const CALL: &str = "apigateway:CreateDeployment";

    /// How long the calls take when each is sent as soon as it may, those with the longest rest first.
    fn taken(calls: &[(u64, u64)]) -> Duration {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (pace, start) = (Pace::default(), Instant::now());
            let calls = calls.iter().map(|(earliest, rest)| {
                let (earliest, rest) = (Duration::from_secs(*earliest), Duration::from_secs(*rest));
                let pace = pace.clone();
                with_behind(rest, async move {
                    sleep_until(start + earliest).await;
                    pace.turn(CALL).await;
                    sleep(rest).await;
                })
            });
            join_all(calls).await;
            start.elapsed()
        })
    }

    fn bound(calls: &[(u64, u64)]) -> Duration {
        let mut paced = Paced::default();
        for (earliest, rest) in calls {
            let (earliest, rest) = (Duration::from_secs(*earliest), Duration::from_secs(*rest));
            paced.add(&[CALL], earliest, rest);
        }
        let alone = calls.iter().map(|(earliest, rest)| earliest + rest).max();
        paced
            .shortest()
            .max(Duration::from_secs(alone.unwrap_or(0)))
    }

    proptest! {
        #[test]
        fn no_calls_are_through_before_their_bound_and_the_queue_comes_within_one_interval_of_it(
            calls in proptest::collection::vec((0u64..60, 0u64..90), 1..14)
        ) {
            let (taken, bound) = (taken(&calls), bound(&calls));
            prop_assert!(bound <= taken, "{bound:?} {taken:?}");
            prop_assert!(taken <= bound + Duration::from_secs(5), "{bound:?} {taken:?}");
        }
    }

    #[test]
    fn both_the_wait_before_the_calls_and_the_rest_after_them_count() {
        // Three calls, one in 5 s: the last is sent at 20 s, and 7 s follow.
        assert_eq!(bound(&[(10, 7), (10, 7), (10, 7)]), Duration::from_secs(27));
    }
}
