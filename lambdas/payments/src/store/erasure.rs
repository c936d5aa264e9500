//! Erasing what providers said of a payment, and leaving what the books need.
//!
//! A raw body is the one place where personal data can be: the fields of an item are ids, types, amounts, times, states
//! and digests. Those stay, and so does the marker of the event's id, so that the event is never stored again.

use jiff::{SignedDuration, Timestamp};

use super::dynamo::WITHOUT_BODY;
use super::event_item::{RECORD_TYPE, text};
use super::{Bodies, Body, DynamoStore, EventItem, StoreError, objects_of};

/// How long after an event's arrival a delivery of it may still be under way that has not seen its marker: two runs of the
/// function that stores, at most 29 s each, the first of which wrote the marker.
const UNDER_WAY: SignedDuration = SignedDuration::from_secs(60);

/// When no delivery of an event can be under way any more that would bring its body back.
pub fn settled_at(event: &EventItem) -> Timestamp {
    let at = event.received_at;
    at.checked_add(UNDER_WAY).unwrap_or(at)
}

impl DynamoStore {
    /// Erases the body of an event and marks it erased; how many objects that deleted, every version counted.
    ///
    /// Stopped anywhere, the next call completes it.
    /// The objects go first: as long as the item is not marked, the next run finds them again.
    pub async fn erase(
        &self,
        bodies: &dyn Bodies,
        event: &EventItem,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let own = objects_of(&event.provider, &event.event_id);
        let mut objects = bodies.erase(&own).await?;
        // A webhook of many events has one object, under the name of its first event.
        if let Some(Body::Elsewhere { key, .. }) = &event.body {
            objects += bodies.erase(key).await?;
        }
        let update = self
            .update_event(&event.key)
            .update_expression(
                "SET erasedAt = if_not_exists(erasedAt, :now) REMOVE body, bodyKey, bodyBytes",
            )
            .condition_expression("recordType = :event")
            .expression_attribute_values(":now", text(&now.to_string()))
            .send()
            .await;
        // An item that has expired meanwhile has nothing left to erase.
        self.condition_held(update.map(drop))?;
        Ok(objects)
    }

    /// Events of other payments that came in the same webhook as `event`, so that its body is theirs too.
    ///
    /// Reads the whole table, so its cost grows with the table; only few providers send many events at once.
    pub async fn sharing(&self, event: &EventItem) -> Result<Vec<EventItem>, StoreError> {
        let names = WITHOUT_BODY.map(|name| (format!("#{name}"), name.to_owned()));
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression(
                "#recordType = :event AND #bodyDigest = :digest AND #provider = :provider",
            )
            .expression_attribute_values(":event", text(RECORD_TYPE))
            .expression_attribute_values(":digest", text(&event.body_digest))
            .expression_attribute_values(":provider", text(&event.provider))
            .set_expression_attribute_names(Some(names.into()))
            .projection_expression(WITHOUT_BODY.map(|name| format!("#{name}")).join(", "))
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| self.failed("Scan", &error))?;
            events.push(self.read_event(&item)?);
        }
        events.retain(|one| one.key != event.key);
        Ok(events)
    }

    /// The raw body of an event that was read whole; `None` where there is none any more.
    pub async fn raw_body(
        &self,
        bodies: &dyn Bodies,
        event: &EventItem,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let damaged = |_| StoreError::Damaged {
            event: event.event_id.clone(),
        };
        let open = |gzip: &[u8], bytes| super::body::open(gzip, bytes, &event.body_digest);
        match &event.body {
            None => Ok(None),
            Some(Body::Inline { gzip, bytes }) => open(gzip, *bytes).map(Some).map_err(damaged),
            Some(Body::Elsewhere { key, bytes }) => match bodies.get(key).await? {
                Some(gzip) => open(&gzip, *bytes).map(Some).map_err(damaged),
                None => Ok(None),
            },
        }
    }
}
