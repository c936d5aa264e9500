//! What an attacker can make of webhooks that were captured, of answers that payhook gives, and of other providers' schemes.

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payments::event::PaymentEvent;
use payments::providers::{self, Outgoing, Verified};
use payments::request::Request;
use payments::secret::Secret;
use payments::settings::Settings;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::*;

/// The fields that Adyen signs, in order.
const ADYEN: [&str; 8] = [
    "/pspReference",
    "/originalReference",
    "/merchantAccountCode",
    "/merchantReference",
    "/amount/value",
    "/amount/currency",
    "/eventCode",
    "/success",
];

fn adyen_item(reference: &str) -> Value {
    json!({"pspReference": "PSP1", "originalReference": "", "merchantAccountCode": "M", "merchantReference": reference,
        "amount": {"value": "100", "currency": "EUR"}, "eventCode": "AUTHORISATION", "success": "true", "additionalData": {}})
}

fn adyen_body(items: &[&Value]) -> Vec<u8> {
    let items = items
        .iter()
        .map(|item| json!({"NotificationRequestItem": item}));
    let items: Vec<_> = items.collect();
    json!({"live": "false", "notificationItems": items})
        .to_string()
        .into_bytes()
}

fn signed(key: &str, body: Vec<u8>) -> Request {
    let outgoing = Outgoing {
        body,
        ..Outgoing::default()
    };
    let signed = provider(key).sign(outgoing, &secret(key), &settings(key), now());
    received(&signed.expect("signed"))
}

/// The first item with its signature.
fn signed_item(request: &Request) -> Value {
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    body["notificationItems"][0]["NotificationRequestItem"].clone()
}

fn events_of(key: &str, request: &Request) -> Vec<PaymentEvent> {
    provider(key)
        .events(request, &settings(key), &Verified::SIGNED)
        .expect("events")
}

/// What the table knows an event by.
fn identities(key: &str, request: &Request) -> Vec<(String, String, Option<String>)> {
    assert_eq!(
        verify(provider(key), request),
        Ok(Verified::SIGNED),
        "{key}"
    );
    let events = events_of(key, request).into_iter();
    let identity = |event: PaymentEvent| (event.payment_id(), event.event_id, event.common_digest);
    events.map(identity).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn under_one_signature_of_adyen_no_text_moves_to_another_field(
        reference in "[a-z1-9:]{0,6}(:[a-z1-9]{0,3}){0,4}",
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 7),
    ) {
        let original = signed_item(&signed("adyen", adyen_body(&[&adyen_item(&reference)])));
        let texts = ADYEN.map(|field| original.pointer(field).and_then(Value::as_str).expect("a field").to_owned());
        let text = texts.join(":");
        let mut colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
        while colons.len() > 7 {
            let which = cuts[colons.len() % cuts.len()].index(colons.len());
            colons.remove(which);
        }
        let mut start = 0;
        let mut moved = original.clone();
        for (field, end) in ADYEN.iter().zip(colons.into_iter().chain([text.len()])) {
            *moved.pointer_mut(field).expect("a field") = text[start..end].into();
            start = end + 1;
        }
        let request = Request { body: adyen_body(&[&moved]), ..signed("adyen", adyen_body(&[&original])) };
        prop_assert_eq!(verify(provider("adyen"), &request).is_ok(), moved == original, "{}", moved);
    }

    #[test]
    fn under_one_signature_of_mercado_pago_no_text_moves_between_its_parts(id in "[0-9A-Za-z-]{1,12}", other in "[0-9a-f-]{1,12}") {
        let outgoing = |id: &str, request_id: Option<&str>| Outgoing {
            query: Some(form_urlencoded::Serializer::new(String::new()).append_pair("data.id", id).finish()),
            headers: request_id.map(|id| ("x-request-id".to_owned(), id.to_owned())).into_iter().collect(),
            body: b"{}".to_vec(),
        };
        let key = "mercado_pago";
        let signed = provider(key).sign(outgoing(&id, Some(&other)), &secret(key), &settings(key), now()).expect("signed");
        prop_assert!(verify(provider(key), &received(&signed)).is_ok());
        let mut moved = outgoing(&format!("{id};request-id:{other}"), None);
        moved.headers.extend(signed.headers.into_iter().filter(|(name, _)| name == "x-signature"));
        prop_assert_eq!(verify(provider(key), &received(&moved)).map_err(|error| error.kind()), Err("bad_signature"));
    }

    #[test]
    fn no_answer_to_a_test_of_braintrees_endpoint_signs_an_event(challenge in "[0-9a-f]{20,32}") {
        let braintree = provider("braintree");
        let asked = Request { query: vec![("bt_challenge".into(), challenge.clone())], received_at: now(), ..Request::default() };
        let answer = braintree.answer_challenge(&asked, &secrets_of(vec![secret("braintree")])).expect("an answer").expect("a signature");
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("bt_signature", &answer).append_pair("bt_payload", &challenge).finish();
        let forged = Request { body: form.into_bytes(), received_at: now(), ..Request::default() };
        prop_assert!(braintree.reports(&forged, &Settings::default()).is_err());
    }
}

