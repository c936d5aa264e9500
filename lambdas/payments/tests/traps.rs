//! The traps that decide whether a webhook receiver is right, each with its own test.

mod support;

use payments::api_gateway::ProxyEvent;
use payments::event::PaymentEvent;
use payments::providers::{Outgoing, Provider, Verified};
use payments::request::{Headers, Request};
use serde_json::json;
use support::*;

fn sample(key: &str) -> Outgoing {
    let provider = provider(key);
    signed_sample(provider, provider.sample_types()[0]).expect("a sample")
}

fn events(key: &str, request: &Request) -> Vec<PaymentEvent> {
    let verified = verify(provider(key), request).expect("verified");
    let events = provider(key).events(request, &settings(key), &verified);
    events.expect("events")
}

fn kind(provider: &dyn Provider, request: &Request) -> Result<Verified, &'static str> {
    verify(provider, request).map_err(|error| error.kind())
}

#[test]
fn trap_1_the_bytes_that_were_sent_are_verified_and_not_what_a_parser_makes_of_them() {
    let body = r#"{"id":"evt_1","type":"payment_captured","data":{"id":"pay_1","amount":6540.00,"note":"a\/b \u00e9 é"}}"#;
    let sent = signed("checkout_com", body);
    assert_eq!(
        kind(provider("checkout_com"), &received(&sent)),
        Ok(Verified::SIGNED)
    );
    let reparsed: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let mut rewritten = sent.clone();
    rewritten.body = reparsed.to_string().into_bytes();
    assert_eq!(
        kind(provider("checkout_com"), &received(&rewritten)),
        Err("bad_signature")
    );
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(body);
    for (text, is_base64) in [(body, false), (encoded.as_str(), true)] {
        let event = json!({"httpMethod": "POST", "path": "/webhooks/checkout_com", "body": text, "isBase64Encoded": is_base64,
            "headers": {"Cko-Signature": sent.headers[0].1}});
        let event = ProxyEvent::parse(event.to_string().as_bytes()).expect("an event");
        let request = event.into_request(now()).expect("a request");
        assert_eq!(
            kind(provider("checkout_com"), &request),
            Ok(Verified::SIGNED)
        );
    }
}

#[test]
fn trap_2_every_item_of_a_request_is_verified_before_any_is_used() {
    let body = |second: &str| {
        let item = |id: &str| {
            json!({"NotificationRequestItem": {"pspReference": id, "eventCode": "AUTHORISATION", "success": "true",
                "amount": {"value": 100, "currency": "EUR"}, "merchantAccountCode": "M", "additionalData": {}}})
        };
        json!({"live": "false", "notificationItems": [item("P1"), item(second)]}).to_string()
    };
    let both = signed("adyen", &body("P2"));
    assert_eq!(events("adyen", &received(&both)).len(), 2);
    let mut forged = both.clone();
    let text = String::from_utf8(both.body).expect("text");
    forged.body = text.replace("\"P2\"", "\"P3\"").into_bytes();
    assert_eq!(
        kind(provider("adyen"), &received(&forged)),
        Err("bad_signature")
    );
}

#[test]
fn trap_3_what_no_signature_covers_moves_no_payment_by_itself() {
    for key in ["mercado_pago", "flutterwave_v3", "xendit"] {
        let events = events(key, &received(&sample(key)));
        assert!(events.iter().all(|event| !event.signed), "{key}");
    }
    for key in ["klarna", "mollie"] {
        let notice = Request {
            query: vec![("klarna_order_id".into(), "order-1".into())],
            body: if key == "mollie" {
                b"id=tr_1".to_vec()
            } else {
                Vec::new()
            },
            ..Request::default()
        };
        assert_eq!(kind(provider(key), &notice), Err("fetch_back_required"));
    }
    // Adyen signs eight fields; what else changes in an item changes nothing that is decided.
    let sent = sample("adyen");
    let mut changed = sent.clone();
    let text = String::from_utf8(sent.body.clone()).expect("text");
    changed.body = text
        .replace("\"reason\":\"\"", "\"reason\":\"forged\"")
        .into_bytes();
    assert_ne!(changed.body, sent.body);
    assert_eq!(
        events("adyen", &received(&changed)),
        events("adyen", &received(&sent))
    );
}

#[test]
fn trap_4_an_unsigned_header_does_not_make_a_captured_body_a_new_event() {
    for (key, header) in [
        ("razorpay", "x-razorpay-event-id"),
        ("shopify", "X-Shopify-Event-Id"),
        ("shopify", "X-Shopify-Webhook-Id"),
        ("xendit", "webhook-id"),
    ] {
        let ids = ["one", "two"].map(|id| {
            let mut sent = sample(key);
            sent.headers.push((header.into(), id.into()));
            events(key, &received(&sent))[0].event_id.clone()
        });
        assert_eq!(ids[0], ids[1], "{key} {header}");
    }
    // Standard Webhooks do sign their id.
    let mut sent = sample("standard_webhooks");
    for (name, value) in &mut sent.headers {
        if name == "webhook-id" {
            value.push('2');
        }
    }
    assert_eq!(
        kind(provider("standard_webhooks"), &received(&sent)),
        Err("bad_signature")
    );
}

