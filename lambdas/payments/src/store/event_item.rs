//! One event as an item of the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{
    Body, End, Ignored, Key, Packed, Processing, Resolved, attention, conflict, mismatch_item,
};
use crate::event::{PaymentEvent, Status};
use crate::money::{Currency, Money};
use crate::outcome::Mismatch;

/// Largest item that DynamoDB takes, names included.
pub const ITEM_LIMIT: usize = 400 * 1024;

/// Kept free for what processing and a failure add to the item later.
const ROOM_FOR_PROCESSING: usize = 8 * 1024;

/// Value of `recordType` of an event.
pub(super) const RECORD_TYPE: &str = "event";

/// The value of `eventStatus` when the event says nothing about the payment's status.
const NO_STATUS: &str = "none";

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// What an event says of itself, its body apart, does not fit an item; no provider's genuine event is like that.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fields of the event take {bytes} bytes, more than an item of the table has room for")]
pub struct ItemTooLarge {
    pub bytes: usize,
}

/// One event of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventItem {
    pub key: Key,
    pub provider: String,
    pub event_id: String,
    pub event_type: String,
    /// SHA-256 of the raw body, hexadecimal.
    pub body_digest: String,
    /// Digest of what all deliveries of the event have in common, where the provider changes something in each.
    pub common_digest: Option<String>,
    /// The event's own time in milliseconds, where the provider states it; the key may be some milliseconds later.
    pub occurred_ms: Option<i64>,
    /// The status the event claims for its payment.
    pub event_status: Option<Status>,
    pub money: Option<Money>,
    pub provider_payment_id: String,
    pub received_at: Timestamp,
    /// Whether the provider's signature covers the body.
    pub signed: bool,
    pub trace_id: Option<String>,
    pub expires_at: Option<Timestamp>,
    /// The raw body; absent where it was not asked for, and once it is erased.
    pub body: Option<Body>,
    /// How many events the body tells of, of any payments; each of them has an item of its own.
    pub body_events: usize,
    /// The notice that led to it, where the provider sent no webhook of the event itself but named it in a list.
    pub told_by: Option<String>,
    /// When the body was erased on request.
    pub erased_at: Option<Timestamp>,
    pub processing: Processing,
    pub processed_at: Option<Timestamp>,
    /// Why it moved no payment, where that is not its type.
    pub ignored: Option<Ignored>,
    /// The payment's status after the event was processed.
    pub status: Option<Status>,
    pub outcome_id: Option<String>,
    /// What the provider's API contradicted; the API was believed.
    pub mismatch: Option<Mismatch>,
    /// That somebody has looked at the mismatch.
    pub resolved: Option<Resolved>,
    /// Name of the error that processing ended with, and what payment-processor said about it.
    pub failure: Option<String>,
}

impl EventItem {
    /// An event that has just arrived, without its body.
    pub fn new(event: PaymentEvent, received_at: Timestamp) -> Self {
        Self {
            key: Key {
                payment_id: event.payment_id(),
                timestamp: event.sort_key_ms(),
            },
            provider: event.provider.to_owned(),
            event_id: event.event_id,
            event_type: event.event_type,
            body_digest: String::new(),
            common_digest: event.common_digest,
            occurred_ms: event.occurred_ms,
            event_status: event.claimed,
            money: event.money,
            provider_payment_id: event.provider_payment_id,
            received_at,
            signed: event.signed,
            trace_id: None,
            expires_at: None,
            body: None,
            body_events: 1,
            told_by: None,
            erased_at: None,
            processing: Processing::Received,
            processed_at: None,
            ignored: None,
            status: None,
            outcome_id: None,
            mismatch: None,
            resolved: None,
            failure: None,
        }
    }

    /// Adds the body: compressed in the item where it fits, else as a pointer to its object.
    pub fn with_body(mut self, body: &Packed) -> Result<Self, ItemTooLarge> {
        self.body_digest.clone_from(&body.digest);
        let elsewhere = Body::Elsewhere {
            key: body.key().to_owned(),
            bytes: body.bytes,
        };
        self.body = Some(elsewhere);
        let taken: usize = self
            .attributes()
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum();
        let room = (ITEM_LIMIT - ROOM_FOR_PROCESSING)
            .checked_sub(taken)
            .ok_or(ItemTooLarge { bytes: taken })?;
        if body.gzip.len() <= room {
            self.body = Some(Body::Inline {
                gzip: body.gzip.clone(),
                bytes: body.bytes,
            });
        }
        Ok(self)
    }

