//! The payment's current state: one head per payment, the same whatever order its events are processed in.
//!
//! A head remembers, for each status, the latest time an event gave it. Merging two such records takes the later time
//! status by status, which does not depend on order or repetition; the payment's status is a function of the record.
//! That makes shuffled, repeated and interrupted processing end where in-order processing ends.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::event::Status;
use crate::money::Money;

/// What one event says about its payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub event_id: String,
    pub status: Status,
    /// The event's own time in milliseconds, before any shift to a free sort key.
    pub occurred_at: i64,
    pub money: Option<Money>,
}

/// The current state of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Latest time, in milliseconds, at which an event gave each status.
    pub latest: BTreeMap<Status, i64>,
    /// The payment's own amount (never that of a refund or a dispute) and the time of the event it came from.
    pub amount: Option<(i64, Money)>,
    /// The event that changed this head last, in order of processing.
    pub last_event_id: String,
    /// The status before that event.
    pub previous: Option<Status>,
    /// Counts the writes, for optimistic concurrency.
    pub version: u64,
    pub updated_at: Timestamp,
}

impl Head {
    /// The head after `change`, or `None` when the change says nothing that `head` does not know.
    pub fn after(head: Option<&Head>, change: &Change, now: Timestamp) -> Option<Head> {
        let mut latest = head.map(|head| head.latest.clone()).unwrap_or_default();
        let mut amount = head.and_then(|head| head.amount.clone());
        let seen = latest.entry(change.status).or_insert(change.occurred_at);
        *seen = change.occurred_at.max(*seen);
        if let Some(money) = change.money.as_ref().filter(|_| !is_adverse(change.status)) {
            amount = newer_amount(amount, (change.occurred_at, money.clone()));
        }
        if head.is_some_and(|head| head.latest == latest && head.amount == amount) {
            return None;
        }
        Some(Head {
            latest,
            amount,
            last_event_id: change.event_id.clone(),
            previous: head.and_then(Head::status),
            version: head.map_or(1, |head| head.version + 1),
            updated_at: now,
        })
    }

    /// The payment's status; `None` only for a head without any event.
    pub fn status(&self) -> Option<Status> {
        resolve(&self.latest)
    }

    /// Time in milliseconds of the newest event applied.
    pub fn watermark(&self) -> i64 {
        self.latest.values().copied().max().unwrap_or(0)
    }
}

/// Of two amounts the later one; of two of the same time the same one in either order.
fn newer_amount(known: Option<(i64, Money)>, new: (i64, Money)) -> Option<(i64, Money)> {
    let rank =
        |(at, money): &(i64, Money)| (*at, money.minor, money.currency.clone(), money.exponent);
    match known {
        Some(known) if rank(&known) >= rank(&new) => Some(known),
        _ => Some(new),
    }
}

/// Money that went back, or may have to.
pub fn is_adverse(status: Status) -> bool {
    matches!(
        status,
        Status::PartiallyRefunded | Status::Refunded | Status::Disputed
    )
}

/// The lifecycle: pending, action required, authorised, succeeded, settled, with the exits failed, canceled, refunded and
/// disputed. Forward only, apart from what providers document: a late authorisation after a failure, a dispute won and
/// a refund that failed.
fn resolve(latest: &BTreeMap<Status, i64>) -> Option<Status> {
    let at = |status: Status| latest.get(&status).copied();
    let adverse = [
        Status::PartiallyRefunded,
        Status::Refunded,
        Status::Disputed,
    ]
    .into_iter()
    .filter_map(|status| Some((at(status)?, status)))
    .max_by_key(|(time, _)| *time);
    if let Some((adverse_at, adverse)) = adverse {
        return match at(Status::Succeeded) {
            Some(restored) if restored > adverse_at => {
                Some(if at(Status::Settled) > Some(adverse_at) {
                    Status::Settled
                } else {
                    Status::Succeeded
                })
            }
            _ => Some(adverse),
        };
    }
    // Captured money outranks whatever was said before or after about not getting it.
    for status in [Status::Settled, Status::Succeeded, Status::Canceled] {
        if at(status).is_some() {
            return Some(status);
        }
    }
    match (at(Status::Authorised), at(Status::Failed)) {
        (Some(authorised), Some(failed)) if failed > authorised => Some(Status::Failed),
        (Some(_), _) => Some(Status::Authorised),
        (None, Some(_)) => Some(Status::Failed),
        (None, None) => [Status::ActionRequired, Status::Pending]
            .into_iter()
            .find(|status| at(*status).is_some()),
    }
}

/// Whether a payment that the gateway now reports as `gateway` can have been through what the event claims.
///
/// The gateway reports the present and the event a moment in the past, so a gateway that is further on agrees.
pub fn agrees(claimed: Status, gateway: Status) -> bool {
    use Status::*;
    match claimed {
        Pending | ActionRequired | Failed => true,
        Authorised => !matches!(gateway, Pending | ActionRequired),
        Canceled => gateway == Canceled,
        Succeeded | Settled | Disputed => {
            matches!(
                gateway,
                Succeeded | Settled | PartiallyRefunded | Refunded | Disputed
            )
        }
        PartiallyRefunded => matches!(gateway, PartiallyRefunded | Refunded | Disputed),
        Refunded => matches!(gateway, Refunded | Disputed),
    }
}

#[cfg(test)]
mod tests;
