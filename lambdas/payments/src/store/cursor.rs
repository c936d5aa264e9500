//! How far the list of events of a provider has been read: one item per provider, which only ever moves forward.
//!
//! It never expires: without it the whole list would be read again.

use super::dynamo::key_attributes;
use super::event_item::{Attributes, read_number, read_text, text};
use super::{DynamoStore, Key, StoreError};
use aws_sdk_dynamodb::types::AttributeValue;

/// Value of `recordType` of a cursor.
pub(super) const RECORD_TYPE: &str = "cursor";
/// What the keys of all cursors begin with, and those of no payment.
const CURSORS: &str = "cursor:";
/// The attribute that says how far.
pub(super) const PLACE: &str = "place";

fn key(provider: &str) -> Attributes {
    key_attributes(&Key {
        payment_id: format!("{CURSORS}{provider}"),
        timestamp: 0,
    })
}

/// Reads a cursor: its provider and how far its list was read.
pub(super) fn read(item: &Attributes) -> Result<(String, u64), &'static str> {
    let id = read_text(item, "paymentId")?;
    let provider = id.strip_prefix(CURSORS).ok_or("paymentId")?.to_owned();
    let known =
        read_text(item, "recordType")? == RECORD_TYPE && read_number(item, "timestamp")? == 0;
    let place = item.get(PLACE).and_then(|place| place.as_n().ok());
    let place = place.and_then(|place| place.parse().ok()).ok_or(PLACE)?;
    known.then_some((provider, place)).ok_or("recordType")
}

impl DynamoStore {
    pub(super) async fn read_cursor(&self, provider: &str) -> Result<Option<u64>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(provider)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.failed("GetItem", &error))?;
        let place = |item| read(item).map(|(_, place)| place);
        let read = |item| place(item).map_err(|attribute| self.unreadable(attribute));
        output.item().map(read).transpose()
    }

    pub(super) async fn move_cursor(&self, provider: &str, to: u64) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(provider)))
            .update_expression("SET #place = :to, recordType = :cursor")
            .condition_expression("attribute_not_exists(#place) OR #place < :to")
            .expression_attribute_names("#place", PLACE)
            .expression_attribute_values(":to", AttributeValue::N(to.to_string()))
            .expression_attribute_values(":cursor", text(RECORD_TYPE))
            .send()
            .await;
        self.condition_held(update.map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event_item::number;
    use super::*;

    #[test]
    fn a_place_beyond_signed_numbers_is_read_back_and_what_is_no_cursor_is_refused() {
        let mut item = key("plaid");
        item.insert("recordType".into(), text(RECORD_TYPE));
        item.insert(PLACE.into(), AttributeValue::N(u64::MAX.to_string()));
        assert_eq!(read(&item), Ok(("plaid".to_owned(), u64::MAX)));
        for (name, wrong) in [
            (PLACE, number(-1)),
            ("recordType", text("payment")),
            ("timestamp", number(1)),
            ("paymentId", text("plaid:1")),
        ] {
            let item = Attributes::from_iter(
                [(name.to_owned(), wrong)]
                    .into_iter()
                    .chain(item.clone().into_iter().filter(|(known, _)| known != name)),
            );
            assert!(read(&item).is_err(), "{name}");
        }
    }
}
