//! The payments table in DynamoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::event_item::{self, Attributes, number, read_text, text};
use super::transaction::{self, Cancelled};
use super::{
    Conflict, End, EventItem, Finish, Inserted, Key, Lease, Leased, Marker, Processing, Store,
    StoreError, attention, head_item, mismatch_item,
};
use crate::aws::{AwsFailure, describe};
use crate::head::Head;

/// Everything of an event but its body; where that is an object, its place.
pub(super) const WITHOUT_BODY: [&str; 33] = [
    "paymentId",
    "timestamp",
    "recordType",
    "provider",
    "eventId",
    "eventType",
    "bodyDigest",
    "commonDigest",
    "occurredAt",
    "eventStatus",
    "amountMinor",
    "currency",
    "exponent",
    "providerPaymentId",
    "receivedAt",
    "signed",
    "traceId",
    "expiresAt",
    "processing",
    "processedAt",
    "status",
    "outcomeId",
    "failedAt",
    "failure",
    "bodyKey",
    "bodyBytes",
    "bodyEvents",
    "toldBy",
    "erasedAt",
    "ignoredBecause",
    mismatch_item::MISMATCH,
    "resolvedAt",
    "resolvedNote",
];

/// The table `payments-{env}`.
pub struct DynamoStore {
    pub(super) client: Client,
    pub(super) table: String,
}

