//! An event and the marker of its id, written in one transaction: the key says where an event is, the marker that it is.
//!
//! Without the marker an event that comes again under another payment or time would be another item.

use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use aws_smithy_types::error::operation::BuildError;

use super::dynamo::key_attributes;
use super::event_item::{Attributes, number, read_number, read_text, text};
use super::{EventItem, Inserted, Key, Marker};
use crate::outcome::outcome_id;

/// Value of `recordType` of a marker.
pub(super) const RECORD_TYPE: &str = "marker";
/// What the keys of all markers begin with, and those of no payment.
const MARKERS: &str = "event:";
/// Two deliveries at once make one of them wait; AWS tells so at once and leaves the waiting to us.
pub(super) const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// What a cancelled transaction means.
pub(super) enum Cancelled {
    /// Something is there already; the error is the name of an attribute that is missing or wrong.
    Taken(Result<Inserted, &'static str>),
    /// Somebody else was writing the same items.
    Busy,
    /// AWS's own reason.
    Other(String),
}

/// What a marker says.
pub(super) const MARKER: [&str; 3] = ["digest", "ofPayment", "ofTimestamp"];

/// Where an event's marker is.
pub(super) fn marker_key(provider: &str, event_id: &str) -> Key {
    Key {
        payment_id: marker_id(provider, event_id),
        timestamp: 0,
    }
}

/// The partition key of an event's marker. The id is hashed, because it may be longer than a key.
pub fn marker_id(provider: &str, event_id: &str) -> String {
    let hash = outcome_id(provider, event_id);
    format!("{MARKERS}{provider}:{hash}")
}

impl EventItem {
    /// The partition key of the event's marker.
    pub fn marker_id(&self) -> String {
        marker_id(&self.provider, &self.event_id)
    }
}

fn marker(item: &EventItem) -> Attributes {
    let mut marker = key_attributes(&marker_key(&item.provider, &item.event_id));
    marker.extend([
        ("recordType".to_owned(), text(RECORD_TYPE)),
        ("digest".to_owned(), text(item.identity())),
        ("ofPayment".to_owned(), text(&item.key.payment_id)),
        ("ofTimestamp".to_owned(), number(item.key.timestamp)),
    ]);
    if let Some(expiry) = item.expires_at {
        marker.insert("expiresAt".into(), number(expiry.as_second()));
    }
    marker
}

/// The two writes, the event first.
pub(super) fn writes(table: &str, item: &EventItem) -> Result<Vec<TransactWriteItem>, BuildError> {
    let put = |attributes| {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(attributes))
            .condition_expression("attribute_not_exists(paymentId)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    };
    [item.attributes(), marker(item)]
        .into_iter()
        .map(put)
        .collect()
}

/// Why a transaction of [`writes`] was cancelled; `None` if it failed otherwise.
pub(super) fn cancelled(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
) -> Option<Cancelled> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let found = |at: usize| {
        let failed = |reason: &&CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        reasons.get(at).filter(failed)?.item()
    };
    if let Some(marker) = found(1) {
        return Some(Cancelled::Taken(read_marker(marker).map(Inserted::Known)));
    }
    if let Some(item) = found(0) {
        let taken = EventItem::from_attributes(item);
        return Some(Cancelled::Taken(
            taken.map(|item| Inserted::KeyTaken(Box::new(item))),
        ));
    }
    let mut codes = reasons.iter().filter_map(CancellationReason::code);
    let code = codes
        .find(|code| *code != "None")
        .unwrap_or("no reason given");
    Some(match code {
        "TransactionConflict" => Cancelled::Busy,
        code => Cancelled::Other(code.to_owned()),
    })
}

pub(super) fn read_marker(marker: &Attributes) -> Result<Marker, &'static str> {
    Ok(Marker {
        key: Key {
            payment_id: read_text(marker, "ofPayment")?,
            timestamp: read_number(marker, "ofTimestamp")?,
        },
        digest: read_text(marker, "digest")?,
    })
}

/// How long to wait before a try after the first: twice as long each time, and anywhere in that.
pub(super) fn pause(tries: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << tries.min(8));
    let mut chance = [0];
    // Without random numbers everybody waits equally long, which is slower and still right.
    let _ = aws_lc_rs::rand::fill(&mut chance);
    longest.mul_f64(0.5 + f64::from(chance[0]) / 512.0)
}
