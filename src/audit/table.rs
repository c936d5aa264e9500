//! What must hold among the items of the table.

use super::fault::{Fault, FaultKind};
use super::snapshot::Snapshot;
use super::{Circumstances, Waiting, of_event};
use payments::head::Head;
use payments::outcome::outcome_id;
use payments::store::{EventItem, MarkerItem, Processing};

/// Every fault in the table itself.
pub fn faults(snapshot: &Snapshot, now: &Circumstances<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for same in snapshot.by_id().values().filter(|same| same.len() > 1) {
        faults.push(stored_twice(same));
    }
    for event in snapshot.events.values().filter(|event| now.judges(event)) {
        faults.extend(marker_of(snapshot, event));
        faults.extend(processing(event, now));
        faults.extend(head_of(snapshot, event, now));
    }
    for marker in snapshot.markers.values() {
        faults.extend(orphan(snapshot, marker, now));
    }
    for (payment, head) in &snapshot.heads {
        faults.extend(unexplained(snapshot, payment, head, now));
    }
    for (key, why) in &snapshot.unknown {
        faults.push(Fault {
            kind: FaultKind::Unknown,
            subject: format!("{} at {}", key.payment_id, key.timestamp),
            detail: format!("an item without a usable `{why}`"),
            partitions: vec![key.payment_id.clone()],
        });
    }
    faults
}

fn stored_twice(same: &[&EventItem]) -> Fault {
    let keys = same
        .iter()
        .map(|event| format!("{} at {}", event.key.payment_id, event.key.timestamp));
    let keys: Vec<_> = keys.collect();
    Fault {
        kind: FaultKind::StoredTwice,
        subject: of_event(same[0]),
        detail: format!("is {} items: {}", same.len(), keys.join(", ")),
        partitions: same
            .iter()
            .map(|event| event.key.payment_id.clone())
            .collect(),
    }
}

fn fault(kind: FaultKind, event: &EventItem, detail: impl Into<String>) -> Fault {
    Fault {
        kind,
        subject: of_event(event),
        detail: detail.into(),
        partitions: vec![event.key.payment_id.clone(), event.marker_id()],
    }
}

fn marker_of(snapshot: &Snapshot, event: &EventItem) -> Option<Fault> {
    let fault = |detail: String| Some(fault(FaultKind::MarkerMissing, event, detail));
    let Some(found) = snapshot.markers.get(&event.marker_id()) else {
        return fault("has no marker, so that it could be stored again".to_owned());
    };
    let at = &found.marker.key;
    if *at != event.key {
        return fault(format!(
            "has a marker of {} at {}",
            at.payment_id, at.timestamp
        ));
    }
    if found.marker.digest != event.identity() {
        return fault("has a marker of another body".to_owned());
    }
    None
}

fn orphan(snapshot: &Snapshot, found: &MarkerItem, now: &Circumstances<'_>) -> Option<Fault> {
    let over = found.expires_at.is_some_and(|end| end <= now.at);
    if over || snapshot.events.contains_key(&found.marker.key) {
        return None;
    }
    let key = &found.marker.key;
    Some(Fault {
        kind: FaultKind::MarkerWithoutEvent,
        subject: format!("{} at {}", key.payment_id, key.timestamp),
        detail: format!(
            "was stored once, says the marker {}, and is not there",
            found.id
        ),
        partitions: vec![key.payment_id.clone(), found.id.clone()],
    })
}

/// How far the event got, and whether it says so consistently.
fn processing(event: &EventItem, now: &Circumstances<'_>) -> Option<Fault> {
    match event.processing {
        Processing::Received => match now.waiting(event) {
            Waiting::Overdue => {
                let detail = format!(
                    "was stored at {}, is not settled, and neither runs nor is in the dead-letter queue",
                    event.received_at
                );
                Some(fault(FaultKind::Overdue, event, detail))
            }
            Waiting::InQueue | Waiting::Running | Waiting::Pending => None,
        },
        Processing::Processed => {
            let own = outcome_id(&event.provider, &event.event_id);
            let right = event.outcome_id.as_ref() == Some(&own) && event.status.is_some();
            let detail = "is processed without its own outcome and status";
            (!right).then(|| fault(FaultKind::WrongOutcome, event, detail))
        }
        Processing::Ignored => event.outcome_id.as_ref().map(|_| {
            let detail = "is ignored and has an outcome all the same";
            fault(FaultKind::WrongOutcome, event, detail)
        }),
        Processing::Failed if event.failure.is_none() => {
            let detail = "failed without a reason";
            Some(fault(FaultKind::NoReason, event, detail))
        }
        Processing::Failed => None,
    }
}

/// Whether the head knows what a processed event said.
fn head_of(snapshot: &Snapshot, event: &EventItem, now: &Circumstances<'_>) -> Option<Fault> {
    if event.processing != Processing::Processed {
        return None;
    }
    let payment = &event.key.payment_id;
    let Some(head) = snapshot.heads.get(payment) else {
        let detail = format!("is processed and {payment} has no head");
        return Some(fault(FaultKind::HeadMissing, event, detail));
    };
    let occurred = event.occurred_ms.unwrap_or(0);
    if head.watermark() < occurred {
        let detail = format!("is processed and later than the head of {payment} knows");
        return Some(fault(FaultKind::HeadDisagrees, event, detail));
    }
    // What an API confirmed may be another status than the event claimed.
    let claimed = event
        .event_status
        .filter(|_| !now.confirmed.contains(&event.provider))?;
    match head.latest.get(&claimed) {
        Some(at) if *at >= occurred => None,
        _ => {
            let detail = format!(
                "is processed and the head of {payment} does not know that it was {}",
                claimed.as_str()
            );
            Some(fault(FaultKind::HeadDisagrees, event, detail))
        }
    }
}

/// Whether everything in the head came from an event.
fn unexplained(
    snapshot: &Snapshot,
    payment: &str,
    head: &Head,
    now: &Circumstances<'_>,
) -> Option<Fault> {
    // Events expire; what they told stays in the head.
    if now.events_expire {
        return None;
    }
    let fault = |kind, detail: String| {
        Some(Fault {
            kind,
            subject: payment.to_owned(),
            detail,
            partitions: vec![payment.to_owned()],
        })
    };
    if snapshot.of_payment(payment).next().is_none() {
        let detail = "has a head and no events".to_owned();
        return fault(FaultKind::HeadWithoutEvents, detail);
    }
    let told = |at: i64| {
        let mut events = snapshot.of_payment(payment);
        events.any(|event| event.occurred_ms.unwrap_or(0) == at)
    };
    for (status, at) in &head.latest {
        if !told(*at) {
            let status = status.as_str();
            let detail = format!(
                "was {status} at {at} ms, says its head, but no event of it is of that time"
            );
            return fault(FaultKind::HeadDisagrees, detail);
        }
    }
    let mut events = snapshot.of_payment(payment);
    if !events.any(|event| event.event_id == head.last_event_id) {
        let detail = "has a head that was written for an event that is not there".to_owned();
        return fault(FaultKind::HeadDisagrees, detail);
    }
    None
}
