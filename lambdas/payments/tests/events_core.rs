//! What the events of Stripe, Standard Webhooks and generic senders say, in the one payment model.

mod support;

use payments::event::Status;
use payments::json::MalformedBody;
use payments::providers::Verified;
use payments::request::{Headers, Request};
use payments::settings::{EventFields, Settings};
use support::*;

fn stripe(event_type: &str, object: &str) -> String {
    format!(
        r#"{{"id":"evt_1","object":"event","api_version":"2024-06-20","created":1700000000,"livemode":false,
        "type":"{event_type}","data":{{"object":{object}}}}}"#
    )
}

#[test]
fn stripe_types_become_lifecycle_states_with_the_amount_that_moved() {
    let intent = |amounts: &str| {
        format!(r#"{{"id":"pi_1","object":"payment_intent",{amounts},"currency":"eur"}}"#)
    };
    let charge = |rest: &str| {
        format!(
            r#"{{"id":"ch_1","object":"charge","payment_intent":"pi_1","amount":1000,"currency":"eur",{rest}}}"#
        )
    };
    let dispute = |status: &str| {
        format!(
            r#"{{"id":"du_1","object":"dispute","charge":"ch_1","payment_intent":"pi_1","amount":1000,"currency":"eur","status":"{status}"}}"#
        )
    };
    let plain = intent(r#""amount":1000"#);
    let cases = [
        (
            "payment_intent.created",
            plain.clone(),
            Some(Status::Pending),
            1000,
        ),
        (
            "payment_intent.processing",
            plain.clone(),
            Some(Status::Pending),
            1000,
        ),
        (
            "payment_intent.requires_action",
            plain.clone(),
            Some(Status::ActionRequired),
            1000,
        ),
        (
            "payment_intent.amount_capturable_updated",
            intent(r#""amount":1000,"amount_capturable":900"#),
            Some(Status::Authorised),
            900,
        ),
        (
            "payment_intent.succeeded",
            intent(r#""amount":1000,"amount_received":800"#),
            Some(Status::Succeeded),
            800,
        ),
        (
            "payment_intent.payment_failed",
            plain.clone(),
            Some(Status::Failed),
            1000,
        ),
        (
            "payment_intent.canceled",
            plain.clone(),
            Some(Status::Canceled),
            1000,
        ),
        (
            "charge.succeeded",
            charge(r#""captured":true"#),
            Some(Status::Succeeded),
            1000,
        ),
        (
            "charge.succeeded",
            charge(r#""captured":false"#),
            Some(Status::Authorised),
            1000,
        ),
        (
            "charge.refunded",
            charge(r#""amount_refunded":1000"#),
            Some(Status::Refunded),
            1000,
        ),
        (
            "charge.refunded",
            charge(r#""amount_refunded":400"#),
            Some(Status::PartiallyRefunded),
            400,
        ),
        (
            "charge.dispute.created",
            dispute("needs_response"),
            Some(Status::Disputed),
            1000,
        ),
        (
            "charge.dispute.closed",
            dispute("won"),
            Some(Status::Succeeded),
            1000,
        ),
        (
            "charge.dispute.closed",
            dispute("lost"),
            Some(Status::Disputed),
            1000,
        ),
        ("payment_intent.something_new", plain, None, 1000),
    ];
    for (event_type, object, claimed, minor) in cases {
        let events = events_in("stripe", &[], &stripe(event_type, &object)).expect("events");
        let [event] = events.as_slice() else {
            panic!("one event")
        };
        assert_eq!(event.claimed, claimed, "{event_type}");
        assert_eq!(event.money, Some(eur(minor)), "{event_type}");
        assert_eq!(event.payment_id(), "stripe:pi_1", "{event_type}");
        assert_eq!(
            (event.event_id.as_str(), event.occurred_ms),
            ("evt_1", Some(1_700_000_000_000))
        );
        assert!(event.signed);
    }
}

#[test]
fn stripe_amounts_have_the_exponent_of_stripes_own_currency_table() {
    for (currency, exponent) in [
        ("usd", 2),
        ("jpy", 0),
        ("kwd", 3),
        ("isk", 2),
        ("ugx", 2),
        ("mga", 0),
        ("clp", 0),
    ] {
        let object = format!(r#"{{"id":"pi_1","amount":5000,"currency":"{currency}"}}"#);
        let events =
            events_in("stripe", &[], &stripe("payment_intent.created", &object)).expect("events");
        let money = events[0].money.clone().expect("money");
        assert_eq!(
            (money.minor, money.exponent),
            (5000, exponent),
            "{currency}"
        );
    }
}

#[test]
fn stripe_money_that_is_not_an_integer_is_refused_rather_than_rounded() {
    for amount in ["10.5", "1e3", "\"ten\"", "9223372036854775808"] {
        let object = format!(r#"{{"id":"pi_1","amount":{amount},"currency":"eur"}}"#);
        let refused = events_in("stripe", &[], &stripe("payment_intent.created", &object))
            .expect_err("refused");
        assert!(
            matches!(
                refused,
                MalformedBody::Money {
                    field: "amount",
                    ..
                }
            ),
            "{amount}: {refused}"
        );
    }
}

#[test]
fn a_stripe_event_that_is_not_about_a_payment_is_kept_under_its_own_id() {
    let customer = events_in(
        "stripe",
        &[],
        &stripe("customer.created", r#"{"id":"cus_1"}"#),
    )
    .expect("events");
    assert_eq!(
        (customer[0].payment_id().as_str(), customer[0].claimed),
        ("stripe:cus_1", None)
    );
    let bare = events_in("stripe", &[], r#"{"id":"evt_2","object":"event"}"#).expect("events");
    assert_eq!(
        (bare[0].payment_id().as_str(), bare[0].event_type.as_str()),
        ("stripe:evt_2", "unknown")
    );
    assert_eq!(bare[0].occurred_ms, None);
    assert_eq!(
        events_in("stripe", &[], "{}").err(),
        Some(MalformedBody::Field("id"))
    );
    assert_eq!(
        events_in("stripe", &[], "").err(),
        Some(MalformedBody::Empty)
    );
}

#[test]
fn standard_webhooks_take_the_id_from_the_signed_header_and_the_status_from_the_type() {
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1700000009"),
        ("webhook-signature", "v1,x"),
    ];
    let body = |event_type: &str| {
        format!(
            r#"{{"type":"{event_type}","timestamp":"2023-11-14T22:13:20.5Z","data":{{"id":"pay_1","amount":1050,"currency":"eur"}}}}"#
        )
    };
    let cases = [
        ("payment.succeeded", Some(Status::Succeeded)),
        ("payment.authorized", Some(Status::Authorised)),
        ("refund.refunded", Some(Status::Refunded)),
        (
            "payment.partially_refunded",
            Some(Status::PartiallyRefunded),
        ),
        ("billing.invoice.paid", Some(Status::Succeeded)),
        ("refund.failed", None),
        ("payout.succeeded", None),
        ("user.created", None),
        ("succeeded", None),
    ];
    for (event_type, claimed) in cases {
        let events = events_in("standard_webhooks", &headers, &body(event_type)).expect("events");
        assert_eq!(events[0].claimed, claimed, "{event_type}");
        assert_eq!(
            (events[0].event_id.as_str(), events[0].payment_id().as_str()),
            ("msg_1", "standard_webhooks:pay_1")
        );
        assert_eq!(
            (events[0].occurred_ms, events[0].money.clone()),
            (Some(1_700_000_000_500), Some(eur(1050)))
        );
    }
    let reference =
        events_in("standard_webhooks", &headers, r#"{"test": 2432232314}"#).expect("events");
    assert_eq!(
        (reference[0].payment_id().as_str(), reference[0].occurred_ms),
        ("standard_webhooks:msg_1", None)
    );
}

#[test]
fn a_generic_body_is_read_at_the_configured_paths() {
    let settings = Settings {
        event: EventFields {
            id: "meta.event".into(),
            event_type: "kind".into(),
            time: "at".into(),
            payment_id: "order".into(),
            amount: "cents".into(),
            currency: "cur".into(),
            status: "state".into(),
        },
        ..Settings::default()
    };
    let body = r#"{"meta":{"event":7},"kind":"paid","at":1700000000,"order":"o-1","cents":1050,"cur":"eur","state":"succeeded"}"#;
    let request = Request {
        body: body.into(),
        headers: Headers::default(),
        ..Request::default()
    };
    let events = provider("generic_hmac")
        .events(&request, &settings, &Verified::SIGNED)
        .expect("events");
    assert_eq!(
        (events[0].event_id.as_str(), events[0].event_type.as_str()),
        ("7", "paid")
    );
    assert_eq!(events[0].payment_id(), "generic_hmac:o-1");
    assert_eq!(
        (events[0].occurred_ms, events[0].claimed),
        (Some(1_700_000_000_000), Some(Status::Succeeded))
    );
    assert_eq!(events[0].money, Some(eur(1050)));
}

#[test]
fn what_a_generic_sender_signs_is_kept_even_if_it_is_not_json() {
    let text = events_in("generic_hmac", &[], "Hello, World!").expect("events");
    let again = events_in("generic_hmac", &[], "Hello, World!").expect("events");
    let other = events_in("generic_hmac", &[], "Hello, World?").expect("events");
    assert_eq!(text, again);
    assert_ne!(text[0].event_id, other[0].event_id);
    assert_eq!(
        (text[0].claimed, text[0].event_type.as_str()),
        (None, "unknown")
    );
    assert_eq!(
        events_in("generic_hmac", &[], "").err(),
        Some(MalformedBody::Empty)
    );
    let deep = format!("{{\"a\":{}", "[".repeat(1000));
    assert_eq!(
        events_in("generic_hmac", &[], &deep).err(),
        Some(MalformedBody::TooDeep)
    );
}

#[test]
fn a_thin_stripe_event_says_its_time_as_text_and_no_payment() {
    let body = r#"{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered",
        "created":"2026-01-01T00:00:00.000Z","related_object":{"id":"mtr_1","type":"billing.meter"}}"#;
    assert_eq!(all_told("stripe", body), ["evt_1 | - | - | 1767225600000"]);
}

#[test]
fn an_amount_that_cannot_be_read_keeps_out_what_moves_a_payment_and_nothing_else() {
    for amount in [
        "1e3",
        "10.5",
        "99999999999999999999",
        "\"1 000\"",
        "\"١\"",
        "-0.5",
    ] {
        let of = |event_type: &str| {
            let object = format!(r#"{{"id":"pi_1","amount":{amount},"currency":"eur"}}"#);
            events_in("stripe", &[], &stripe(event_type, &object))
        };
        assert!(of("payment_intent.payment_failed").is_err(), "{amount}");
        let kept = of("something.new").expect("an event").remove(0);
        assert_eq!((kept.claimed, kept.money), (None, None), "{amount}");
    }
}
