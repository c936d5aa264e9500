//! Events of the test mode and of the live mode are told apart.

mod support;

use payments::providers::Verified;
use payments::settings::Settings;
use serde_json::json;
use support::*;

#[test]
fn an_adyen_event_of_the_other_mode_is_kept_and_moves_nothing() {
    let of_platform = |live: &str| {
        let environment = if live == "true" { "live" } else { "test" };
        json!({"type": "balancePlatform.transfer.updated", "environment": environment,
            "data": {"id": "TR1", "status": "booked"}})
    };
    let of_payment = |live: &str| {
        json!({"live": live, "notificationItems": [{"NotificationRequestItem": {"pspReference": "P1",
            "eventCode": "AUTHORISATION", "success": "true", "amount": {"value": 1, "currency": "EUR"}, "additionalData": {}}}]})
    };
    for (sent, counts, status) in [
        ("false", None, true),
        ("false", Some(false), true),
        ("false", Some(true), false),
        ("true", None, true),
        ("true", Some(true), true),
        ("true", Some(false), false),
    ] {
        for (key, body) in [
            ("adyen", of_payment(sent)),
            ("adyen_header", of_platform(sent)),
        ] {
            let request = received(&signed(key, &body.to_string()));
            let settings = Settings {
                live: counts,
                ..Settings::default()
            };
            let events = provider(key).events(&request, &settings, &Verified::SIGNED);
            let claimed = events.expect("events")[0].claimed;
            assert_eq!(
                claimed.is_some(),
                status,
                "{key}: {sent} where {counts:?} counts"
            );
        }
    }
}

#[test]
fn a_test_event_is_of_the_mode_that_counts() {
    for key in ["adyen", "adyen_header"] {
        for live in [true, false] {
            let settings = Settings {
                live: Some(live),
                ..Settings::default()
            };
            let provider = provider(key);
            let kind = provider.sample_types()[0];
            let outgoing = provider.sample(kind, &seed("mode")).expect("a sample");
            let outgoing = provider.sign(outgoing, &secret(key), &settings, now());
            let request = received(&outgoing.expect("signed"));
            let events = provider.events(&request, &settings, &Verified::SIGNED);
            assert!(events.expect("events")[0].claimed.is_some(), "{key} {live}");
        }
    }
}
