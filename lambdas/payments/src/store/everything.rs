//! Every item of the table, for audits; never on the way of a webhook.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::dynamo::WITHOUT_BODY;
use super::event_item::{self, Attributes, read_number, read_text, text};
use super::{
    Conflict, DynamoStore, EventItem, Key, Marker, StoreError, conflict, cursor, head_item,
    transaction,
};
use crate::head::Head;

/// What heads, markers and cursors have beyond the attributes of events.
const OF_OTHERS: [&str; 9] = [
    "latest",
    "amountAt",
    "version",
    "lastEventId",
    "updatedAt",
    "digest",
    "ofPayment",
    "ofTimestamp",
    cursor::PLACE,
];

/// One item, whatever it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An event, without its body.
    Event(Box<EventItem>),
    Head {
        payment_id: String,
        head: Box<Head>,
    },
    Marker(MarkerItem),
    Conflict(Conflict),
    /// How far a provider's list of events was read.
    Cursor {
        provider: String,
        place: u64,
    },
    /// Nothing that this version of payhook writes.
    Unknown {
        key: Key,
        why: &'static str,
    },
}

/// A marker as an item of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerItem {
    /// The item's partition key.
    pub id: String,
    pub marker: Marker,
    pub expires_at: Option<Timestamp>,
}

/// What reading everything brought and cost.
#[derive(Clone, Debug, Default)]
pub struct Everything {
    pub records: Vec<Record>,
    /// Calls of Scan.
    pub pages: u64,
    /// Read capacity units, as DynamoDB counts them.
    pub units: f64,
}

impl DynamoStore {
    /// Reads the whole table in so many segments at a time. Reads are eventually consistent: look again with
    /// [`partition`](Self::partition) before something counts as missing.
    pub async fn everything(&self, segments: u16) -> Result<Everything, StoreError> {
        let mut running = JoinSet::new();
        for segment in 0..segments {
            let store = DynamoStore::new(self.client.clone(), self.table.clone());
            running.spawn(async move { store.segment(segment, segments).await });
        }
        let mut all = Everything::default();
        while let Some(ended) = running.join_next().await {
            // A task is neither cancelled nor panics; if it did, nothing of its segment may count as read.
            let part = ended.map_err(|_| StoreError::Unreadable {
                table: self.table.clone(),
                attribute: "segment",
            })??;
            all.records.extend(part.records);
            all.pages += part.pages;
            all.units += part.units;
        }
        Ok(all)
    }

    async fn segment(&self, segment: u16, segments: u16) -> Result<Everything, StoreError> {
        let names = WITHOUT_BODY.iter().chain(&OF_OTHERS);
        let projection: Vec<_> = names.clone().map(|name| format!("#{name}")).collect();
        let names: HashMap<_, _> = names
            .map(|name| (format!("#{name}"), (*name).to_owned()))
            .collect();
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .segment(segment.into())
            .total_segments(segments.into())
            .projection_expression(projection.join(", "))
            .set_expression_attribute_names(Some(names))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut read = Everything::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("Scan", &error))?;
            read.records.extend(page.items().iter().map(Record::read));
            read.pages += 1;
            let consumed = page.consumed_capacity();
            read.units += consumed
                .and_then(|consumed| consumed.capacity_units())
                .unwrap_or(0.0);
        }
        Ok(read)
    }

    /// Every item with this partition key as of now: a payment's, or the one of a marker.
    pub async fn partition(&self, id: &str) -> Result<Vec<Record>, StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("paymentId = :id")
            .expression_attribute_values(":id", text(id))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut records = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.failed("Query", &error))?;
            records.push(Record::read(&item).without_body());
        }
        Ok(records)
    }
}

impl Record {
    /// Reads an item; what cannot be read is unknown.
    fn read(item: &Attributes) -> Record {
        let known = match read_text(item, "recordType").as_deref() {
            Ok(event_item::RECORD_TYPE) => {
                EventItem::from_attributes(item).map(|event| Record::Event(Box::new(event)))
            }
            Ok(head_item::RECORD_TYPE) => read_head(item),
            Ok(transaction::RECORD_TYPE) => read_marker(item).map(Record::Marker),
            Ok(conflict::RECORD_TYPE) => Conflict::read(item).map(Record::Conflict),
            Ok(cursor::RECORD_TYPE) => {
                cursor::read(item).map(|(provider, place)| Record::Cursor { provider, place })
            }
            _ => Err("recordType"),
        };
        known.unwrap_or_else(|why| Record::Unknown {
            key: Key {
                payment_id: read_text(item, "paymentId").unwrap_or_default(),
                timestamp: read_number(item, "timestamp").unwrap_or_default(),
            },
            why,
        })
    }

    fn without_body(self) -> Record {
        match self {
            Record::Event(mut event) => {
                event.body = None;
                Record::Event(event)
            }
            other => other,
        }
    }
}

fn read_head(item: &Attributes) -> Result<Record, &'static str> {
    let head = head_item::from_attributes(item)?;
    // The status is written for readers of the table; the head's own record of it decides.
    let told = item.get("status").and_then(|value| value.as_s().ok());
    if told.map(String::as_str) != head.status().map(|status| status.as_str()) {
        return Err("status");
    }
    if read_number(item, "timestamp")? != head_item::TIMESTAMP {
        return Err("timestamp");
    }
    Ok(Record::Head {
        payment_id: read_text(item, "paymentId")?,
        head: Box::new(head),
    })
}

fn read_marker(item: &Attributes) -> Result<MarkerItem, &'static str> {
    let expires = item
        .get("expiresAt")
        .and_then(|value: &AttributeValue| value.as_n().ok());
    Ok(MarkerItem {
        id: read_text(item, "paymentId")?,
        marker: transaction::read_marker(item)?,
        expires_at: expires
            .and_then(|second| second.parse().ok())
            .and_then(|second| Timestamp::from_second(second).ok()),
    })
}