#[test]
fn what_braintree_would_not_ask_is_not_signed_for_it() {
    let payload = "PG5vdGlmaWNhdGlvbj48a2luZD50PC9raW5kPjwvbm90aWZpY2F0aW9uPg==";
    for challenge in [
        payload,
        "",
        "0123456789abcdef",
        &"a".repeat(33),
        &"A".repeat(20),
        "20f9f8ed05f77439fe955c97\n",
    ] {
        let asked = Request {
            query: vec![("bt_challenge".into(), challenge.into())],
            received_at: now(),
            ..Request::default()
        };
        let answer =
            provider("braintree").answer_challenge(&asked, &secrets_of(vec![secret("braintree")]));
        let refused = answer.expect("an answer").map_err(|error| error.kind());
        assert_eq!(refused, Err("malformed_challenge"), "{challenge}");
    }
}

#[test]
fn a_change_of_what_no_signature_covers_is_the_same_event_and_no_conflict() {
    let first = signed("adyen", adyen_body(&[&adyen_item("r")]));
    let mut item = signed_item(&first);
    item["reason"] = "forged".into();
    item["eventDate"] = "2030-01-01T00:00:00Z".into();
    let changed = Request {
        body: adyen_body(&[&item]),
        ..first.clone()
    };
    assert_eq!(identities("adyen", &changed), identities("adyen", &first));

    let key = "braintree";
    let sample = signed_sample(provider(key), "transaction_settled").expect("a sample");
    let mut again = sample.clone();
    again.body.extend_from_slice(b"&utm_source=x");
    assert_eq!(
        identities(key, &received(&again)),
        identities(key, &received(&sample))
    );
}

#[test]
fn an_event_of_several_that_comes_again_in_other_company_is_the_same_event() {
    let (one, two) = (
        adyen_item("r"),
        json!({"pspReference": "PSP2", "merchantAccountCode": "M", "eventCode": "CAPTURE",
        "success": "true", "amount": {"value": 5, "currency": "EUR"}, "additionalData": {}}),
    );
    let event = |id: &str| json!({"id": id, "resource_type": "payments", "action": "confirmed", "links": {"payment": "PM1"}});
    let webhook = |ids: &[&str]| {
        let events: Vec<_> = ids.iter().map(|id| event(id)).collect();
        json!({"events": events, "meta": {"webhook_id": ids.join("-")}})
            .to_string()
            .into_bytes()
    };
    for (key, both, alone) in [
        ("adyen", adyen_body(&[&one, &two]), adyen_body(&[&two])),
        ("gocardless", webhook(&["EV1", "EV2"]), webhook(&["EV2"])),
    ] {
        let (both, alone) = (
            identities(key, &signed(key, both)),
            identities(key, &signed(key, alone)),
        );
        assert!(both.iter().all(|(_, _, digest)| digest.is_some()));
        assert_eq!(both[1..], alone[..], "{key}");
        assert_ne!(both[0], both[1], "{key}");
    }
    // With another amount under the same reference it is a conflict.
    let dearer = json!({"amount": {"value": 6, "currency": "EUR"}});
    let mut other = two.clone();
    other["amount"] = dearer["amount"].clone();
    let ids = [two, other]
        .map(|item| identities("adyen", &signed("adyen", adyen_body(&[&item]))).remove(0));
    assert_eq!(ids[0].1, ids[1].1);
    assert_ne!(ids[0].2, ids[1].2);
}

