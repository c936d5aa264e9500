//! The traps of the other schemes: lists of signatures, keys by id, what is signed and what is not.

mod support;

use payments::providers::Verified;
use payments::request::Request;
use payments::secret::Secret;
use payments::settings::Settings;
use support::*;

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

fn text(secret: &str) -> payments::secret::ProviderSecrets {
    secrets_of(vec![Secret::text(secret)])
}

#[test]
fn a_paddle_header_has_one_timestamp_and_any_number_of_signatures() {
    let t = now().as_second().to_string();
    let good = hex::encode(hmac_sha256(b"k", &[t.as_bytes(), b":", BODY]));
    let cases = [
        (format!("ts={t};h1={good}"), "valid"),
        (format!("ts={t}; h1=00 ;h1={good}"), "valid"),
        (format!("ts={t};h1={}", good.to_uppercase()), "valid"),
        (format!("ts={t};ts={t};h1={good}"), "malformed_header"),
        (format!("ts={t}"), "malformed_header"),
        (
            format!("ts=99999999999999999999;h1={good}"),
            "malformed_header",
        ),
        (format!("ts={t};h1=00"), "bad_signature"),
        (format!("ts={t},h1={good}"), "malformed_header"),
    ];
    for (header, expected) in cases {
        let headers = [("paddle-signature", header.as_str())];
        assert_eq!(
            outcome("paddle", &headers, BODY, &text("k"), &Settings::default()),
            expected,
            "{header}"
        );
    }
}

#[test]
fn mollie_may_send_several_values_in_one_header_or_in_several() {
    let good = hex::encode(hmac_sha256(b"k", &[BODY]));
    let zero = "0".repeat(64);
    let cases: [(Vec<String>, &str); 5] = [
        (vec![format!("sha256={good}")], "valid"),
        (vec![format!("sha256={zero}, sha256={good}")], "valid"),
        (vec![zero.clone(), good.clone()], "valid"),
        (vec![zero], "bad_signature"),
        (vec![format!("sha512={good}")], "bad_signature"),
    ];
    for (values, expected) in cases {
        let headers: Vec<_> = values
            .iter()
            .map(|value| ("x-mollie-signature", value.as_str()))
            .collect();
        assert_eq!(
            outcome("mollie", &headers, BODY, &text("k"), &Settings::default()),
            expected,
            "{values:?}"
        );
    }
    let unsigned = outcome("mollie", &[], b"id=tr_1", &text("k"), &Settings::default());
    assert_eq!(unsigned, "fetch_back_required");
    let forged = outcome(
        "mollie",
        &[],
        b"id=tr_1/../../x",
        &text("k"),
        &Settings::default(),
    );
    assert_eq!(forged, "missing_header");
}

