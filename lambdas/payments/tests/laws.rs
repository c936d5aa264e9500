//! What holds of every provider's signatures, whatever the bytes.

mod support;

use payments::event::PaymentEvent;
use payments::providers::{self, Provider, Verified};
use payments::request::{Headers, Request};
use proptest::prelude::*;
use support::*;

/// Providers whose signature covers the body and that can be signed for here.
fn signing() -> Vec<&'static dyn Provider> {
    let covers_body = |provider: &&dyn Provider| {
        signed_sample(*provider, provider.sample_types()[0]).is_some_and(|sample| {
            verify(*provider, &received(&sample)).is_ok_and(|verified| verified.signed)
        })
    };
    providers::all()
        .iter()
        .copied()
        .filter(covers_body)
        .collect()
}

/// Providers that do not sign every byte: Adyen signs eight fields, Braintree what its form decodes to.
const SPARING: [&str; 2] = ["adyen", "braintree"];

/// Headers of samples that no signature covers.
const UNSIGNED_HEADERS: [&str; 2] = ["Content-Type", "X-Shopify-Topic"];

/// All that moves a payment.
fn decided(provider: &dyn Provider, request: &Request) -> Vec<impl PartialEq + use<>> {
    let events = provider
        .events(request, &settings(provider.key()), &Verified::SIGNED)
        .unwrap_or_default();
    let parts = |event: PaymentEvent| {
        (
            event.event_id,
            event.provider_payment_id,
            event.money,
            event.claimed,
        )
    };
    events.into_iter().map(parts).collect()
}

const HEADERS: [&str; 22] = [
    "Stripe-Signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "svix-signature",
    "X-Signature",
    "HmacSignature",
    "x-square-hmacsha256-signature",
    "Cko-Signature",
    "X-Razorpay-Signature",
    "Paddle-Signature",
    "X-Shopify-Hmac-Sha256",
    "X-Mollie-Signature",
    "Webhook-Signature",
    "X-CC-Webhook-Signature",
    "Event-Signature",
    "X-ANET-Signature",
    "x-callback-token",
    "verif-hash",
    "flutterwave-signature",
    "x-paystack-signature",
    "x-signature",
];

/// Hexadecimal digits mean the same in both cases; nothing else in a signature header may change.
fn same_but_for_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) && !a.ends_with('=')
}

#[test]
fn every_sample_is_accepted_with_its_own_secret_and_with_no_other() {
    for provider in providers::all().iter().copied() {
        for event_type in provider.sample_types() {
            let Some(sample) = signed_sample(provider, event_type) else {
                continue;
            };
            let request = received(&sample);
            let key = provider.key();
            let verified = verify(provider, &request).map_err(|error| error.kind());
            if key == "klarna" {
                assert_eq!(verified, Err("fetch_back_required"));
                continue;
            }
            assert!(verified.is_ok(), "{key} {event_type}: {verified:?}");
            let other = secrets_of(vec![other_secret(key)]);
            assert!(
                verify_with(provider, &request, &other).is_err(),
                "{key} {event_type} with another secret"
            );
            let none = verify_with(provider, &request, &secrets_of(vec![]));
            assert_eq!(
                none.map_err(|e| e.kind()),
                Err("bad_secret_config"),
                "{key} without a secret"
            );
            let both = secrets_of(vec![other_secret(key), secret(key)]);
            assert!(
                verify_with(provider, &request, &both).is_ok(),
                "{key} during a rotation"
            );
        }
    }
}

#[test]
fn every_sample_reads_as_events_with_money_in_minor_units() {
    for provider in providers::all().iter().copied() {
        for event_type in provider.sample_types() {
            let unsigned = provider.sample(event_type, &seed("1N5eXxAbC"));
            let sample = signed_sample(provider, event_type)
                .or(unsigned)
                .expect("a sample of each of its types");
            let events = provider
                .events(
                    &received(&sample),
                    &settings(provider.key()),
                    &Verified::SIGNED,
                )
                .expect("events");
            assert!(!events.is_empty(), "{} {event_type}", provider.key());
            for event in events {
                assert_eq!(event.provider, provider.key());
                assert!(!event.event_id.is_empty() && !event.provider_payment_id.is_empty());
                if let Some(money) = event.money {
                    assert_eq!(
                        money.to_string(),
                        "10.50 EUR",
                        "{} {event_type}",
                        provider.key()
                    );
                }
            }
        }
    }
}

