//! Reading many items of the table by their keys.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::sleep;

use super::dynamo::{WITHOUT_BODY, key_attributes};
use super::event_item::Attributes;
use super::transaction::{MARKER, marker_key, read_marker};
use super::{DynamoStore, EventItem, Key, StoreError};
use crate::aws::AwsFailure;
use crate::providers;

/// Most keys that BatchGetItem takes.
const BATCH: usize = 100;
/// Batches that are asked for at once.
const BATCHES_AT_ONCE: usize = 8;
/// Times that what DynamoDB left out of a batch is asked for again.
const TRIES: u32 = 8;
/// The pause before the second time; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl DynamoStore {
    /// Finds the events that have this id, of whatever provider, by the markers of their ids; without bodies.
    pub async fn find(&self, event_id: &str) -> Result<Vec<EventItem>, StoreError> {
        let providers = providers::all().iter();
        let markers: Vec<Key> = providers
            .map(|provider| marker_key(provider.key(), event_id))
            .collect();
        let found = self.items_at(&markers, &MARKER).await?;
        let keys: Vec<Key> = found
            .iter()
            .map(|item| read_marker(item).map(|marker| marker.key))
            .collect::<Result<_, _>>()
            .map_err(|attribute| self.unreadable(attribute))?;
        self.events_at(&keys).await
    }

    /// The events at these keys as of now, without bodies and in no order; one that is gone is left out.
    pub(super) async fn events_at(&self, keys: &[Key]) -> Result<Vec<EventItem>, StoreError> {
        let items = self.items_at(keys, &WITHOUT_BODY).await?;
        items.iter().map(|item| self.read_event(item)).collect()
    }

    pub(super) async fn items_at(
        &self,
        keys: &[Key],
        names: &[&str],
    ) -> Result<Vec<Attributes>, StoreError> {
        let batches = keys.chunks(BATCH).map(|keys| self.batch(keys, names));
        let batches: Vec<_> = batches.collect();
        stream::iter(batches)
            .buffer_unordered(BATCHES_AT_ONCE)
            .try_concat()
            .await
    }

    async fn batch(&self, keys: &[Key], names: &[&str]) -> Result<Vec<Attributes>, StoreError> {
        let placeholders: Vec<_> = names.iter().map(|name| format!("#{name}")).collect();
        let meant = placeholders.iter().cloned();
        let meant = meant.zip(names.iter().map(|name| (*name).to_owned()));
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(key_attributes).collect()))
            .consistent_read(true)
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(meant.collect()))
            .build()
            .map_err(|_| self.incomplete("the request could not be built", false))?;
        let mut left = HashMap::from([(self.table.clone(), wanted)]);
        let mut items = Vec::new();
        for tries in 0..TRIES {
            let call = self.client.batch_get_item();
            let answer = call.set_request_items(Some(left)).send().await;
            let answer = answer.map_err(|error| self.failed("BatchGetItem", &error))?;
            items.extend(
                answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items),
            );
            left = answer.unprocessed_keys.unwrap_or_default();
            if left.is_empty() {
                return Ok(items);
            }
            sleep(FIRST_PAUSE * (1 << tries)).await;
        }
        Err(self.incomplete("keys were left unprocessed each time", true))
    }

    fn incomplete(&self, code: &str, transient: bool) -> StoreError {
        StoreError::Aws {
            table: self.table.clone(),
            operation: "BatchGetItem",
            failure: AwsFailure {
                code: code.to_owned(),
                request_id: None,
                transient,
            },
        }
    }
}
