//! Standard Webhooks against what senders, proxies and attackers make of its headers.

mod support;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use payments::providers::Verified;
use payments::secret::Secret;
use payments::settings::Settings;
use support::*;

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

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
