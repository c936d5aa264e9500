//! Stripe against what senders, proxies and attackers make of its header.

mod support;

use payments::secret::Secret;
use payments::settings::Settings;
use support::*;

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

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