#[test]
fn a_sample_of_an_unknown_type_is_not_made() {
    for provider in providers::all() {
        assert!(provider.sample("no.such.type", &seed("x")).is_none());
    }
}

#[test]
fn a_signed_sample_is_recognised_by_its_headers_alone() {
    let all = providers::all()
        .iter()
        .map(|provider| (provider.key().to_owned(), settings(provider.key())))
        .collect();
    for provider in signing() {
        let sample = signed_sample(provider, provider.sample_types()[0]).expect("a sample");
        let recognised =
            providers::recognise(&received(&sample), &all).map(|provider| provider.key());
        assert_eq!(recognised, Some(provider.key()));
    }
    assert!(providers::recognise(&Request::default(), &all).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_changed_bit_of_the_body_is_always_rejected(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        for provider in signing() {
            let sample = signed_sample(provider, provider.sample_types()[0]).expect("a sample");
            let mut request = received(&sample);
            let at = at.index(request.body.len());
            request.body[at] ^= 1 << bit;
            let refused = verify(provider, &request).is_err();
            let harmless = SPARING.contains(&provider.key()) && decided(provider, &request) == decided(provider, &received(&sample));
            prop_assert!(refused || harmless, "{} byte {at} bit {bit}", provider.key());
        }
    }

    #[test]
    fn a_changed_bit_of_a_signed_header_is_always_rejected(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..7) {
        for provider in signing() {
            let mut sample = signed_sample(provider, provider.sample_types()[0]).expect("a sample");
            sample.headers.retain(|(name, _)| !UNSIGNED_HEADERS.contains(&name.as_str()));
            if sample.headers.is_empty() { continue }
            let which = which.index(sample.headers.len());
            let (name, value) = sample.headers[which].clone();
            let mut bytes = value.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).expect("ASCII stays ASCII");
            sample.headers[which].1 = changed.clone();
            let refused = verify(provider, &received(&sample)).is_err();
            prop_assert!(refused || same_but_for_case(&value, &changed), "{} {name}: {value} as {changed}", provider.key());
        }
    }

    #[test]
    fn no_bytes_in_headers_query_or_body_make_anything_panic(
        values in prop::collection::vec(("[ -~é]{0,40}|t=[0-9]{1,25},v1=[0-9a-f]{0,70}|v1a?,[A-Za-z0-9+/=]{0,90}|[0-9]{0,30}", 0usize..HEADERS.len()), 0..8),
        query in "[a-z.=&%0-9]{0,30}",
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "\\{\"(id|data|event|notificationItems|events)\":[\\[\\]{}\":0-9a-z,]{0,60}\\}".prop_map(String::into_bytes),
            "(bt_signature|bt_payload|id)=[A-Za-z0-9%|&]{0,60}&bt_payload=[A-Za-z0-9%]{0,60}".prop_map(String::into_bytes),
        ],
    ) {
        let request = Request {
            method: "POST".into(),
            headers: values.iter().map(|(value, at)| (HEADERS[*at], value.as_str())).collect::<Headers>(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body,
            received_at: now(),
            ..Request::default()
        };
        for provider in providers::all() {
            prop_assert!(verify(*provider, &request).map_or(true, |verified| !verified.signed), "{}", provider.key());
            let _ = provider.key_request(&request);
            let _ = provider.recognises(&request, &settings(provider.key()));
            let _ = provider.answer_challenge(&request, &secrets_of(vec![secret(provider.key())]));
            let _ = provider.events(&request, &settings(provider.key()), &Verified::SENDER_ONLY);
        }
    }
}