    /// The event as its processing leaves it.
    pub fn ended(mut self, end: End) -> Self {
        self.processing = end.processing();
        match end {
            End::Processed {
                status,
                outcome_id,
                mismatch,
            } => {
                self.status = Some(status);
                self.outcome_id = Some(outcome_id);
                self.mismatch = mismatch;
            }
            End::Ignored(why) => self.ignored = why,
        }
        self
    }

    /// What tells whether two deliveries under one event id are of one event.
    pub fn identity(&self) -> &str {
        self.common_digest.as_deref().unwrap_or(&self.body_digest)
    }

    /// The item as it is first written.
    pub(super) fn attributes(&self) -> Attributes {
        let mut item = HashMap::from([
            ("paymentId".to_owned(), text(&self.key.payment_id)),
            ("timestamp".to_owned(), number(self.key.timestamp)),
            ("recordType".to_owned(), text(RECORD_TYPE)),
            ("provider".to_owned(), text(&self.provider)),
            ("eventId".to_owned(), text(&self.event_id)),
            ("eventType".to_owned(), text(&self.event_type)),
            ("bodyDigest".to_owned(), text(&self.body_digest)),
            (
                "eventStatus".to_owned(),
                text(self.event_status.map_or(NO_STATUS, Status::as_str)),
            ),
            (
                "providerPaymentId".to_owned(),
                text(&self.provider_payment_id),
            ),
            ("receivedAt".to_owned(), text(&self.received_at.to_string())),
            ("signed".to_owned(), AttributeValue::Bool(self.signed)),
            ("processing".to_owned(), text(self.processing.as_str())),
        ]);
        if !self.processing.is_final() {
            item.extend(attention::attributes(self));
        }
        if let Some(money) = &self.money {
            put_money(&mut item, money);
        }
        if let Some(digest) = &self.common_digest {
            item.insert("commonDigest".into(), text(digest));
        }
        if let Some(at) = self.occurred_ms {
            item.insert("occurredAt".into(), number(at));
        }
        if let Some(trace) = &self.trace_id {
            item.insert("traceId".into(), text(trace));
        }
        if let Some(expiry) = self.expires_at {
            item.insert("expiresAt".into(), number(expiry.as_second()));
        }
        put_body(&mut item, self.body.as_ref());
        if self.body_events > 1 {
            let events = AttributeValue::N(self.body_events.to_string());
            item.insert("bodyEvents".into(), events);
        }
        if let Some(notice) = &self.told_by {
            item.insert("toldBy".into(), text(notice));
        }
        if let Some(at) = self.erased_at {
            item.insert("erasedAt".into(), text(&at.to_string()));
        }
        item
    }

    /// Reads an item back; the error is the name of the attribute that is missing or wrong.
    pub(super) fn from_attributes(item: &Attributes) -> Result<Self, &'static str> {
        Ok(Self {
            key: read_key(item)?,
            provider: read_text(item, "provider")?,
            event_id: read_text(item, "eventId")?,
            event_type: read_text(item, "eventType")?,
            body_digest: read_text(item, "bodyDigest")?,
            common_digest: read_text(item, "commonDigest").ok(),
            occurred_ms: read_number(item, "occurredAt").ok(),
            event_status: match read_text(item, "eventStatus")?.as_str() {
                NO_STATUS => None,
                status => Some(status.parse().map_err(|_| "eventStatus")?),
            },
            money: read_money(item)?,
            provider_payment_id: read_text(item, "providerPaymentId")?,
            received_at: read_text(item, "receivedAt")?
                .parse()
                .map_err(|_| "receivedAt")?,
            signed: *item
                .get("signed")
                .and_then(|value| value.as_bool().ok())
                .ok_or("signed")?,
            trace_id: read_text(item, "traceId").ok(),
            expires_at: read_number(item, "expiresAt")
                .ok()
                .and_then(|s| Timestamp::from_second(s).ok()),
            body: read_body(item),
            body_events: read_number(item, "bodyEvents")
                .ok()
                .and_then(|events| usize::try_from(events).ok())
                .unwrap_or(1),
            told_by: read_text(item, "toldBy").ok(),
            erased_at: read_text(item, "erasedAt")
                .ok()
                .and_then(|text| text.parse().ok()),
            processing: Processing::parse(&read_text(item, "processing")?).ok_or("processing")?,
            processed_at: read_text(item, "processedAt")
                .ok()
                .and_then(|text| text.parse().ok()),
            ignored: read_text(item, "ignoredBecause")
                .ok()
                .and_then(|text| Ignored::parse(&text)),
            status: read_text(item, "status")
                .ok()
                .and_then(|text| text.parse().ok()),
            outcome_id: read_text(item, "outcomeId").ok(),
            mismatch: mismatch_item::read(item)?,
            resolved: conflict::read_resolved(item),
            failure: item
                .get("failure")
                .and_then(|value| value.as_m().ok())
                .and_then(failure),
        })
    }
}