#[test]
fn worldpay_signatures_are_found_by_key_id_in_any_order() {
    let good = hex::encode(hmac_sha256(&[0xab; 32], &[BODY]));
    let zero = "0".repeat(64);
    let key = hex::encode([0xab; 32]);
    let held = format!(r#"[{{"1":"{key}"}}]"#);
    let not_hex = r#"[{"1":"not hex"}]"#;
    let cases = [
        (format!("1/SHA256/{good}"), held.as_str(), "valid"),
        (format!("2/SHA256/{zero}, 1/SHA256/{good}"), &held, "valid"),
        (format!("1/SHA256/{zero},1/SHA256/{good}"), &held, "valid"),
        (format!("2/SHA256/{good}"), &held, "unknown_key"),
        (format!("1/SHA1/{good}"), &held, "unsupported_alg"),
        (format!("1/SHA256/{good}/x"), &held, "bad_signature"),
        ("1".into(), &held, "malformed_header"),
        (format!("1/SHA256/{good}"), not_hex, "bad_secret_config"),
        (
            format!("1/SHA256/{good}"),
            r#"["text"]"#,
            "bad_secret_config",
        ),
    ];
    for (header, signing, expected) in cases {
        let secrets = secrets_from("worldpay", signing);
        let headers = [("event-signature", header.as_str())];
        assert_eq!(
            outcome("worldpay", &headers, BODY, &secrets, &Settings::default()),
            expected,
            "{header}"
        );
    }
}

#[test]
fn square_cannot_be_verified_without_the_registered_url() {
    let signature = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=";
    let headers = [("x-square-hmacsha256-signature", signature)];
    assert_eq!(
        outcome("square", &headers, BODY, &text("k"), &Settings::default()),
        "bad_secret_config"
    );
}

#[test]
fn adyen_platform_webhooks_use_no_other_hash() {
    use base64::Engine;
    let signature =
        base64::engine::general_purpose::STANDARD.encode(hmac_sha256(&[0xab; 32], &[BODY]));
    let key = text(&hex::encode([0xab; 32]));
    for (protocol, expected) in [("HmacSHA256", "valid"), ("HmacSHA1", "unsupported_alg")] {
        let headers = [
            ("hmacsignature", signature.as_str()),
            ("protocol", protocol),
        ];
        assert_eq!(
            outcome("adyen_header", &headers, BODY, &key, &Settings::default()),
            expected
        );
    }
    let headers = [("hmacsignature", signature.as_str())];
    assert_eq!(
        outcome("adyen_header", &headers, BODY, &key, &Settings::default()),
        "valid"
    );
}

#[test]
fn one_unsigned_adyen_item_condemns_the_request() {
    let adyen = provider("adyen");
    let sample = signed_sample(adyen, "AUTHORISATION").expect("a sample");
    let one: serde_json::Value = serde_json::from_slice(&sample.body).expect("JSON");
    let mut two = one.clone();
    let mut second = one["notificationItems"][0].clone();
    second["NotificationRequestItem"]["amount"]["value"] = 1.into();
    two["notificationItems"]
        .as_array_mut()
        .expect("items")
        .push(second.clone());
    let verified = |body: &serde_json::Value| {
        let request = Request {
            body: body.to_string().into_bytes(),
            received_at: now(),
            ..Request::default()
        };
        verify(adyen, &request).map_err(|error| error.kind())
    };
    assert_eq!(verified(&one), Ok(Verified::SIGNED));
    assert_eq!(verified(&two), Err("bad_signature"));
    second["NotificationRequestItem"]["additionalData"] = serde_json::json!({});
    two["notificationItems"][1] = second;
    assert_eq!(verified(&two), Err("missing_signature"));
    two["notificationItems"] = serde_json::json!([]);
    assert_eq!(verified(&two), Err("malformed_body"));
}

#[test]
fn a_token_or_a_signature_over_less_than_the_body_leaves_the_event_unsigned() {
    for key in ["mercado_pago", "flutterwave_v3", "xendit"] {
        let provider = provider(key);
        let mut sample = signed_sample(provider, provider.sample_types()[0]).expect("a sample");
        assert_eq!(
            verify(provider, &received(&sample)),
            Ok(Verified::SENDER_ONLY),
            "{key}"
        );
        let wrong = sample.headers.iter_mut().next_back().expect("a header");
        wrong.1.push('0');
        assert!(verify(provider, &received(&sample)).is_err(), "{key}");
    }
}

#[test]
fn mercado_pago_signs_the_ids_that_are_there_and_the_time_in_either_unit() {
    let pairs = |id: &str, request: &str, ts: i64| format!("{id}{request}ts:{ts};");
    let (seconds, ms) = (now().as_second(), now().as_millisecond());
    let strict = Settings {
        tolerance_seconds: Some(60),
        ..Settings::default()
    };
    let loose = Settings::default();
    let cases = [
        (pairs("", "", ms), ms, &strict, "valid"),
        (pairs("", "", seconds), seconds, &strict, "valid"),
        (
            pairs("", "", seconds - 61),
            seconds - 61,
            &strict,
            "stale_timestamp",
        ),
        (
            pairs("", "", seconds + 61),
            seconds + 61,
            &strict,
            "future_timestamp",
        ),
        (pairs("", "", 5), 5, &loose, "valid"),
        (pairs("id:1;", "", ms), ms, &loose, "bad_signature"),
        (pairs("", "request-id:1;", ms), ms, &loose, "bad_signature"),
    ];
    for (signed, ts, settings, expected) in cases {
        let header = format!(
            "ts={ts},v1={}",
            hex::encode(hmac_sha256(b"k", &[signed.as_bytes()]))
        );
        let found = outcome(
            "mercado_pago",
            &[("X-Signature", &header)],
            BODY,
            &text("k"),
            settings,
        );
        assert_eq!(found.replace("unsigned", "valid"), expected, "{signed}");
    }
    let newer = format!("ts={ms},v2=00");
    assert_eq!(
        outcome(
            "mercado_pago",
            &[("x-signature", &newer)],
            BODY,
            &text("k"),
            &loose
        ),
        "unsupported_scheme"
    );
}

#[test]
fn braintree_answers_a_challenge_with_the_first_accepted_pair_only() {
    let secrets = secrets_from(
        "braintree",
        r#"[{"value":{"public_key":"old","private_key":"p"},"not_after":"2020-01-01T00:00:00Z"},
            {"public_key":"integration_public_key","private_key":"integration_private_key"}]"#,
    );
    let braintree = provider("braintree");
    let answer = |challenge: Option<&str>| {
        let query = challenge.map(|text| ("bt_challenge".to_owned(), text.to_owned()));
        let request = Request {
            query: query.into_iter().collect(),
            received_at: now(),
            ..Request::default()
        };
        braintree
            .answer_challenge(&request, &secrets)
            .map(|answer| answer.map_err(|error| error.kind()))
    };
    let good = "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4".to_owned();
    assert_eq!(
        answer(Some("20f9f8ed05f77439fe955c977e4c8a53")),
        Some(Ok(good))
    );
    for bad in [
        "",
        "20F9F8ED05F77439FE955C977E4C8A53",
        "20f9f8ed",
        "<script>aaaaaaaaaaaaaaa",
    ] {
        assert_eq!(answer(Some(bad)), Some(Err("malformed_challenge")), "{bad}");
    }
    assert_eq!(answer(None), None);
    assert!(
        provider("stripe")
            .answer_challenge(&Request::default(), &secrets)
            .is_none()
    );
}
