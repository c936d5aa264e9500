//! The sparse index of the events that still need something: work, or a person.
//!
//! An event is in the index from the transaction that stores it until its processing ends well, so the index holds what is
//! in flight, what got stuck and what failed, and nothing else: what settles leaves it in the same write. It holds keys
//! alone; the table says the rest, as of now.
//!
//! Each event costs the index one write coming and one going, and an index that is throttled throttles the table. DynamoDB
//! takes 1,000 writes a second under one partition key, so the partition is one of 256 shards by the event's id: good for
//! 128,000 events a second, whatever provider or second they are of. Looking through all shards costs 128 read units.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use super::event_item::{Attributes, read_number, read_text, text};
use super::{DynamoStore, EventItem, Key, Processing, Search, StoreError};
use crate::outcome::outcome_id;

/// Name of the index.
pub const INDEX: &str = "needs-attention";
/// Its partition key.
pub const SHARD: &str = "attention";
/// Its sort key: how far the event is, and since when.
pub const STATE: &str = "attentionState";
/// The shard of what was stored without one.
pub const ANY_SHARD: &str = "00";

/// How far the clock that dates a failure may be behind the one that dates an arrival.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);
/// Shards that are asked at once.
const SHARDS_AT_ONCE: usize = 32;

/// An entry of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub key: Key,
    pub processing: Processing,
    /// When the event arrived, or when its processing failed.
    pub since: Timestamp,
}

/// The attributes that put an event into the index.
pub(super) fn attributes(event: &EventItem) -> [(String, AttributeValue); 2] {
    let id = outcome_id(&event.provider, &event.event_id);
    let shard = id.get(..2).unwrap_or(ANY_SHARD);
    let state = format!("{} {}", event.processing.as_str(), event.received_at);
    [(SHARD.into(), text(shard)), (STATE.into(), text(&state))]
}

fn shards() -> impl Iterator<Item = String> {
    (0..=u8::MAX).map(|shard| format!("{shard:02x}"))
}

/// First and last state that an event of the search can have; wider than the search where times are not to the point.
fn range(search: &Search) -> Option<(String, String)> {
    let processing = search.processing?;
    // A time is a text whose fraction has as many digits as it needs, so that only whole seconds compare.
    let whole = |at: Timestamp| {
        let second = Timestamp::from_second(at.as_second()).unwrap_or(at);
        second.to_string().trim_end_matches('Z').to_owned()
    };
    let from = match processing {
        Processing::Failed => search.from.and_then(|from| from.checked_sub(CLOCKS).ok()),
        _ => search.from,
    };
    let second = SignedDuration::from_secs(1);
    let to = match processing {
        // It failed some time after it arrived.
        Processing::Failed => None,
        _ => search.to.and_then(|to| to.checked_add(second).ok()),
    };
    let bound = |time: Option<String>, otherwise: &str| {
        let time = time.unwrap_or_else(|| otherwise.to_owned());
        format!("{} {time}", processing.as_str())
    };
    Some((bound(from.map(whole), " "), bound(to.map(whole), "~")))
}

impl DynamoStore {
    /// Events that still need something, in order of their arrival, without bodies.
    pub async fn unsettled(&self, search: &Search) -> Result<Vec<EventItem>, StoreError> {
        let open = self.open(search).await?;
        let keys: Vec<Key> = open.into_iter().map(|open| open.key).collect();
        let mut events = self.events_at(&keys).await?;
        // The index follows the table a moment later.
        events.retain(|event| search.holds(event) && !event.processing.is_final());
        events.sort_by(|a, b| (a.received_at, &a.key).cmp(&(b.received_at, &b.key)));
        Ok(events)
    }

    /// Where they are, and since when: what the index alone tells. Times may be wider than those of the search.
    pub async fn open(&self, search: &Search) -> Result<Vec<Open>, StoreError> {
        let range = &range(search);
        let mut open: Vec<_> = stream::iter(shards())
            .map(|shard| self.shard(shard, range))
            .buffer_unordered(SHARDS_AT_ONCE)
            .try_concat()
            .await?;
        let provider = search.provider.as_ref().map(|one| format!("{one}:"));
        open.retain(|open| {
            let of_provider = |prefix: &String| open.key.payment_id.starts_with(prefix);
            provider.as_ref().is_none_or(of_provider)
        });
        Ok(open)
    }

    async fn shard(
        &self,
        shard: String,
        range: &Option<(String, String)>,
    ) -> Result<Vec<Open>, StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .expression_attribute_names("#shard", SHARD)
            .expression_attribute_values(":shard", text(&shard));
        query = match range {
            None => query.key_condition_expression("#shard = :shard"),
            Some((first, last)) => query
                .key_condition_expression("#shard = :shard AND #state BETWEEN :first AND :last")
                .expression_attribute_names("#state", STATE)
                .expression_attribute_values(":first", text(first))
                .expression_attribute_values(":last", text(last)),
        };
        let mut entries = query.into_paginator().items().send();
        let mut open = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| self.failed("Query", &error))?;
            open.push(read(&entry).map_err(|attribute| self.unreadable(attribute))?);
        }
        Ok(open)
    }
}

fn read(entry: &Attributes) -> Result<Open, &'static str> {
    let state = read_text(entry, STATE)?;
    let (processing, since) = state.split_once(' ').ok_or(STATE)?;
    Ok(Open {
        key: Key {
            payment_id: read_text(entry, "paymentId")?,
            timestamp: read_number(entry, "timestamp")?,
        },
        processing: Processing::parse(processing).ok_or(STATE)?,
        since: since.parse().map_err(|_| STATE)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_range_never_leaves_out_an_arrival_between_the_two_times(
            at in 0i64..4_000_000_000_000_000,
            before in 0i64..3_000_000,
            after in 1i64..3_000_000,
            later in 0i64..3_000_000,
        ) {
            let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap();
            for (processing, at_state) in [(Processing::Received, at), (Processing::Failed, at + later)] {
                let search = Search {
                    processing: Some(processing),
                    from: Some(time((at - before).max(0))),
                    to: Some(time(at + after)),
                    ..Search::default()
                };
                let (first, last) = range(&search).unwrap();
                let state = format!("{} {}", processing.as_str(), time(at_state));
                prop_assert!(first <= state && state <= last, "{} {} {}", first, state, last);
            }
        }
    }

    #[test]
    fn a_state_alone_asks_for_all_of_it_and_nothing_of_another() {
        let of = |processing| {
            range(&Search {
                processing: Some(processing),
                ..Search::default()
            })
        };
        let (first, last) = of(Processing::Failed).unwrap();
        let is_in = |state: &str| first.as_str() <= state && state <= last.as_str();
        assert!(is_in("failed 1970-01-01T00:00:00Z") && is_in("failed 9999-12-31T23:59:59.999Z"));
        assert!(!is_in("received 2026-01-01T00:00:00Z"));
        assert_eq!(range(&Search::default()), None, "both states");
    }

    #[test]
    fn shards_are_all_there_are_first_bytes_of_an_id() {
        let shards: Vec<_> = shards().collect();
        assert_eq!(
            (shards.len(), shards[0].as_str(), shards[255].as_str()),
            (256, ANY_SHARD, "ff")
        );
    }
}