#[test]
fn a_webhook_of_one_provider_is_never_taken_for_another_ones() {
    for sender in providers::all() {
        let Some(sample) = signed_sample(*sender, sender.sample_types()[0]) else {
            continue;
        };
        for receiver in providers::all() {
            if receiver.key() == sender.key() {
                continue;
            }
            // Even where an operator gives both the same text as secret, one of a kind is not taken for the other.
            for secret in [other_secret(receiver.key()), secret(receiver.key())] {
                let taken = verify_with(*receiver, &received(&sample), &secrets_of(vec![secret]));
                assert!(taken.is_err(), "{} as {}", sender.key(), receiver.key());
            }
        }
    }
}

#[test]
fn an_empty_secret_is_known_to_everybody_and_verifies_nothing() {
    for provider in providers::all() {
        let Some(mut sample) = signed_sample(*provider, provider.sample_types()[0]) else {
            continue;
        };
        for (_, value) in &mut sample.headers {
            if value == "test-secret-7" {
                value.clear();
            }
        }
        let empty = secrets_of(vec![Secret::text("")]);
        let refused = verify_with(*provider, &received(&sample), &empty);
        assert!(refused.is_err(), "{}", provider.key());
    }
}

#[test]
fn one_unusable_key_of_worldpay_does_not_stand_in_the_way_of_another() {
    let body = b"{\"eventId\":\"1\"}";
    let good = hex::encode(hmac_sha256(&[7; 32], &[body]));
    let key = hex::encode([7; 32]);
    let secrets = secrets_from("worldpay", &format!(r#"[{{"1":"not hex","2":"{key}"}}]"#));
    for (header, expected) in [
        (format!("1/SHA256/{good},2/SHA256/{good}"), "valid"),
        (format!("2/SHA256/{good}"), "valid"),
        (format!("1/SHA256/{good}"), "bad_secret_config"),
    ] {
        let headers = [("event-signature", header.as_str())];
        let verdict = outcome("worldpay", &headers, body, &secrets, &Settings::default());
        assert_eq!(verdict, expected, "{header}");
    }
}

#[test]
fn what_a_stranger_may_put_into_shopifys_topic_goes_no_further() {
    let body = r#"{"id":1,"order_id":2,"kind":"sale","status":"success"}"#;
    for (topic, kind) in [
        ("orders/paid", "orders/paid"),
        ("anna@example.com", "unknown"),
        ("4242424242424242", "unknown"),
        (&"a".repeat(65), "unknown"),
    ] {
        let events = events_in("shopify", &[("X-Shopify-Topic", topic)], body).expect("events");
        assert_eq!(events[0].event_type, kind);
    }
}

/// The text with four bytes more, so that its CRC-32 is this one.
fn with_checksum(text: &[u8], checksum: u32) -> Vec<u8> {
    let entry = |byte: u32| {
        (0..8).fold(byte, |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    };
    let table: Vec<u32> = (0..256).map(entry).collect();
    let mut wanted = !checksum;
    for _ in 0..4 {
        let at = table
            .iter()
            .position(|entry| entry >> 24 == wanted >> 24)
            .expect("every first byte is there once");
        wanted = (wanted ^ table[at]) << 8 | u32::try_from(at).expect("below 256");
    }
    let mut crc = flate2::Crc::new();
    crc.update(text);
    [text, &(wanted ^ !crc.sum()).to_le_bytes()].concat()
}

#[test]
fn another_body_can_be_fitted_to_a_captured_signature_of_paypal_which_is_why_its_payments_are_confirmed()
 {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../tests/vectors/provider-vectors.json"))
            .expect("vectors");
    let mut vector = vectors
        .into_iter()
        .find(|vector| vector["id"] == "paypal-01")
        .expect("a vector");
    let mut crc = flate2::Crc::new();
    crc.update(vector["body"].as_str().expect("a body").as_bytes());
    let verdict = |vector: &Value| {
        let verdicts =
            payments::vectors::check(&json!([vector]).to_string(), now()).expect("a vector");
        verdicts[0].result
    };
    vector["body"] = Value::Null;
    for (body, expected) in [
        (b"{\"id\":\"forged\"}".to_vec(), "invalid"),
        (with_checksum(b"{\"id\":\"forged\"}", crc.sum()), "valid"),
    ] {
        vector["body_base64"] = STANDARD.encode(body).into();
        assert_eq!(verdict(&vector), expected);
    }
}
