//! What a sender says that it sent, against the table.

use super::fault::{Fault, FaultKind};
use super::sent::{Expected, Sent};
use super::snapshot::Snapshot;
use super::{Circumstances, of_event};
use payments::store::EventItem;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What was sent of one event.
#[derive(Default)]
struct Event<'a> {
    digests: BTreeSet<&'a str>,
    payment: Option<&'a str>,
}

/// Every difference between what was sent and what is stored.
pub fn faults(snapshot: &Snapshot, sent: &[Sent], now: &Circumstances<'_>) -> Vec<Fault> {
    let stored = snapshot.by_id();
    let genuine = genuine(sent);
    let mut faults: Vec<Fault> = sent.iter().filter_map(wrong_answer).collect();
    for ((provider, id), event) in &genuine {
        faults.extend(kept(provider, id, event, stored.get(&(*provider, *id))));
    }
    let forged = sent.iter().filter(|one| one.expected == Expected::Refused);
    faults.extend(forged.filter_map(|one| forgery(one, &stored, &genuine)));
    faults.extend(unnamed(snapshot, sent));
    faults.extend(never_sent(snapshot, sent, &genuine, now));
    faults
}

fn genuine(sent: &[Sent]) -> BTreeMap<(&str, &str), Event<'_>> {
    let mut genuine = BTreeMap::<_, Event<'_>>::new();
    for one in sent.iter().filter(|one| one.expected == Expected::Stored) {
        let Some(id) = &one.event_id else { continue };
        let event = genuine
            .entry((one.provider.as_str(), id.as_str()))
            .or_default();
        event.digests.extend(one.digest.as_deref());
        event.payment = event.payment.or(one.payment_id.as_deref());
    }
    genuine
}

fn fault(
    kind: FaultKind,
    provider: &str,
    what: &str,
    detail: String,
    payment: Option<&str>,
) -> Fault {
    Fault {
        kind,
        subject: format!("{provider} {what}"),
        detail,
        partitions: payment.map(str::to_owned).into_iter().collect(),
    }
}

fn wrong_answer(one: &Sent) -> Option<Fault> {
    let answer = one.answer?;
    let accepted = (200..300).contains(&answer);
    let wrong = match one.expected {
        // Whoever is told to try again does so; whether it was stored in the end shows in the table.
        Expected::Stored => !accepted && answer != 429 && answer < 500,
        Expected::Refused => accepted,
    };
    let expected = match one.expected {
        Expected::Stored => "accepted",
        Expected::Refused => "refused",
    };
    let what = one.event_id.as_deref().unwrap_or("a notice");
    let detail = format!("was answered {answer} and should have been {expected}");
    wrong.then(|| fault(FaultKind::WrongAnswer, &one.provider, what, detail, None))
}

/// Whether a genuine event is stored as it was sent.
fn kept(
    provider: &str,
    id: &str,
    sent: &Event<'_>,
    stored: Option<&Vec<&EventItem>>,
) -> Option<Fault> {
    let Some(item) = stored.and_then(|stored| stored.first()) else {
        let detail = "was sent and is not in the table".to_owned();
        let mut fault = fault(FaultKind::NotStored, provider, id, detail, sent.payment);
        fault
            .partitions
            .push(payments::store::marker_id(provider, id));
        return Some(fault);
    };
    // Where deliveries differ by nature, only what they have in common says anything.
    let same = item.common_digest.is_some()
        || sent.digests.is_empty()
        || sent.digests.contains(item.body_digest.as_str());
    let detail = "is stored with another body than was sent".to_owned();
    (!same).then(|| fault(FaultKind::OtherBody, provider, id, detail, sent.payment))
}

/// Whether something is stored that was to be refused.
fn forgery(
    one: &Sent,
    stored: &HashMap<(&str, &str), Vec<&EventItem>>,
    genuine: &BTreeMap<(&str, &str), Event<'_>>,
) -> Option<Fault> {
    let id = one.event_id.as_deref()?;
    let items = stored.get(&(one.provider.as_str(), id))?;
    let (detail, wrong) = match genuine.get(&(one.provider.as_str(), id)) {
        None => (
            "was sent only with a wrong signature and is in the table",
            true,
        ),
        // A change beside the body leaves its digest; the genuine delivery then accounts for the item.
        Some(event) => {
            let forged = one
                .digest
                .as_deref()
                .filter(|digest| !event.digests.contains(digest));
            let is = |item: &&EventItem| forged == Some(item.body_digest.as_str());
            (
                "is stored with the body that was tampered with",
                items.iter().any(is),
            )
        }
    };
    wrong.then(|| {
        let payment = Some(items[0].key.payment_id.as_str());
        fault(
            FaultKind::Forged,
            &one.provider,
            id,
            detail.to_owned(),
            payment,
        )
    })
}

/// Notices without an id: each delivery that was taken is an event, and two of one millisecond are one.
fn unnamed(snapshot: &Snapshot, sent: &[Sent]) -> Vec<Fault> {
    let mut deliveries = BTreeMap::<(&str, &str), usize>::new();
    let notices = sent.iter().filter(|one| one.event_id.is_none());
    for one in notices.filter(|one| one.expected == Expected::Stored) {
        if let Some(payment) = &one.payment_id {
            *deliveries.entry((&one.provider, payment)).or_default() += 1;
        }
    }
    let check = |((provider, payment), sent): ((&str, &str), usize)| {
        let stored = snapshot.of_payment(payment).count();
        let detail = format!("{sent} notices were sent, {stored} are in the table");
        let kind = match stored {
            0 => FaultKind::NotStored,
            more if more > sent => FaultKind::NeverSent,
            _ => return None,
        };
        Some(fault(kind, provider, payment, detail, Some(payment)))
    };
    deliveries.into_iter().filter_map(check).collect()
}

fn never_sent(
    snapshot: &Snapshot,
    sent: &[Sent],
    genuine: &BTreeMap<(&str, &str), Event<'_>>,
    now: &Circumstances<'_>,
) -> Vec<Fault> {
    let providers: BTreeSet<&str> = sent.iter().map(|one| one.provider.as_str()).collect();
    let noticed: BTreeSet<&str> = sent
        .iter()
        .filter(|one| one.event_id.is_none() && one.expected == Expected::Stored)
        .filter_map(|one| one.payment_id.as_deref())
        .collect();
    let forged: BTreeSet<(&str, &str)> = sent
        .iter()
        .filter(|one| one.expected == Expected::Refused)
        .filter_map(|one| Some((one.provider.as_str(), one.event_id.as_deref()?)))
        .collect();
    let is_unknown = |event: &&EventItem| {
        let id = (event.provider.as_str(), event.event_id.as_str());
        now.judges(event)
            && providers.contains(event.provider.as_str())
            && !genuine.contains_key(&id)
            && !forged.contains(&id)
            && !noticed.contains(event.key.payment_id.as_str())
            // What a list names is sent by no webhook of its own.
            && event.told_by.is_none()
    };
    let unknown = snapshot.events.values().filter(is_unknown);
    unknown
        .map(|event| Fault {
            kind: FaultKind::NeverSent,
            subject: of_event(event),
            detail: format!("arrived at {} and was not sent", event.received_at),
            partitions: vec![event.key.payment_id.clone()],
        })
        .collect()
}
