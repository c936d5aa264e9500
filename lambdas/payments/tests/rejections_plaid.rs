//! Plaid's JWT, signed here with a key of our own in place of Plaid's.

mod support;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payments::providers::keys::{
    self, FetchedKey, KeyRequest, KeySource, KeyUnavailable, VerifyError,
};
use payments::providers::{CannotSign, Check, Outgoing, Verified};
use payments::request::{Headers, Request};
use payments::secret::{Secret, SecretText, SecretValue};
use payments::settings::Settings;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::*;

const BODY: &[u8] = br#"{"webhook_type":"TRANSFER","webhook_code":"TRANSFER_EVENTS_UPDATE"}"#;

/// Plaid's side: a key pair and its public half as Plaid hands it out.
struct Signer {
    pair: EcdsaKeyPair,
    web_key: Value,
}

impl Signer {
    fn new() -> Signer {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair");
        let point = pair.public_key().as_ref();
        let web_key = json!({
            "alg": "ES256", "crv": "P-256", "kid": "kid-1", "kty": "EC", "use": "sig", "expired_at": null,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        });
        Signer { pair, web_key }
    }

    fn token(&self, head: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(head), encode(claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), text.as_bytes())
            .expect("a signature");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn good_token(&self) -> String {
        self.token(&head(), &claims())
    }
}

fn head() -> Value {
    json!({"alg": "ES256", "kid": "kid-1", "typ": "JWT"})
}

fn claims() -> Value {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, BODY);
    json!({"iat": now().as_second(), "request_body_sha256": hex::encode(hash)})
}

fn with(mut value: Value, name: &str, other: Value) -> Value {
    value[name] = other;
    value
}

fn request(token: &str, body: &[u8]) -> Request {
    Request {
        method: "POST".into(),
        headers: Headers::from_iter([("Plaid-Verification", token)]),
        body: body.to_vec(),
        received_at: now(),
        ..Request::default()
    }
}

fn outcome(token: &str, body: &[u8], key: FetchedKey) -> &'static str {
    let (secrets, settings) = (secrets_of(vec![]), Settings::default());
    let check = Check {
        secrets: &secrets,
        settings: &settings,
        fetched: Some(&key),
    };
    match provider("plaid").verify(&request(token, body), &check) {
        Ok(_) => "valid",
        Err(refused) => refused.kind(),
    }
}

#[test]
fn what_is_signed_with_a_key_pair_of_ones_own_is_what_plaid_would_have_sent() {
    let private =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let private = private.expect("a key pair");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref());
    let point = pair.expect("the same").public_key().as_ref().to_vec();
    let web_key = json!({
        "crv": "P-256", "kid": "kid-1", "kty": "EC",
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
    });
    let secret = |private: &[u8]| {
        let private = base64::engine::general_purpose::STANDARD.encode(private);
        let text = |(name, text): (&str, &str)| (name.to_owned(), SecretText::new(text));
        let named = [("key_id", "kid-1"), ("private_key", private.as_str())].map(text);
        Secret::always(SecretValue::Named(named.into()))
    };
    let sample = || Outgoing {
        body: BODY.to_vec(),
        ..Outgoing::default()
    };
    let sign =
        |secret: &Secret| provider("plaid").sign(sample(), secret, &Settings::default(), now());
    let signed = sign(&secret(private.as_ref())).expect("signed");
    let (_, token) = signed.headers.first().expect("a token");
    let key = FetchedKey::WebKey(web_key.to_string());
    assert_eq!(outcome(token, BODY, key.clone()), "valid");
    assert_eq!(outcome(token, b"{}", key), "body_hash_mismatch");
    for wrong in [secret(b"no key"), Secret::text("text")] {
        assert_eq!(sign(&wrong), Err(CannotSign::ProviderHoldsKey("plaid")));
    }
}

