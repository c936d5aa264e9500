//! A mismatch between an event and its provider's API as an attribute of the event's item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::event_item::{Attributes, put_money, read_money, read_text, text};
use crate::event::Status;
use crate::money::Money;
use crate::outcome::Mismatch;

/// Name of the attribute.
pub(super) const MISMATCH: &str = "mismatch";

/// Both sides: statuses and amounts, and nothing else that either said.
pub(super) fn attribute(mismatch: &Mismatch) -> AttributeValue {
    let sides = [
        ("claimed", &mismatch.claimed),
        ("gateway", &mismatch.gateway),
    ];
    let sides = sides.map(|(name, side)| (name.to_owned(), AttributeValue::M(put(side))));
    AttributeValue::M(HashMap::from(sides))
}

fn put((status, money): &(Status, Option<Money>)) -> Attributes {
    let mut side = HashMap::from([("status".to_owned(), text(status.as_str()))]);
    if let Some(money) = money {
        put_money(&mut side, money);
    }
    side
}

/// Reads it back; `None` where there is none.
pub(super) fn read(item: &Attributes) -> Result<Option<Mismatch>, &'static str> {
    let Some(mismatch) = item.get(MISMATCH) else {
        return Ok(None);
    };
    let sides = mismatch.as_m().map_err(|_| MISMATCH)?;
    let side = |name: &str| {
        let side = sides.get(name).and_then(|side| side.as_m().ok());
        let side = side.ok_or(MISMATCH)?;
        let status = read_text(side, "status")?.parse().map_err(|_| MISMATCH)?;
        Ok::<_, &'static str>((status, read_money(side)?))
    };
    Ok(Some(Mismatch {
        claimed: side("claimed")?,
        gateway: side("gateway")?,
    }))
}
