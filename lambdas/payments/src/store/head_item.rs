//! The head of a payment as an item of the table.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use super::event_item::{Attributes, number, put_money, read_money, read_number, read_text, text};
use crate::event::Status;
use crate::head::Head;

/// Value of `recordType` of a head.
pub(super) const RECORD_TYPE: &str = "payment";

/// Sort key of a head.
pub(super) const TIMESTAMP: i64 = 0;

/// Attributes of a head besides its key.
pub(super) fn attributes(head: &Head) -> Attributes {
    let latest = head
        .latest
        .iter()
        .map(|(status, at)| (status.as_str().to_owned(), number(*at)))
        .collect();
    let mut item = HashMap::from([
        ("recordType".to_owned(), text(RECORD_TYPE)),
        ("latest".to_owned(), AttributeValue::M(latest)),
        ("watermark".to_owned(), number(head.watermark())),
        (
            "version".to_owned(),
            AttributeValue::N(head.version.to_string()),
        ),
        ("lastEventId".to_owned(), text(&head.last_event_id)),
        ("updatedAt".to_owned(), text(&head.updated_at.to_string())),
    ]);
    if let Some(status) = head.status() {
        item.insert("status".into(), text(status.as_str()));
    }
    if let Some(previous) = head.previous {
        item.insert("previousStatus".into(), text(previous.as_str()));
    }
    if let Some((at, money)) = &head.amount {
        put_money(&mut item, money);
        item.insert("amountAt".into(), number(*at));
    }
    item
}

/// Reads a head back; the error is the name of the attribute that is missing or wrong.
pub(super) fn from_attributes(item: &Attributes) -> Result<Head, &'static str> {
    let seen = item
        .get("latest")
        .and_then(|value| value.as_m().ok())
        .ok_or("latest")?;
    let mut latest = BTreeMap::new();
    for (status, at) in seen {
        let status: Status = status.parse().map_err(|_| "latest")?;
        latest.insert(
            status,
            at.as_n()
                .ok()
                .and_then(|at| at.parse().ok())
                .ok_or("latest")?,
        );
    }
    Ok(Head {
        latest,
        amount: match read_money(item)? {
            Some(money) => Some((read_number(item, "amountAt")?, money)),
            None => None,
        },
        last_event_id: read_text(item, "lastEventId")?,
        previous: read_text(item, "previousStatus")
            .ok()
            .and_then(|text| text.parse().ok()),
        version: read_number(item, "version")?
            .try_into()
            .map_err(|_| "version")?,
        updated_at: read_text(item, "updatedAt")?
            .parse()
            .map_err(|_| "updatedAt")?,
    })
}