#[test]
fn a_token_counts_only_with_its_algorithm_key_time_and_body() {
    let signer = Signer::new();
    let key = |web_key: &Value| FetchedKey::WebKey(web_key.to_string());
    let own = key(&signer.web_key);
    let at = now().as_second();
    let cases = [
        (signer.good_token(), own.clone(), "valid"),
        (
            signer.token(&with(head(), "alg", "HS256".into()), &claims()),
            own.clone(),
            "unsupported_alg",
        ),
        (
            signer.token(&with(head(), "alg", "es256".into()), &claims()),
            own.clone(),
            "unsupported_alg",
        ),
        (
            signer.token(&with(head(), "crit", json!(["exp"])), &claims()),
            own.clone(),
            "malformed_header",
        ),
        (
            signer.good_token(),
            key(&with(signer.web_key.clone(), "alg", "HS256".into())),
            "unknown_key",
        ),
        (
            signer.good_token(),
            key(&with(signer.web_key.clone(), "use", "enc".into())),
            "unknown_key",
        ),
        (
            signer.token(&head(), &with(claims(), "iat", (at - 300).into())),
            own.clone(),
            "valid",
        ),
        (
            signer.token(&head(), &with(claims(), "iat", (at - 301).into())),
            own.clone(),
            "stale_timestamp",
        ),
        (
            signer.token(&head(), &with(claims(), "iat", (at + 301).into())),
            own.clone(),
            "future_timestamp",
        ),
        (
            signer.token(&head(), &with(claims(), "iat", "soon".into())),
            own.clone(),
            "malformed_header",
        ),
        (
            signer.token(&head(), &with(claims(), "request_body_sha256", "00".into())),
            own.clone(),
            "body_hash_mismatch",
        ),
        (
            signer.token(&with(head(), "kid", "kid-2".into()), &claims()),
            own.clone(),
            "unknown_key",
        ),
        (
            signer.good_token(),
            key(&Signer::new().web_key),
            "bad_signature",
        ),
        (
            signer.good_token(),
            key(&with(signer.web_key.clone(), "expired_at", at.into())),
            "key_expired",
        ),
        (
            signer.good_token(),
            key(&with(signer.web_key.clone(), "kty", "RSA".into())),
            "unknown_key",
        ),
        (
            signer.good_token(),
            key(&with(signer.web_key.clone(), "x", "AAAA".into())),
            "unknown_key",
        ),
        (signer.good_token(), FetchedKey::Unknown, "unknown_key"),
        ("a.b".into(), own.clone(), "malformed_header"),
        ("a.b.c".into(), own.clone(), "malformed_header"),
        ("..".into(), own.clone(), "malformed_header"),
        (String::new(), own, "missing_header"),
    ];
    for (token, key, expected) in cases {
        assert_eq!(outcome(&token, BODY, key), expected, "{token}");
    }
}

proptest! {
    #[test]
    fn a_changed_bit_of_the_token_or_the_body_is_always_rejected(at in any::<prop::sample::Index>(), bit in 0u8..7, in_body in any::<bool>()) {
        let signer = Signer::new();
        let key = FetchedKey::WebKey(signer.web_key.to_string());
        let (mut token, mut body) = (signer.good_token().into_bytes(), BODY.to_vec());
        let bytes = if in_body { &mut body } else { &mut token };
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let token = String::from_utf8(token).expect("ASCII stays ASCII");
        prop_assert_ne!(outcome(&token, &body, key), "valid");
    }
}

/// Plaid's key server, or nobody.
struct Server(Option<FetchedKey>);

#[async_trait]
impl KeySource for Server {
    async fn fetch(
        &self,
        wanted: &KeyRequest,
        _check: &Check<'_>,
    ) -> Result<FetchedKey, KeyUnavailable> {
        assert_eq!(
            *wanted,
            KeyRequest::PlaidKey {
                key_id: "kid-1".into()
            }
        );
        self.0.clone().ok_or(KeyUnavailable { why: "it is down" })
    }
}

#[tokio::test]
async fn the_key_is_fetched_before_verifying_and_its_absence_is_not_a_refusal() {
    let signer = Signer::new();
    let request = request(&signer.good_token(), BODY);
    let (secrets, settings) = (secrets_of(vec![]), Settings::default());
    let verify = async |server: Server| {
        let check = Check {
            secrets: &secrets,
            settings: &settings,
            fetched: None,
        };
        keys::verify(provider("plaid"), &request, check, &server).await
    };
    let up = Server(Some(FetchedKey::WebKey(signer.web_key.to_string())));
    assert_eq!(verify(up).await, Ok(Verified::SIGNED));
    assert!(matches!(
        verify(Server(None)).await,
        Err(VerifyError::KeyUnavailable(_))
    ));
    assert!(matches!(
        verify(Server(Some(FetchedKey::Unknown))).await,
        Err(VerifyError::Refused(_))
    ));
}
