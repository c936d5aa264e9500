//! The sparse index of the events that still need something: work, or a person.
//!
//! An event is in the index from the transaction that stores it until its processing ends well, so the index holds what is
//! in flight, what got stuck and what failed: what settles leaves it in the same write. Where the provider's API contradicted
//! the event, or the event came again with another content, it stays until somebody says that they have looked. It holds
//! keys alone; the table says the rest, as of now.
//!
//! Each event costs the index one write coming and one going, and an index that is throttled throttles the table. DynamoDB
//! takes 1,000 writes a second under one partition key, so the partition is one of 256 shards by the event's id: good for
//! 128,000 events a second, whatever provider or second they are of. Looking through all shards costs 128 read units.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use super::conflict::CONFLICT;
use super::event_item::{Attributes, read_number, read_text, text};
use super::{Conflict, DynamoStore, EventItem, Key, Processing, Search, StoreError};
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

/// What an entry of the index needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The event is on its way, or stuck on it.
    Received,
    /// Processing failed.
    Failed,
    /// The provider's API contradicted the event.
    Mismatch,
    /// The event came again with another content.
    Conflict,
}

impl Why {
    const ALL: [Self; 4] = [Self::Received, Self::Failed, Self::Mismatch, Self::Conflict];

    /// The first word of the attribute `attentionState`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Failed => "failed",
            Self::Mismatch => "mismatch",
            Self::Conflict => "conflict",
        }
    }

    /// The whole attribute.
    pub(super) fn since(self, at: Timestamp) -> String {
        format!("{} {at}", self.as_str())
    }
}

impl Why {
    /// Whether the event still needs that.
    fn holds(self, event: &EventItem) -> bool {
        match self {
            Self::Received => event.processing == Processing::Received,
            Self::Failed => event.processing == Processing::Failed,
            Self::Mismatch => event.mismatch.is_some() && event.resolved.is_none(),
            Self::Conflict => true,
        }
    }
}

/// An entry of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Of the event, or of the conflict with it.
    pub key: Key,
    pub why: Why,
    /// When the event arrived, its processing failed, or somebody was needed.
    pub since: Timestamp,
}

/// The attributes that put an event into the index.
pub(super) fn attributes(event: &EventItem) -> [(String, AttributeValue); 2] {
    let shard = shard(&event.provider, &event.event_id);
    let state = format!("{} {}", event.processing.as_str(), event.received_at);
    [(SHARD.into(), text(&shard)), (STATE.into(), text(&state))]
}

/// Where an event's entries are.
pub(super) fn shard(provider: &str, event_id: &str) -> String {
    let id = outcome_id(provider, event_id);
    id.get(..2).unwrap_or(ANY_SHARD).to_owned()
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
        let mut open = self.open(search).await?;
        open.retain(|open| matches!(open.why, Why::Received | Why::Failed));
        let keys: Vec<Key> = open.into_iter().map(|open| open.key).collect();
        let mut events = self.events_at(&keys).await?;
        // The index follows the table a moment later.
        events.retain(|event| search.holds(event) && !event.processing.is_final());
        events.sort_by(|a, b| (a.received_at, &a.key).cmp(&(b.received_at, &b.key)));
        Ok(events)
    }

    /// Events that somebody has to look at, each with the reason, in order of their arrival: what failed, what the
    /// provider's API contradicted, what came again with another content, and what arrived before `stuck` and still waits.
    pub async fn needing_attention(
        &self,
        search: &Search,
        stuck: Timestamp,
    ) -> Result<Vec<(EventItem, Why)>, StoreError> {
        let mut open = self.open(search).await?;
        open.retain(|open| open.why != Why::Received || open.since < stuck);
        let (conflicts, of_events): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|open| open.why == Why::Conflict);
        let keys: Vec<Key> = conflicts.into_iter().map(|open| open.key).collect();
        let mut reasons: Vec<(Key, Why)> = of_events
            .into_iter()
            .map(|open| (open.key, open.why))
            .collect();
        for item in self.items_at(&keys, &CONFLICT).await? {
            let conflict = Conflict::read(&item).map_err(|name| self.unreadable(name))?;
            if conflict.resolved.is_none() {
                reasons.push((conflict.of, Why::Conflict));
            }
        }
        reasons.sort();
        reasons.dedup();
        let mut keys: Vec<Key> = reasons.iter().map(|(key, _)| key.clone()).collect();
        keys.dedup();
        let events = self.events_at(&keys).await?.into_iter();
        let events: BTreeMap<Key, EventItem> =
            events.map(|event| (event.key.clone(), event)).collect();
        let mut found = Vec::new();
        for (key, why) in reasons {
            // The index follows the table a moment later.
            let event = events
                .get(&key)
                .filter(|event| search.holds(event) && why.holds(event));
            found.extend(event.map(|event| (event.clone(), why)));
        }
        found.sort_by(|(a, _), (b, _)| (a.received_at, &a.key).cmp(&(b.received_at, &b.key)));
        Ok(found)
    }

    /// Where they are, and since when: what the index alone tells. Times may be wider than those of the search.
    pub async fn open(&self, search: &Search) -> Result<Vec<Open>, StoreError> {
        let range = &range(search);
        let mut open: Vec<_> = stream::iter(shards())
            .map(|shard| self.in_shard(shard, range))
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

    async fn in_shard(
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
    let (why, since) = state.split_once(' ').ok_or(STATE)?;
    let why = Why::ALL.into_iter().find(|known| known.as_str() == why);
    Ok(Open {
        key: Key {
            payment_id: read_text(entry, "paymentId")?,
            timestamp: read_number(entry, "timestamp")?,
        },
        why: why.ok_or(STATE)?,
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
