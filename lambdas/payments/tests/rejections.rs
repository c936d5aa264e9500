//! Stripe, Standard Webhooks and generic HMAC against what senders, proxies and attackers make of their headers.

mod support;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use payments::providers::{Check, Verified};
use payments::request::{Headers, Request};
use payments::secret::{ProviderSecrets, Secret};
use payments::settings::{Algorithm, Encoding, HmacSettings, KeyEncoding, Settings};
use support::*;

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    aws_lc_rs::hmac::sign(&key, &parts.concat())
        .as_ref()
        .to_vec()
}

fn outcome(
    key: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    secrets: &ProviderSecrets,
    settings: &Settings,
) -> &'static str {
    let request = Request {
        method: "POST".into(),
        headers: headers.iter().copied().collect::<Headers>(),
        body: body.to_vec(),
        received_at: now(),
        ..Request::default()
    };
    match provider(key).verify(
        &request,
        &Check {
            secrets,
            settings,
            fetched: None,
        },
    ) {
        Ok(Verified { signed: true }) => "valid",
        Ok(_) => "unsigned",
        Err(error) => error.kind(),
    }
}

fn stripe_v1(timestamp: &str) -> String {
    hex::encode(hmac_sha256(b"whsec_1", &[timestamp.as_bytes(), b".", BODY]))
}

#[test]
fn a_stripe_header_is_read_as_a_list_and_never_guessed_at() {
    let at = now().as_second();
    let (t, good) = (at.to_string(), stripe_v1(&at.to_string()));
    let signed = |timestamp: &str| format!("t={timestamp},v1={}", stripe_v1(timestamp));
    let later = (at + 1).to_string();
    let cases = [
        (vec![format!("t={t},v1={good}")], "valid"),
        (vec![format!(" t={t}, v1={good} ")], "valid"),
        (vec![format!("v1={good},t={t}")], "valid"),
        (vec![format!("t={t},v1={}", good.to_uppercase())], "valid"),
        (vec![format!("t={t},v0=00"), format!("v1={good}")], "valid"),
        (
            vec![format!("t={t},v1={good}"), format!("t={t},v1=00")],
            "valid",
        ),
        (
            vec![format!("t={t},t={later},v1={good}")],
            "malformed_header",
        ),
        (
            vec![format!("t={t},v1={good}"), format!("t={later},v1={good}")],
            "malformed_header",
        ),
        (vec![String::new()], "missing_header"),
        (vec![format!("t={t}")], "unsupported_scheme"),
        (vec![format!("t={t},v1=")], "bad_signature"),
        (vec![format!("t={t},v1={}", &good[..62])], "bad_signature"),
        (vec![format!("t={t},v1={good}00")], "bad_signature"),
        (vec![format!("t={t},v1={}é", &good[..62])], "bad_signature"),
        (vec![format!("t={t},v1=\"{good}\"")], "bad_signature"),
        (vec![format!("t={t}.0,v1={good}")], "malformed_header"),
        (vec![format!("t=+{t},v1={good}")], "malformed_header"),
        (vec![format!("t=0x10,v1={good}")], "malformed_header"),
        (vec![signed("99999999999999999999999")], "malformed_header"),
        (vec![signed("9223372036854775807")], "future_timestamp"),
        (vec![signed("-9223372036854775808")], "stale_timestamp"),
        (vec![signed("-1")], "stale_timestamp"),
        (vec![signed("0")], "stale_timestamp"),
        (vec![signed(&format!("0{t}"))], "valid"),
    ];
    for (headers, expected) in cases {
        let pairs: Vec<_> = headers
            .iter()
            .map(|value| ("stripe-SIGNATURE", value.as_str()))
            .collect();
        let secrets = secrets_of(vec![Secret::text("whsec_1")]);
        assert_eq!(
            outcome("stripe", &pairs, BODY, &secrets, &Settings::default()),
            expected,
            "{headers:?}"
        );
    }
}

