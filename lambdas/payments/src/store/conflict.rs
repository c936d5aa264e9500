//! An event that came again under its id with another content: one item for each different content, beside the event that
//! was stored first, until somebody has looked.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;

use super::dynamo::key_attributes;
use super::event_item::{Attributes, number, read_number, read_text, text};
use super::{DynamoStore, EventItem, Key, StoreError, attention};
use crate::outcome::outcome_id;

/// Value of `recordType` of a conflict.
pub(super) const RECORD_TYPE: &str = "conflict";

/// What a conflict says.
pub(super) const CONFLICT: [&str; 10] = [
    "paymentId",
    "timestamp",
    "recordType",
    "provider",
    "eventId",
    "digest",
    "ofTimestamp",
    "receivedAt",
    "resolvedAt",
    "resolvedNote",
];

/// That somebody has looked, when, and what they found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub at: Timestamp,
    pub note: String,
}

/// A content that was not stored, because another one was there under the event's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where the event is that was stored first.
    pub of: Key,
    pub provider: String,
    pub event_id: String,
    /// Identity of what was not stored.
    pub digest: String,
    /// When it first arrived.
    pub received_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub resolved: Option<Resolved>,
}

impl Conflict {
    /// Of an event that was to be stored and met another one at this key.
    pub fn new(item: &EventItem, of: Key) -> Self {
        Self {
            of,
            provider: item.provider.clone(),
            event_id: item.event_id.clone(),
            digest: item.identity().to_owned(),
            received_at: item.received_at,
            expires_at: item.expires_at,
            resolved: None,
        }
    }

    /// In the partition of the payment, before its head; the same content comes to the same key however often it arrives.
    pub fn key(&self) -> Key {
        let hash = outcome_id(
            &self.provider,
            &format!("{}\n{}", self.event_id, self.digest),
        );
        let number = i64::from_str_radix(hash.get(..12).unwrap_or_default(), 16).unwrap_or(0);
        Key {
            payment_id: self.of.payment_id.clone(),
            timestamp: -1 - number,
        }
    }

    fn attributes(&self) -> Attributes {
        let mut item = key_attributes(&self.key());
        let state = format!("{} {}", attention::Why::Conflict.as_str(), self.received_at);
        item.extend([
            ("recordType".to_owned(), text(RECORD_TYPE)),
            ("provider".to_owned(), text(&self.provider)),
            ("eventId".to_owned(), text(&self.event_id)),
            ("digest".to_owned(), text(&self.digest)),
            ("ofTimestamp".to_owned(), number(self.of.timestamp)),
            ("receivedAt".to_owned(), text(&self.received_at.to_string())),
            (
                attention::SHARD.to_owned(),
                text(&attention::shard(&self.provider, &self.event_id)),
            ),
            (attention::STATE.to_owned(), text(&state)),
        ]);
        if let Some(expiry) = self.expires_at {
            item.insert("expiresAt".into(), number(expiry.as_second()));
        }
        item
    }

    /// Reads an item back; the error is the name of the attribute that is missing or wrong.
    pub(super) fn read(item: &Attributes) -> Result<Self, &'static str> {
        if read_text(item, "recordType")? != RECORD_TYPE {
            return Err("recordType");
        }
        let received = read_text(item, "receivedAt")?;
        Ok(Self {
            of: Key {
                payment_id: read_text(item, "paymentId")?,
                timestamp: read_number(item, "ofTimestamp")?,
            },
            provider: read_text(item, "provider")?,
            event_id: read_text(item, "eventId")?,
            digest: read_text(item, "digest")?,
            received_at: received.parse().map_err(|_| "receivedAt")?,
            expires_at: None,
            resolved: read_resolved(item),
        })
    }
}

pub(super) fn read_resolved(item: &Attributes) -> Option<Resolved> {
    Some(Resolved {
        at: read_text(item, "resolvedAt").ok()?.parse().ok()?,
        note: read_text(item, "resolvedNote").unwrap_or_default(),
    })
}

impl DynamoStore {
    pub(super) async fn put_conflict(&self, conflict: &Conflict) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(conflict.attributes()))
            .condition_expression("attribute_not_exists(paymentId)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(()),
            Err(error) if is_there(&error) => Ok(()),
            Err(error) => Err(self.failed("PutItem", &error)),
        }
    }

    pub(super) async fn conflicts_of(&self, payment: &str) -> Result<Vec<Conflict>, StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("paymentId = :payment AND #timestamp < :head")
            .expression_attribute_names("#timestamp", "timestamp")
            .expression_attribute_values(":payment", text(payment))
            .expression_attribute_values(":head", number(0))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut conflicts = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.failed("Query", &error))?;
            conflicts.push(Conflict::read(&item).map_err(|name| self.unreadable(name))?);
        }
        conflicts.sort_by_key(|conflict| conflict.received_at);
        Ok(conflicts)
    }

    /// Notes that somebody has looked at what is at this key, so that it leaves the index; false where nothing is left to
    /// look at, or where the event has still to be processed.
    pub async fn resolve(&self, key: &Key, resolved: &Resolved) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(key)))
            .update_expression(format!(
                "SET resolvedAt = :at, resolvedNote = :note REMOVE {}, {}",
                attention::SHARD,
                attention::STATE
            ))
            .condition_expression(
                "attribute_exists(#state) AND (begins_with(#state, :mismatch) OR begins_with(#state, :conflict))",
            )
            .expression_attribute_names("#state", attention::STATE)
            .expression_attribute_values(":at", text(&resolved.at.to_string()))
            .expression_attribute_values(":note", text(&resolved.note))
            .expression_attribute_values(":mismatch", text(attention::Why::Mismatch.as_str()))
            .expression_attribute_values(":conflict", text(attention::Why::Conflict.as_str()))
            .send()
            .await;
        self.condition_held(update.map(drop))
    }
}

fn is_there<R>(error: &SdkError<PutItemError, R>) -> bool {
    matches!(
        error.as_service_error(),
        Some(PutItemError::ConditionalCheckFailedException(_))
    )
}
