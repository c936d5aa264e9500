//! Finds the events of a batch that the pipe gave up on.

use super::letter::Batch;
use crate::cli::events::Deployed;
use crate::resources::During;
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use jiff::SignedDuration;
use payments::store::{EventItem, Key, Processing, Search};
use std::collections::BTreeSet;

/// How far the time in the stream may be from the time at which the function stored the event.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);

/// The events of a batch: those that the stream names, or, once it has forgotten them after 24 hours, those that arrived
/// about then and are still not settled.
pub async fn events(deployed: &Deployed, batch: &Batch) -> anyhow::Result<Vec<EventItem>> {
    let Some(keys) = from_stream(deployed, batch).await? else {
        return by_arrival(deployed, batch).await;
    };
    let mut events = Vec::new();
    for key in keys {
        // An event that is gone expired or was erased; there is nothing left to process.
        events.extend(deployed.store.event(&key).await?);
    }
    Ok(events)
}

/// `None` when the stream does not hold the whole batch any more.
async fn from_stream(deployed: &Deployed, batch: &Batch) -> anyhow::Result<Option<BTreeSet<Key>>> {
    let streams = &deployed.aws.streams;
    let iterator = streams
        .get_shard_iterator()
        .stream_arn(&batch.stream)
        .shard_id(&batch.shard)
        .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
        .sequence_number(&batch.first)
        .send()
        .await
        .during("dynamodbstreams:GetShardIterator");
    let mut next = match iterator {
        Ok(answer) => answer.shard_iterator,
        Err(error) if is_forgotten(&error.code) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut keys = BTreeSet::new();
    while let Some(iterator) = next.take() {
        let page = streams.get_records().shard_iterator(iterator).send().await;
        let page = match page.during("dynamodbstreams:GetRecords") {
            Ok(page) => page,
            Err(error) if is_forgotten(&error.code) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        for record in page.records() {
            let number = record.dynamodb().and_then(|data| data.sequence_number());
            let Some(number) = number else { continue };
            if is_after(number, &batch.last) {
                return Ok(Some(keys));
            }
            keys.extend(key_of(record));
            if number == batch.last {
                return Ok(Some(keys));
            }
        }
        // A closed shard ends; an open one goes on for ever, with pages that hold nothing yet.
        if !page.records().is_empty() {
            next = page.next_shard_iterator;
        }
    }
    Ok(None)
}

async fn by_arrival(deployed: &Deployed, batch: &Batch) -> anyhow::Result<Vec<EventItem>> {
    let search = Search {
        processing: Some(Processing::Received),
        from: batch
            .arrived_from
            .and_then(|at| at.checked_sub(CLOCKS).ok()),
        to: batch.arrived_to.and_then(|at| at.checked_add(CLOCKS).ok()),
        ..Search::default()
    };
    Ok(deployed.store.unsettled(&search).await?)
}

/// Codes with which DynamoDB Streams says that it does not have a record any more.
fn is_forgotten(code: &str) -> bool {
    [
        "TrimmedDataAccessException",
        "ResourceNotFoundException",
        "ExpiredIteratorException",
    ]
    .contains(&code)
}

/// Sequence numbers are whole numbers of up to 40 digits.
fn is_after(number: &str, last: &str) -> bool {
    let digits = |text: &str| text.trim_start_matches('0').to_owned();
    let (number, last) = (digits(number), digits(last));
    (number.len(), number) > (last.len(), last)
}

fn key_of(record: &Record) -> Option<Key> {
    let data = record.dynamodb()?;
    let keys = data.keys()?;
    let event = data.new_image()?.get("recordType")?.as_s().ok()? == "event";
    event.then_some(())?;
    Some(Key {
        payment_id: keys.get("paymentId")?.as_s().ok()?.clone(),
        timestamp: keys.get("timestamp")?.as_n().ok()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::is_after;

    #[test]
    fn sequence_numbers_are_compared_as_numbers_however_long() {
        assert!(is_after("1000", "999"));
        assert!(is_after(
            "4421584500000000017450439092",
            "4421584500000000017450439091"
        ));
        for (number, last) in [("999", "1000"), ("7", "7"), ("007", "7")] {
            assert!(!is_after(number, last), "{number} {last}");
        }
    }
}