#[test]
fn a_secret_that_is_empty_or_outside_its_validity_verifies_nothing() {
    let t = now().as_second().to_string();
    let empty_key = hex::encode(hmac_sha256(b"", &[t.as_bytes(), b".", BODY]));
    let header = format!("t={t},v1={},v1={empty_key}", stripe_v1(&t));
    let cases = [
        (r#"["whsec_1"]"#, "valid"),
        (r#"["", "whsec_1"]"#, "valid"),
        (r#"[""]"#, "bad_secret_config"),
        ("[]", "bad_secret_config"),
        (
            r#"[{"value":"whsec_1","not_after":"2025-01-01T00:00:00Z"}]"#,
            "bad_secret_config",
        ),
        (
            r#"[{"value":"whsec_1","not_before":"2026-06-01T00:00:00Z"}]"#,
            "bad_secret_config",
        ),
        (
            r#"[{"value":"whsec_1","not_before":"2025-01-01T00:00:00Z","not_after":"2026-06-01T00:00:00Z"}]"#,
            "valid",
        ),
        (
            r#"[{"public_key":"whsec_1","private_key":"whsec_1"}]"#,
            "bad_secret_config",
        ),
    ];
    for (signing, expected) in cases {
        let secrets = secrets_from("stripe", signing);
        let headers = [("Stripe-Signature", header.as_str())];
        assert_eq!(
            outcome("stripe", &headers, BODY, &secrets, &Settings::default()),
            expected,
            "{signing}"
        );
    }
}

#[test]
fn the_tolerance_of_infra_toml_replaces_the_default() {
    let old = (now().as_second() - 100).to_string();
    let header = format!("t={old},v1={}", stripe_v1(&old));
    for (tolerance, expected) in [
        (None, "valid"),
        (Some(100), "valid"),
        (Some(99), "stale_timestamp"),
    ] {
        let settings = Settings {
            tolerance_seconds: tolerance,
            ..Settings::default()
        };
        let secrets = secrets_of(vec![Secret::text("whsec_1")]);
        assert_eq!(
            outcome(
                "stripe",
                &[("Stripe-Signature", &header)],
                BODY,
                &secrets,
                &settings
            ),
            expected
        );
    }
}

fn standard_v1(id: &str, timestamp: &str) -> String {
    STANDARD.encode(hmac_sha256(
        &[7; 32],
        &[id.as_bytes(), b".", timestamp.as_bytes(), b".", BODY],
    ))
}

#[test]
fn standard_webhooks_headers_are_read_whole_and_of_one_prefix() {
    let t = now().as_second().to_string();
    let good = format!("v1,{}", standard_v1("msg_1", &t));
    let unpadded = good.trim_end_matches('=').to_owned();
    let huge = "99999999999999999999999";
    let long = format!("{}{good}", "v1,AAAA ".repeat(400));
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (
            vec![
                ("Webhook-Id", "msg_1"),
                ("Webhook-Timestamp", &t),
                ("Webhook-Signature", &good),
            ],
            "valid",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", &long),
            ],
            "valid",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", "v1,x"),
                ("webhook-signature", &good),
            ],
            "valid",
        ),
        (
            vec![
                ("webhook-id", "wh_of_a_proxy"),
                ("svix-id", "msg_1"),
                ("svix-timestamp", &t),
                ("svix-signature", &good),
            ],
            "valid",
        ),
        (
            vec![
                ("svix-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", &good),
            ],
            "missing_header",
        ),
        (
            vec![
                ("webhook-id", ""),
                ("webhook-timestamp", &t),
                ("webhook-signature", &good),
            ],
            "missing_header",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-id", "msg_2"),
                ("webhook-timestamp", &t),
                ("webhook-signature", &good),
            ],
            "malformed_header",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", huge),
                ("webhook-signature", &good),
            ],
            "malformed_header",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", "1e9"),
                ("webhook-signature", &good),
            ],
            "malformed_header",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", "nonsense"),
            ],
            "malformed_header",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", "v2,AAAA"),
            ],
            "unsupported_scheme",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", "v1a,AAAA"),
            ],
            "unsupported_scheme",
        ),
        (
            vec![
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &t),
                ("webhook-signature", &unpadded),
            ],
            "bad_signature",
        ),
    ];
    for (headers, expected) in cases {
        let secrets = secrets_of(vec![secret("standard_webhooks")]);
        let found = outcome(
            "standard_webhooks",
            &headers,
            BODY,
            &secrets,
            &Settings::default(),
        );
        assert_eq!(found, expected, "{headers:?}");
    }
}

#[test]
fn standard_webhooks_keys_are_decoded_before_use_or_refused() {
    let t = now().as_second().to_string();
    let signature = format!("v1,{}", standard_v1("msg_1", &t));
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", t.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let cases = [
        (format!("whsec_{}", STANDARD.encode([7; 32])), "valid"),
        (STANDARD.encode([7; 32]), "valid"),
        (
            format!("whsec_{}", STANDARD_NO_PAD.encode([7; 32])),
            "valid",
        ),
        ("whsec_".to_owned(), "bad_secret_config"),
        ("whsec_not base64".to_owned(), "bad_secret_config"),
        (
            format!("whpk_{}", STANDARD.encode([7; 31])),
            "bad_secret_config",
        ),
        (
            format!("whsk_{}", STANDARD.encode([7; 64])),
            "bad_secret_config",
        ),
        (
            format!("whpk_{}", STANDARD.encode([7; 32])),
            "unsupported_scheme",
        ),
    ];
    for (key, expected) in cases {
        let secrets = secrets_of(vec![Secret::text(&key)]);
        let found = outcome(
            "standard_webhooks",
            &headers,
            BODY,
            &secrets,
            &Settings::default(),
        );
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn what_a_private_key_signs_its_public_key_verifies() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a key pair");
    let private = [&[9u8; 32], pair.public_key().as_ref()].concat();
    let private = Secret::text(&format!("whsk_{}", STANDARD.encode(private)));
    let public = Secret::text(&format!(
        "whpk_{}",
        STANDARD.encode(pair.public_key().as_ref())
    ));
    let webhooks = provider("standard_webhooks");
    let sample = webhooks
        .sample("payment.succeeded", &seed("a1"))
        .expect("a sample");
    let sent = webhooks
        .sign(sample.clone(), &private, &Settings::default(), now())
        .expect("signed");
    for key in [private, public.clone()] {
        assert_eq!(
            verify_with(webhooks, &received(&sent), &secrets_of(vec![key])),
            Ok(Verified::SIGNED)
        );
    }
    assert!(
        webhooks
            .sign(sample, &public, &Settings::default(), now())
            .is_err()
    );
}

