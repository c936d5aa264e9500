use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn change(status: Status, occurred_at: i64, minor: i64) -> Change {
    let money = Money {
        minor,
        currency: Currency::parse("EUR").unwrap(),
        exponent: 2,
    };
    Change {
        event_id: format!("evt_{status:?}_{occurred_at}_{minor}"),
        status,
        occurred_at,
        money: Some(money),
    }
}

fn apply(changes: &[Change]) -> Option<Head> {
    changes.iter().fold(None, |head, change| {
        Head::after(head.as_ref(), change, Timestamp::UNIX_EPOCH).or(head)
    })
}

fn status_after(statuses: &[Status]) -> Status {
    let changes: Vec<_> = statuses
        .iter()
        .enumerate()
        .map(|(at, status)| change(*status, at as i64, 1))
        .collect();
    apply(&changes).unwrap().status().unwrap()
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let one = (
        proptest::sample::select(&Status::ALL[..]),
        0..6_i64,
        1..4_i64,
    )
        .prop_map(|(s, at, minor)| change(s, at, minor));
    proptest::collection::vec(one, 1..12)
}

proptest! {
    #[test]
    fn shuffled_and_repeated_events_end_where_events_in_order_end(
        (in_order, shuffled) in changes().prop_flat_map(|mut events| {
            let repeated: Vec<_> = events.iter().chain(&events[..events.len() / 2]).cloned().collect();
            events.sort_by_key(|event| event.occurred_at);
            (Just(events), Just(repeated).prop_shuffle())
        })
    ) {
        let (expected, actual) = (apply(&in_order).unwrap(), apply(&shuffled).unwrap());
        prop_assert_eq!(expected.status(), actual.status());
        prop_assert_eq!(expected.watermark(), actual.watermark());
        prop_assert_eq!(expected.amount, actual.amount);
    }

    #[test]
    fn a_payment_in_order_only_moves_forward_or_along_a_documented_regression(mut events in changes()) {
        events.sort_by_key(|event| event.occurred_at);
        let mut head: Option<Head> = None;
        for event in &events {
            let before = head.as_ref().and_then(Head::status);
            head = Head::after(head.as_ref(), event, Timestamp::UNIX_EPOCH).or(head);
            let after = head.as_ref().and_then(Head::status).unwrap();
            if let Some(before) = before.filter(|before| *before != after) {
                prop_assert!(allowed(before, after), "{before:?} -> {after:?} by {event:?}");
            }
        }
    }

    #[test]
    fn an_event_applied_twice_changes_nothing_the_second_time(events in changes()) {
        let head = apply(&events).unwrap();
        for event in &events {
            prop_assert_eq!(Head::after(Some(&head), event, Timestamp::UNIX_EPOCH), None);
        }
    }
}

fn allowed(before: Status, after: Status) -> bool {
    use Status::*;
    let captured = matches!(
        after,
        Succeeded | Settled | PartiallyRefunded | Refunded | Disputed
    );
    match before {
        Pending => true,
        ActionRequired => after != Pending,
        Authorised => captured || matches!(after, Failed | Canceled),
        Failed => captured || matches!(after, Authorised | Canceled),
        Canceled => captured,
        Succeeded => captured,
        Settled => is_adverse(after),
        PartiallyRefunded | Refunded | Disputed => captured,
    }
}

#[test]
fn the_lifecycle_reads_as_documented() {
    use Status::*;
    for (events, expected) in [
        (
            &[Pending, ActionRequired, Authorised, Succeeded, Settled][..],
            Settled,
        ),
        (&[Authorised, Pending], Authorised),
        (&[Failed, Authorised], Authorised),
        (&[Failed, Succeeded], Succeeded),
        (&[Failed, Pending], Failed),
        (&[Authorised, Failed], Failed),
        (&[Succeeded, Failed], Succeeded),
        (&[Succeeded, Canceled], Succeeded),
        (&[Canceled, Authorised], Canceled),
        (&[Settled, Succeeded], Settled),
        (&[Succeeded, Disputed], Disputed),
        (&[Succeeded, Disputed, Succeeded], Succeeded),
        (&[Settled, Disputed, Succeeded], Succeeded),
        (&[Succeeded, Refunded, Succeeded], Succeeded),
        (&[Succeeded, PartiallyRefunded, Refunded], Refunded),
        (&[Succeeded, Refunded, Settled], Refunded),
        (&[Refunded, Pending], Refunded),
    ] {
        assert_eq!(status_after(events), expected, "{events:?}");
    }
}

#[test]
fn the_amount_of_a_refund_is_not_the_amount_of_the_payment() {
    let head = apply(&[
        change(Status::Succeeded, 1, 1000),
        change(Status::PartiallyRefunded, 2, 300),
    ])
    .unwrap();
    assert_eq!(head.amount.unwrap().1.minor, 1000);
}

#[test]
fn a_gateway_that_is_further_on_agrees_and_one_that_denies_capture_does_not() {
    use Status::*;
    for status in Status::ALL {
        assert!(agrees(status, status), "{status:?}");
    }
    for (claimed, gateway) in [
        (Authorised, Succeeded),
        (Failed, Succeeded),
        (Succeeded, Refunded),
        (Failed, Pending),
    ] {
        assert!(agrees(claimed, gateway), "{claimed:?} {gateway:?}");
    }
    for (claimed, gateway) in [
        (Succeeded, Failed),
        (Succeeded, Pending),
        (Refunded, Succeeded),
        (Canceled, Succeeded),
    ] {
        assert!(!agrees(claimed, gateway), "{claimed:?} {gateway:?}");
    }
}