/// The error's name, and what the function itself said about it; other causes may quote what a function was given.
fn failure(failure: &Attributes) -> Option<String> {
    let error = read_text(failure, "error").ok()?;
    let cause = read_text(failure, "cause").ok();
    let cause: Option<serde_json::Value> =
        cause.and_then(|cause| serde_json::from_str(&cause).ok());
    let own = cause.filter(|cause| cause["errorType"] == error.as_str());
    let said = own.and_then(|cause| Some(cause.get("errorMessage")?.as_str()?.to_owned()));
    Some(match said {
        Some(said) => format!("{error}: {said}"),
        None => error,
    })
}

fn put_body(item: &mut Attributes, body: Option<&Body>) {
    let Some(body) = body else { return };
    let bytes = AttributeValue::N(body.bytes().to_string());
    item.insert("bodyBytes".into(), bytes);
    match body {
        Body::Inline { gzip, .. } => {
            item.insert("body".into(), AttributeValue::B(Blob::new(gzip.clone())))
        }
        Body::Elsewhere { key, .. } => item.insert("bodyKey".into(), text(key)),
    };
}

fn read_body(item: &Attributes) -> Option<Body> {
    let bytes = usize::try_from(read_number(item, "bodyBytes").ok()?).ok()?;
    if let Ok(key) = read_text(item, "bodyKey") {
        return Some(Body::Elsewhere { key, bytes });
    }
    let gzip = item.get("body")?.as_b().ok()?.as_ref().to_vec();
    Some(Body::Inline { gzip, bytes })
}

/// Bytes that DynamoDB counts for a value, rounded up.
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 21,
    }
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn read_key(item: &Attributes) -> Result<Key, &'static str> {
    Ok(Key {
        payment_id: read_text(item, "paymentId")?,
        timestamp: read_number(item, "timestamp")?,
    })
}

pub(super) fn read_text(item: &Attributes, name: &'static str) -> Result<String, &'static str> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .cloned()
        .ok_or(name)
}

pub(super) fn read_number(item: &Attributes, name: &'static str) -> Result<i64, &'static str> {
    item.get(name)
        .and_then(|value| value.as_n().ok())
        .and_then(|text| text.parse().ok())
        .ok_or(name)
}

pub(super) fn put_money(item: &mut Attributes, money: &Money) {
    item.insert("amountMinor".into(), number(money.minor));
    item.insert("currency".into(), text(money.currency.as_str()));
    item.insert("exponent".into(), number(money.exponent.into()));
}

pub(super) fn read_money(item: &Attributes) -> Result<Option<Money>, &'static str> {
    if !item.contains_key("amountMinor") {
        return Ok(None);
    }
    Ok(Some(Money {
        minor: read_number(item, "amountMinor")?,
        currency: Currency::parse(&read_text(item, "currency")?).map_err(|_| "currency")?,
        exponent: read_number(item, "exponent")?
            .try_into()
            .map_err(|_| "exponent")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_the_function_said_and_never_what_somebody_else_quotes() {
        let read = |cause: &str| {
            let item = Attributes::from([
                ("error".to_owned(), text("Permanent")),
                ("cause".to_owned(), text(cause)),
            ]);
            failure(&item).expect("a failure")
        };
        let own = r#"{"errorType":"Permanent","errorMessage":"the API key is refused"}"#;
        assert_eq!(read(own), "Permanent: the API key is refused");
        let others = r#"{"errorType":"Runtime.Crash","errorMessage":"card 4242"}"#;
        for cause in [others, "", "half of {\"errorType\":"] {
            assert_eq!(read(cause), "Permanent", "{cause}");
        }
    }
}
