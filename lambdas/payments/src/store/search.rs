//! Finding events where neither their payments nor their being unsettled is known, for operators; never on the way of a webhook.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::dynamo::{WITHOUT_BODY, key_attributes};
use super::event_item::{RECORD_TYPE, text};
use super::{DynamoStore, EventItem, Key, Processing, StoreError};

/// Which events are wanted; what is not given is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    pub provider: Option<String>,
    pub processing: Option<Processing>,
    /// First time of arrival.
    pub from: Option<Timestamp>,
    /// End of the times of arrival, not itself included.
    pub to: Option<Timestamp>,
}

impl Search {
    /// The same as a condition on attributes, with its values.
    fn filter(&self) -> (String, HashMap<String, AttributeValue>) {
        // The arrival is a text whose fraction has as many digits as it needs, so that only whole seconds compare in
        // the table; `holds` decides the rest.
        let second = |at: Timestamp| at.as_second();
        let whole = |second: i64| Timestamp::from_second(second).map(|at| at.to_string()).ok();
        let from = self.from.and_then(|at| whole(second(at)));
        let to = self.to.and_then(|at| whole(second(at).saturating_add(1)));
        let from = from.map(|text| text.trim_end_matches('Z').to_owned());
        let wanted = [
            (
                "#recordType = :recordType",
                ":recordType",
                Some(RECORD_TYPE.to_owned()),
            ),
            ("#provider = :provider", ":provider", self.provider.clone()),
            (
                "#processing = :processing",
                ":processing",
                self.processing.map(|value| value.as_str().to_owned()),
            ),
            ("#receivedAt >= :from", ":from", from),
            ("#receivedAt < :to", ":to", to),
        ];
        let mut conditions = Vec::new();
        let mut values = HashMap::new();
        for (condition, name, value) in wanted {
            if let Some(value) = value {
                conditions.push(condition);
                values.insert(name.to_owned(), text(&value));
            }
        }
        (conditions.join(" AND "), values)
    }

    /// Whether an event is wanted.
    pub fn holds(&self, event: &EventItem) -> bool {
        self.provider
            .as_ref()
            .is_none_or(|one| *one == event.provider)
            && self.processing.is_none_or(|one| one == event.processing)
            && self.from.is_none_or(|from| event.received_at >= from)
            && self.to.is_none_or(|to| event.received_at < to)
    }
}

/// What a scan came to.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Events in order of their arrival, without bodies.
    pub events: Vec<EventItem>,
    /// Items that DynamoDB read for it.
    pub read: u64,
    /// Whether that was the whole table.
    pub is_whole: bool,
}

impl DynamoStore {
    /// Reads the table item by item, whatever is wanted of it, until `most` items are read; so what it costs grows with
    /// the table and ends there.
    pub async fn scan(&self, search: &Search, most: u64) -> Result<Found, StoreError> {
        let (filter, values) = search.filter();
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression(filter)
            .set_expression_attribute_values(Some(values))
            .set_expression_attribute_names(Some(
                WITHOUT_BODY
                    .map(|name| (format!("#{name}"), name.to_owned()))
                    .into(),
            ))
            .projection_expression(WITHOUT_BODY.map(|name| format!("#{name}")).join(", "))
            .into_paginator()
            .send();
        let mut found = Found::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("Scan", &error))?;
            for item in page.items() {
                let event = self.read_event(item)?;
                if search.holds(&event) {
                    found.events.push(event);
                }
            }
            found.read += u64::try_from(page.scanned_count()).unwrap_or(0);
            found.is_whole = page.last_evaluated_key().is_none();
            if found.read >= most {
                break;
            }
        }
        let order = |event: &EventItem| (event.received_at, event.key.clone());
        found.events.sort_by_key(order);
        Ok(found)
    }

    /// One event with its body.
    pub async fn event(&self, key: &Key) -> Result<Option<EventItem>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.failed("GetItem", &error))?;
        output.item().map(|item| self.read_event(item)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the table's filter would say of an arrival.
    fn filtered(search: &Search, at: Timestamp) -> bool {
        let (_, values) = search.filter();
        let bound = |name: &str| values.get(name).and_then(|value| value.as_s().ok());
        let at = at.to_string();
        bound(":from").is_none_or(|from| at >= *from) && bound(":to").is_none_or(|to| at < *to)
    }

    proptest! {
        #[test]
        fn the_table_never_filters_out_an_arrival_between_the_two_times(
            at in 0i64..4_000_000_000_000_000,
            before in 0i64..3_000_000,
            after in 1i64..3_000_000,
        ) {
            let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap();
            let search = Search {
                from: Some(time((at - before).max(0))),
                to: Some(time(at + after)),
                ..Search::default()
            };
            prop_assert!(filtered(&search, time(at)));
        }
    }

    #[test]
    fn an_empty_search_asks_for_all_events_and_nothing_else() {
        let (filter, values) = Search::default().filter();
        assert_eq!(filter, "#recordType = :recordType");
        assert_eq!(values.len(), 1);
    }
}
