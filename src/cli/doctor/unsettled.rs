//! Events that failed, or wait for longer than the pipeline takes.

use super::{Finding, Health, runbook};
use crate::resources::Aws;
use jiff::{SignedDuration, Timestamp};
use payments::store::attention::Open;
use payments::store::{DynamoStore, Processing, Search, StoreError};

/// An event that arrived longer ago and is not settled has come off its way, rather than being on it.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(15);
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
    let failed = of(open, Processing::Failed).count();
    let waiting = of(open, Processing::Received);
    let stuck: Vec<_> = waiting
        .filter(|open| now.duration_since(open.since) > ON_ITS_WAY)
        .collect();
    let on_their_way = open.len() - failed - stuck.len();
    if failed == 0 && stuck.is_empty() {
        return Finding::good(WHAT, format!("none; {on_their_way} are on their way"));
    }
    let seen = format!(
        "{failed} failed, {} wait for more than {} minutes, {on_their_way} are on their way",
        stuck.len(),
        ON_ITS_WAY.as_mins()
    );
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
    Finding::new(Health::Bad, WHAT, seen, next)
}

fn of(open: &[Open], processing: Processing) -> impl Iterator<Item = &Open> {
    open.iter()
        .filter(move |open| open.processing == processing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::store::Key;

    fn open(processing: Processing, minutes_ago: i64) -> Open {
        Open {
            key: Key {
                payment_id: "stripe:pi_1".to_owned(),
                timestamp: 1,
            },
            processing,
            since: now() - SignedDuration::from_mins(minutes_ago),
        }
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_on_its_way_is_nothing_to_look_into() {
        let finding = finding(&[open(Processing::Received, 15)], now());
        assert_eq!(finding.health, Health::Good);
        assert_eq!(finding.seen, "none; 1 are on their way");
    }

    #[test]
    fn what_failed_or_waits_too_long_is_counted_with_what_to_do() {
        let all = [
            open(Processing::Received, 1),
            open(Processing::Received, 16),
            open(Processing::Failed, 0),
            open(Processing::Failed, 90),
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
}