#[test]
fn trap_5_two_events_of_one_object_have_two_ids_and_one_event_has_one() {
    let adyen = |code: &str, success: &str| {
        let body = json!({"notificationItems": [{"NotificationRequestItem": {"pspReference": "P1", "eventCode": code,
            "success": success, "amount": {"value": 1, "currency": "EUR"}, "additionalData": {}}}]});
        events("adyen", &received(&signed("adyen", &body.to_string())))[0]
            .event_id
            .clone()
    };
    assert_ne!(
        adyen("AUTHORISATION", "true"),
        adyen("AUTHORISATION", "false")
    );
    assert_ne!(
        adyen("AUTHORISATION", "true"),
        adyen("CANCELLATION", "true")
    );
    let body = json!({"events": [
        {"id": "EV1", "resource_type": "payments", "action": "submitted", "links": {"payment": "PM1"}},
        {"id": "EV2", "resource_type": "payments", "action": "confirmed", "links": {"payment": "PM1"}},
    ]});
    let both = events(
        "gocardless",
        &received(&signed("gocardless", &body.to_string())),
    );
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].provider_payment_id, both[1].provider_payment_id);
    assert_ne!(both[0].event_id, both[1].event_id);
    // What a provider counts up in every delivery is no part of the event.
    for (key, body, again) in [
        (
            "coinbase_commerce",
            r#"{"id":"d1","attempt_number":1,"event":{"id":"e1","type":"charge:pending"}}"#,
            r#"{"id":"d2","attempt_number":2,"event":{"id":"e1","type":"charge:pending"}}"#,
        ),
        (
            "stripe",
            r#"{"id":"evt_1","pending_webhooks":2,"type":"x"}"#,
            r#"{"id":"evt_1","pending_webhooks":1,"type":"x"}"#,
        ),
        (
            "paddle",
            r#"{"event_id":"e1","notification_id":"n1","event_type":"x"}"#,
            r#"{"event_id":"e1","notification_id":"n2","event_type":"x"}"#,
        ),
    ] {
        let digest = |body: &str| {
            events_in(key, &[], body).expect("events")[0]
                .common_digest
                .clone()
        };
        assert!(digest(body).is_some());
        assert_eq!(digest(body), digest(again), "{key}");
        assert_ne!(
            digest(body),
            digest(
                &body
                    .replace("\"x\"", "\"y\"")
                    .replace("pending\"", "failed\"")
            ),
            "{key}"
        );
    }
    let whole = events_in("razorpay", &[], r#"{"event":"x"}"#).expect("events");
    assert_eq!(whole[0].common_digest, None);
}

#[test]
fn trap_6_an_old_event_is_refused_only_where_each_attempt_is_signed_anew() {
    let after_days = |key: &str| {
        let mut request = received(&sample(key));
        request.received_at = now() + jiff::SignedDuration::from_hours(72);
        kind(provider(key), &request)
    };
    for key in ["stripe", "standard_webhooks", "paddle"] {
        assert_eq!(after_days(key), Err("stale_timestamp"), "{key}");
    }
    for key in [
        "adyen",
        "adyen_header",
        "authorize_net",
        "braintree",
        "checkout_com",
        "coinbase_commerce",
        "flutterwave",
        "gocardless",
        "mollie",
        "paystack",
        "razorpay",
        "shopify",
        "square",
        "worldpay",
        "mercado_pago",
        "xendit",
    ] {
        assert!(after_days(key).is_ok(), "{key}");
    }
}

#[test]
fn trap_7_amounts_are_read_in_each_providers_own_units() {
    for (key, body, money) in [
        (
            "stripe",
            r#"{"id":"e","data":{"object":{"id":"pi","amount":500,"currency":"jpy"}}}"#,
            "500 JPY",
        ),
        (
            "stripe",
            r#"{"id":"e","data":{"object":{"id":"pi","amount":500,"currency":"isk"}}}"#,
            "5.00 ISK",
        ),
        (
            "paypal",
            r#"{"id":"e","event_type":"x","resource":{"id":"c","amount":{"value":"500","currency_code":"HUF"}}}"#,
            "500 HUF",
        ),
        (
            "paddle",
            r#"{"event_id":"e","event_type":"x","data":{"id":"t","currency_code":"EUR","details":{"totals":{"grand_total":"1050"}}}}"#,
            "10.50 EUR",
        ),
        (
            "paystack",
            r#"{"event":"charge.success","data":{"id":1,"reference":"r","amount":1050,"currency":"XOF"}}"#,
            "10.50 XOF",
        ),
        (
            "flutterwave",
            r#"{"type":"charge.completed","data":{"id":"c","amount":10.5,"currency":"NGN"}}"#,
            "10.50 NGN",
        ),
        (
            "square",
            r#"{"data":{"object":{"payment":{"id":"p","amount_money":{"amount":1050,"currency":"KWD"}}}}}"#,
            "1.050 KWD",
        ),
    ] {
        let events = events_in(key, &[], body).expect("events");
        let read = events[0].money.as_ref().map(ToString::to_string);
        assert_eq!(read.as_deref(), Some(money), "{key}");
    }
    // A number that no binary fraction is stays the number that was sent.
    let body = r#"{"type":"charge.completed","data":{"id":"c","amount":9007199254740.93,"currency":"USD"}}"#;
    let events = events_in("flutterwave", &[], body).expect("events");
    assert_eq!(
        events[0].money.as_ref().map(|money| money.minor),
        Some(900_719_925_474_093)
    );
}

