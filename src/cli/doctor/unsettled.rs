//! Events that failed, or wait for longer than the pipeline takes.

use super::{Finding, Health, runbook};
use crate::resources::Aws;
use jiff::{SignedDuration, Timestamp};
use payments::store::attention::{Open, Why};
use payments::store::{DynamoStore, Search, StoreError};

/// An event that arrived longer ago and is not settled has come off its way, rather than being on it.
pub const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(15);
/// Codes of a table that is not there, and of one without the index.
const NOT_DEPLOYED: [&str; 2] = ["ResourceNotFoundException", "ValidationException"];

pub async fn look(aws: &Aws, table: &str) -> Finding {
    let store = DynamoStore::new(aws.dynamodb.clone(), table);
    match store.open(&Search::default()).await {
        Ok(open) => finding(&open, Timestamp::now()),
        Err(StoreError::Aws { failure, .. }) if NOT_DEPLOYED.contains(&failure.code.as_str()) => {
            let next = vec!["deploy first".to_owned()];
            Finding::new(
                Health::Bad,
                WHAT,
                format!("the index of {table} is not there"),
                next,
            )
        }
        Err(error) => Finding::failed(WHAT, &error.into()),
    }
}

const WHAT: &str = "events that need attention";

fn finding(open: &[Open], now: Timestamp) -> Finding {
    let count = |why| of(open, why).count();
    let (failed, mismatches, conflicts) = (
        count(Why::Failed),
        count(Why::Mismatch),
        count(Why::Conflict),
    );
    let waiting = of(open, Why::Received);
    let stuck: Vec<_> = waiting
        .filter(|open| now.duration_since(open.since) > ON_ITS_WAY)
        .collect();
    let on_their_way = count(Why::Received) - stuck.len();
    let to_be_looked_at = mismatches + conflicts;
    if failed + to_be_looked_at == 0 && stuck.is_empty() {
        return Finding::good(WHAT, format!("none; {on_their_way} are on their way"));
    }
    let mut seen = format!(
        "{failed} failed, {} wait for more than {} minutes, {on_their_way} are on their way",
        stuck.len(),
        ON_ITS_WAY.as_mins()
    );
    if to_be_looked_at > 0 {
        seen.push_str(&format!(
            "; {mismatches} contradict their provider's API, {conflicts} came again with another content"
        ));
    }
    let mut next = Vec::new();
    if failed > 0 {
        next.extend(runbook::entry("failed-executions").unwrap_or_default());
    }
    if !stuck.is_empty() {
        next.push(format!(
            "`payhook events list --status received --to {}m` shows those that wait; once what holds them up is mended, \
             `payhook dlq redrive` or `payhook events replay --status received` processes them",
            ON_ITS_WAY.as_mins()
        ));
    }
    if to_be_looked_at > 0 {
        next.push(
            "`payhook events list --needs-attention` shows them with the reason, and `payhook events resolve ID --note TEXT` \
             says that you have looked"
                .to_owned(),
        );
    }
    Finding::new(Health::Bad, WHAT, seen, next)
}

fn of(open: &[Open], why: Why) -> impl Iterator<Item = &Open> {
    open.iter().filter(move |open| open.why == why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::store::Key;

    fn open(why: Why, minutes_ago: i64) -> Open {
        Open {
            key: Key {
                payment_id: "stripe:pi_1".to_owned(),
                timestamp: 1,
            },
            why,
            since: now() - SignedDuration::from_mins(minutes_ago),
        }
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_on_its_way_is_nothing_to_look_into() {
        let finding = finding(&[open(Why::Received, 15)], now());
        assert_eq!(finding.health, Health::Good);
        assert_eq!(finding.seen, "none; 1 are on their way");
    }

    #[test]
    fn what_failed_or_waits_too_long_is_counted_with_what_to_do() {
        let all = [
            open(Why::Received, 1),
            open(Why::Received, 16),
            open(Why::Failed, 0),
            open(Why::Failed, 90),
        ];
        let found = finding(&all, now());
        assert_eq!(found.health, Health::Bad);
        assert_eq!(
            found.seen,
            "2 failed, 1 wait for more than 15 minutes, 1 are on their way"
        );
        assert!(
            found
                .next
                .iter()
                .any(|line| line.contains("events replay --status failed"))
        );
        assert!(
            found
                .next
                .last()
                .is_some_and(|line| line.contains("--to 15m"))
        );
        let only_failed = finding(&all[2..], now());
        assert!(
            !only_failed
                .next
                .iter()
                .any(|line| line.contains("--to 15m"))
        );
    }

    #[test]
    fn what_somebody_has_to_look_at_is_counted_and_told_apart_from_what_failed() {
        let all = [
            open(Why::Mismatch, 1),
            open(Why::Conflict, 1),
            open(Why::Conflict, 9_000),
        ];
        let found = finding(&all, now());
        assert_eq!(found.health, Health::Bad);
        assert!(
            found.seen.ends_with(
                "0 are on their way; 1 contradict their provider's API, 2 came again with another content"
            ),
            "{}",
            found.seen
        );
        assert!(found.next[0].contains("events resolve"), "{:?}", found.next);
    }
}