#[test]
fn a_generic_signature_is_read_as_configured_and_in_no_other_way() {
    let hex = |key: &[u8]| hex::encode(hmac_sha256(key, &[BODY]));
    let good = hex(b"k");
    let base = HmacSettings {
        header: Some("X-Sig".into()),
        ..HmacSettings::default()
    };
    let prefixed = HmacSettings {
        prefix: Some("sha256=".into()),
        ..base.clone()
    };
    let base64 = HmacSettings {
        encoding: Some(Encoding::Base64),
        ..base.clone()
    };
    let sha512 = HmacSettings {
        algorithm: Some(Algorithm::Sha512),
        ..base.clone()
    };
    let hex_key = HmacSettings {
        key_encoding: Some(KeyEncoding::Hex),
        ..base.clone()
    };
    let cases: Vec<(&HmacSettings, Vec<String>, &str, &str)> = vec![
        (&base, vec![good.clone()], "k", "valid"),
        (&base, vec![format!(" {good}\t")], "k", "valid"),
        (&base, vec![good.to_uppercase()], "k", "valid"),
        (&base, vec![good.clone(), good.clone()], "k", "valid"),
        (
            &base,
            vec![good.clone(), "00".into()],
            "k",
            "malformed_header",
        ),
        (
            &base,
            vec![format!("{good},{good}")],
            "k",
            "malformed_header",
        ),
        (&base, vec![good[1..].into()], "k", "malformed_header"),
        (&base, vec![format!("{good}00")], "k", "malformed_header"),
        (&base, vec![], "k", "missing_header"),
        (
            &base,
            vec![format!("sha256={good}")],
            "k",
            "malformed_header",
        ),
        (&prefixed, vec![format!("sha256={good}")], "k", "valid"),
        (&prefixed, vec![good.clone()], "k", "malformed_header"),
        (&base64, vec![good.clone()], "k", "bad_signature"),
        (&base64, vec!["***".into()], "k", "malformed_header"),
        (&sha512, vec![good.clone()], "k", "malformed_header"),
        (&hex_key, vec![hex(&[0xab, 0xcd])], "abcd", "valid"),
        (&hex_key, vec![hex(b"abcd")], "abcd", "bad_signature"),
        (&hex_key, vec![good.clone()], "not hex", "bad_secret_config"),
        (&base, vec![hex(b"")], "", "bad_secret_config"),
    ];
    for (hmac, headers, key, expected) in cases {
        let pairs: Vec<_> = headers
            .iter()
            .map(|value| ("x-sig", value.as_str()))
            .collect();
        let settings = Settings {
            hmac: hmac.clone(),
            ..Settings::default()
        };
        let secrets = secrets_of(vec![Secret::text(key)]);
        assert_eq!(
            outcome("generic_hmac", &pairs, BODY, &secrets, &settings),
            expected,
            "{headers:?} {hmac:?}"
        );
    }
}

#[test]
fn a_generic_sender_may_sign_a_timestamp_in_front_of_the_body() {
    let hmac = HmacSettings {
        timestamp_header: Some("X-Time".into()),
        ..HmacSettings::default()
    };
    let settings = Settings {
        hmac,
        ..Settings::default()
    };
    let at = now().as_second();
    let cases = [
        (Some(at), at, "valid"),
        (Some(at - 301), at - 301, "stale_timestamp"),
        (Some(at + 301), at + 301, "future_timestamp"),
        (Some(at), at - 1, "bad_signature"),
        (None, at, "missing_header"),
    ];
    for (sent, signed, expected) in cases {
        let signature = hex::encode(hmac_sha256(
            b"k",
            &[signed.to_string().as_bytes(), b".", BODY],
        ));
        let sent = sent.map(|time| time.to_string());
        let mut headers = vec![("X-Signature", signature.as_str())];
        headers.extend(sent.as_deref().map(|time| ("X-Time", time)));
        let secrets = secrets_of(vec![Secret::text("k")]);
        assert_eq!(
            outcome("generic_hmac", &headers, BODY, &secrets, &settings),
            expected,
            "{sent:?}"
        );
    }
}
