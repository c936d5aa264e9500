//! Generic HMAC signatures against what senders, proxies and attackers make of their header.

mod support;

use payments::secret::Secret;
use payments::settings::{Algorithm, Encoding, HmacSettings, KeyEncoding, Settings};
use support::*;

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

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