impl DynamoStore {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    pub(super) fn failed<E>(
        &self,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> StoreError
    where
        E: ProvideErrorMetadata + RequestId,
    {
        StoreError::Aws {
            table: self.table.clone(),
            operation,
            failure: describe(error),
        }
    }

    pub(super) fn read_event(&self, item: &Attributes) -> Result<EventItem, StoreError> {
        EventItem::from_attributes(item).map_err(|attribute| self.unreadable(attribute))
    }

    pub(super) fn unreadable(&self, attribute: &'static str) -> StoreError {
        StoreError::Unreadable {
            table: self.table.clone(),
            attribute,
        }
    }

    /// An update of an existing event, guarded so that it never creates an item nor touches a head.
    pub(super) fn update_event(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(key)))
            .expression_attribute_values(":event", text(event_item::RECORD_TYPE))
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn insert(&self, item: &EventItem) -> Result<Inserted, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let own = |code: String, transient| StoreError::Aws {
            table: self.table.clone(),
            operation: OPERATION,
            failure: AwsFailure {
                code,
                request_id: None,
                transient,
            },
        };
        let writes = transaction::writes(&self.table, item)
            .map_err(|_| own("the request could not be built".into(), false))?;
        for tries in 0..transaction::TRIES {
            if tries > 0 {
                tokio::time::sleep(transaction::pause(tries)).await;
            }
            let written = self
                .client
                .transact_write_items()
                .set_transact_items(Some(writes.clone()))
                .send()
                .await;
            let Err(error) = written else {
                return Ok(Inserted::New);
            };
            match transaction::cancelled(&error) {
                Some(Cancelled::Busy) => {}
                Some(Cancelled::Taken(found)) => {
                    return found.map_err(|attribute| self.unreadable(attribute));
                }
                Some(Cancelled::Other(code)) => {
                    let transient = ["ThrottlingError", "ProvisionedThroughputExceeded"];
                    let transient = transient.contains(&code.as_str());
                    return Err(own(code, transient));
                }
                None => return Err(self.failed(OPERATION, &error)),
            }
        }
        Err(own("TransactionConflict".into(), true))
    }

    async fn known(&self, provider: &str, event_id: &str) -> Result<Option<Marker>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&transaction::marker_key(
                provider, event_id,
            ))))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.failed("GetItem", &error))?;
        let read = |item| transaction::read_marker(item).map_err(|name| self.unreadable(name));
        output.item().map(read).transpose()
    }

    async fn lease(&self, key: &Key, lease: &Lease) -> Result<Leased, StoreError> {
        let update = self
            .update_event(key)
            .update_expression("SET leaseOwner = :owner, leaseUntil = :until")
            .condition_expression(
                "recordType = :event AND #processing IN (:received, :failed) \
                 AND (attribute_not_exists(leaseUntil) OR leaseUntil <= :now OR leaseOwner = :owner)",
            )
            .expression_attribute_names("#processing", "processing")
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":until", number(lease.until.as_millisecond()))
            .expression_attribute_values(":now", number(lease.now.as_millisecond()))
            .expression_attribute_values(":received", text(Processing::Received.as_str()))
            .expression_attribute_values(":failed", text(Processing::Failed.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match update {
            Ok(output) => {
                let item = output
                    .attributes()
                    .ok_or_else(|| self.unreadable("paymentId"))?;
                Ok(Leased::Taken(Box::new(self.read_event(item)?)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    self.why_not_leased(refused.item())
                }
                _ => Err(self.failed("UpdateItem", &error)),
            },
        }
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreError> {
        let update = self
            .update_event(key)
            .update_expression("REMOVE leaseOwner, leaseUntil")
            .condition_expression("recordType = :event AND leaseOwner = :owner")
            .expression_attribute_values(":owner", text(owner))
            .send()
            .await;
        self.condition_held(update.map(drop)).map(drop)
    }

    async fn finish(&self, key: &Key, owner: &str, finish: &Finish) -> Result<bool, StoreError> {
        let mut set = "SET #processing = :processing, processedAt = :at".to_owned();
        let mut update = self
            .update_event(key)
            .condition_expression("recordType = :event AND leaseOwner = :owner")
            .expression_attribute_names("#processing", "processing")
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":processing", text(finish.end.processing().as_str()))
            .expression_attribute_values(":at", text(&finish.at.to_string()));
        let mut remove = vec!["leaseOwner", "leaseUntil", "failure", "failedAt"];
        match &finish.end {
            End::Processed {
                status,
                outcome_id,
                mismatch,
            } => {
                set.push_str(", #status = :status, outcomeId = :outcome");
                update = update
                    .expression_attribute_names("#status", "status")
                    .expression_attribute_values(":status", text(status.as_str()))
                    .expression_attribute_values(":outcome", text(outcome_id));
                if let Some(mismatch) = mismatch {
                    let (state, shard) = (attention::STATE, attention::SHARD);
                    set.push_str(&format!(
                        ", mismatch = :mismatch, {state} = :state, {shard} = if_not_exists({shard}, :shard)"
                    ));
                    let since = attention::Why::Mismatch.since(finish.at);
                    update = update
                        .expression_attribute_values(
                            ":mismatch",
                            mismatch_item::attribute(mismatch),
                        )
                        .expression_attribute_values(":state", text(&since))
                        .expression_attribute_values(":shard", text(attention::ANY_SHARD));
                }
            }
            End::Ignored(Some(why)) => {
                set.push_str(", ignoredBecause = :why");
                update = update.expression_attribute_values(":why", text(why.as_str()));
            }
            End::Ignored(None) => {}
        }
        let is_to_be_looked_at = matches!(
            finish.end,
            End::Processed {
                mismatch: Some(_),
                ..
            }
        );
        if !is_to_be_looked_at {
            remove.extend([attention::SHARD, attention::STATE]);
        }
        let update = update
            .update_expression(format!("{set} REMOVE {}", remove.join(", ")))
            .send()
            .await;
        self.condition_held(update.map(drop))
    }

    async fn head(&self, payment_id: &str) -> Result<Option<Head>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&head_key(payment_id))))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.failed("GetItem", &error))?;
        let read =
            |item| head_item::from_attributes(item).map_err(|attribute| self.unreadable(attribute));
        output.item().map(read).transpose()
    }

    async fn put_head(&self, payment_id: &str, head: &Head) -> Result<bool, StoreError> {
        let attributes = head_item::attributes(head);
        let names = attributes
            .keys()
            .map(|name| (format!("#{name}"), name.clone()))
            .collect();
        let set: Vec<_> = attributes
            .keys()
            .map(|name| format!("#{name} = :{name}"))
            .collect();
        let values: HashMap<_, _> = attributes
            .into_iter()
            .map(|(name, value)| (format!(":{name}"), value))
            .collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&head_key(payment_id))))
            .update_expression(format!("SET {}", set.join(", ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        update = match head.version {
            0 | 1 => update.condition_expression("attribute_not_exists(paymentId)"),
            version => update
                .condition_expression("#version = :before")
                .expression_attribute_values(
                    ":before",
                    AttributeValue::N((version - 1).to_string()),
                ),
        };
        self.condition_held(update.send().await.map(drop))
    }

    async fn cursor(&self, provider: &str) -> Result<Option<u64>, StoreError> {
        self.read_cursor(provider).await
    }

    async fn advance(&self, provider: &str, to: u64) -> Result<bool, StoreError> {
        self.move_cursor(provider, to).await
    }

    async fn record(&self, conflict: &Conflict) -> Result<(), StoreError> {
        self.put_conflict(conflict).await
    }

    async fn conflicts(&self, payment_id: &str) -> Result<Vec<Conflict>, StoreError> {
        self.conflicts_of(payment_id).await
    }

    async fn events(&self, payment_id: &str) -> Result<Vec<EventItem>, StoreError> {
        // Placeholders for all names spare a list of DynamoDB's reserved words.
        let names = WITHOUT_BODY
            .map(|name| (format!("#{name}"), name.to_owned()))
            .into();
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#paymentId = :payment AND #timestamp > :head")
            .projection_expression(WITHOUT_BODY.map(|name| format!("#{name}")).join(", "))
            .set_expression_attribute_names(Some(names))
            .expression_attribute_values(":payment", text(payment_id))
            .expression_attribute_values(":head", number(head_item::TIMESTAMP))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| self.failed("Query", &error))?;
            events.push(self.read_event(&item)?);
        }
        Ok(events)
    }
}

impl DynamoStore {
    fn why_not_leased(&self, item: Option<&Attributes>) -> Result<Leased, StoreError> {
        let Some(item) = item
            .filter(|item| read_text(item, "recordType").as_deref() == Ok(event_item::RECORD_TYPE))
        else {
            return Ok(Leased::Missing);
        };
        let event = self.read_event(item)?;
        Ok(if event.processing.is_final() {
            Leased::Finished(Box::new(event))
        } else {
            Leased::Held
        })
    }

    pub(super) fn condition_held(
        &self,
        update: Result<(), SdkError<UpdateItemError, HttpResponse>>,
    ) -> Result<bool, StoreError> {
        match update {
            Ok(()) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(self.failed("UpdateItem", &error)),
            },
        }
    }
}

fn head_key(payment_id: &str) -> Key {
    Key {
        payment_id: payment_id.to_owned(),
        timestamp: head_item::TIMESTAMP,
    }
}

pub(super) fn key_attributes(key: &Key) -> Attributes {
    HashMap::from([
        ("paymentId".to_owned(), text(&key.payment_id)),
        ("timestamp".to_owned(), number(key.timestamp)),
    ])
}
