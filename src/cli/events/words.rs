//! An event in words and as JSON; never its body.

use jiff::Timestamp;
use payments::event::Status;
use payments::store::{Conflict, EventItem, Ignored, Resolved};
use serde_json::{Value, json};

/// One line: arrival, processing, payment, what happened, amount, id, and why it failed.
pub fn line(event: &EventItem) -> String {
    let money = event.money.as_ref().map(ToString::to_string);
    let failure = event.failure.as_ref().map(|why| format!("  ({why})"));
    let mismatch = event.mismatch.as_ref().map(|mismatch| {
        let fields = mismatch.fields().join(" and ");
        match event.resolved {
            None => format!("  (the provider's API says another {fields})"),
            Some(_) => format!("  (the provider's API says another {fields}; resolved)"),
        }
    });
    let erased = event.erased_at.map(|_| "  (body erased)");
    let at = event.received_at;
    let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    format!(
        "{at}  {:<9}  {}  {}  {}{}  {}{}{}{}",
        event.processing.as_str(),
        event.key.payment_id,
        event.event_type,
        event.event_status.map_or("no status", Status::as_str),
        money.map_or_else(String::new, |money| format!("  {money}")),
        event.event_id,
        failure.unwrap_or_default(),
        mismatch.unwrap_or_default(),
        erased.unwrap_or_default(),
    )
}

/// "1 event", "2 events".
pub fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

/// Everything that is known of it.
pub fn facts(event: &EventItem) -> Value {
    json!({
        "paymentId": event.key.payment_id,
        "timestamp": event.key.timestamp,
        "provider": event.provider,
        "providerPaymentId": event.provider_payment_id,
        "eventId": event.event_id,
        "eventType": event.event_type,
        "claimedStatus": event.event_status.map(Status::as_str),
        "occurredMs": event.occurred_ms,
        "amountMinor": event.money.as_ref().map(|money| money.minor),
        "currency": event.money.as_ref().map(|money| money.currency.as_str()),
        "exponent": event.money.as_ref().map(|money| money.exponent),
        "receivedAt": event.received_at.to_string(),
        "signed": event.signed,
        "bodyDigest": event.body_digest,
        "traceId": event.trace_id,
        "expiresAt": event.expires_at.map(|at| at.to_string()),
        "processing": event.processing.as_str(),
        "ignoredBecause": event.ignored.map(Ignored::as_str),
        "toldBy": event.told_by,
        "processedAt": event.processed_at.map(|at| at.to_string()),
        "status": event.status.map(Status::as_str),
        "outcomeId": event.outcome_id,
        "failure": event.failure,
        "mismatch": event.mismatch.as_ref().map(|mismatch| {
            let mut sides = mismatch.sides();
            sides["fields"] = mismatch.fields().into();
            sides
        }),
        "resolved": event.resolved.as_ref().map(resolved_facts),
        "erasedAt": event.erased_at.map(|at| at.to_string()),
    })
}

/// Everything that is known of a content that was not stored.
pub fn conflict_facts(conflict: &Conflict) -> Value {
    json!({
        "eventId": conflict.event_id,
        "digest": conflict.digest,
        "receivedAt": conflict.received_at.to_string(),
        "resolved": conflict.resolved.as_ref().map(resolved_facts),
    })
}

fn resolved_facts(resolved: &Resolved) -> Value {
    json!({"at": resolved.at.to_string(), "note": resolved.note})
}