#[test]
fn trap_8_a_certificate_address_that_is_not_exactly_paypals_is_never_asked_for() {
    let paypal = provider("paypal");
    let wanted = |url: &str| {
        let headers = [
            ("PAYPAL-TRANSMISSION-ID", "1"),
            ("PAYPAL-TRANSMISSION-TIME", "2026-01-01T00:00:00Z"),
            ("PAYPAL-TRANSMISSION-SIG", "AAAA"),
            ("PAYPAL-AUTH-ALGO", "SHA256withRSA"),
            ("PAYPAL-CERT-URL", url),
        ];
        let request = Request {
            headers: headers.into_iter().collect::<Headers>(),
            ..Request::default()
        };
        paypal
            .key_request(&request)
            .map(|wanted| wanted.is_some())
            .map_err(|error| error.kind())
    };
    assert_eq!(
        wanted("https://api.paypal.com/v1/notifications/certs/CERT-1"),
        Ok(true)
    );
    for url in [
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil-paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:444/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../x",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        assert_eq!(wanted(url), Err("cert_url_not_allowed"), "{url}");
    }
}

#[test]
fn trap_9_headers_are_found_in_any_case_and_a_repeated_signature_is_not_silently_chosen() {
    for key in [
        "checkout_com",
        "razorpay",
        "square",
        "shopify",
        "paystack",
        "xendit",
        "paddle",
    ] {
        let sent = sample(key);
        let cased = |case: fn(&str) -> String| {
            let mut changed = sent.clone();
            for (name, _) in &mut changed.headers {
                *name = case(name);
            }
            kind(provider(key), &received(&changed)).is_ok()
        };
        assert!(
            cased(str::to_ascii_lowercase) && cased(str::to_ascii_uppercase),
            "{key}"
        );
        let mut twice = sent.clone();
        let signature = twice
            .headers
            .iter()
            .rposition(|(name, _)| name != "Content-Type");
        let (name, value) = twice.headers[signature.expect("a signature")].clone();
        twice.headers.insert(0, (name, format!("{value}0")));
        assert_eq!(
            kind(provider(key), &received(&twice)),
            Err("malformed_header"),
            "{key}"
        );
    }
}

#[test]
fn trap_9_one_header_under_two_names_is_not_silently_chosen_either() {
    let sent = sample("shopify");
    let named = |(name, _): &&(String, String)| name == "X-Shopify-Hmac-Sha256";
    let (_, value) = sent.headers.iter().find(named).expect("it is signed");
    for (other, expected) in [
        (value.clone(), Ok(())),
        (format!("{value}0"), Err("malformed_header")),
    ] {
        let mut both = sent.clone();
        both.headers.push(("shopify-hmac-sha256".to_owned(), other));
        assert_eq!(
            kind(provider("shopify"), &received(&both)).map(drop),
            expected
        );
    }
}

#[test]
fn trap_10_a_signature_of_odd_length_or_foreign_letters_is_a_clean_refusal() {
    for (key, header) in [
        ("checkout_com", "Cko-Signature"),
        ("shopify", "X-Shopify-Hmac-Sha256"),
        ("adyen_header", "HmacSignature"),
        ("stripe", "Stripe-Signature"),
        ("worldpay", "Event-Signature"),
        ("mercado_pago", "x-signature"),
        ("mollie", "X-Mollie-Signature"),
        ("paddle", "Paddle-Signature"),
        ("authorize_net", "X-ANET-Signature"),
    ] {
        let long = "A".repeat(10_000);
        // 44 letters of base64 that decode to 33 bytes, odd hexadecimal, and letters of several bytes.
        for value in [
            "abc",
            "é",
            "🦀",
            "=",
            &"A".repeat(44),
            &long,
            "t=1,v1=é",
            "ts=1,v1=🦀",
            "1/SHA256/é",
            "sha512=0",
            ",",
        ] {
            let request = Request {
                headers: [(header, value)].into_iter().collect::<Headers>(),
                body: b"{}".to_vec(),
                received_at: now(),
                ..Request::default()
            };
            assert!(kind(provider(key), &request).is_err(), "{key} {value}");
        }
    }
}
