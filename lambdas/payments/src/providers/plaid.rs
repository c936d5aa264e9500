//! Plaid. Signed: a JWT (ES256 only) in `Plaid-Verification` whose claim `request_body_sha256` is the SHA-256 of the raw body in
//! hexadecimal; the public key is fetched by its `kid`. The body tells that there is news, not what: it is pulled from the
//! API. Documented at plaid.com/docs/api/webhooks/webhook-verification.

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use super::fields;
use super::keys::{FetchedKey, KeyRequest};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::Report;
use crate::json::Json;
use crate::mac::{self, BASE64};
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signature::{SignatureError, Window};
use crate::store::sha256_hex;

const HEADER: &str = "Plaid-Verification";
const TOLERANCE: u32 = 300;
/// Tells that transfers changed; which, and how, is in the list of events at `/transfer/event/sync`.
const NEWS: &str = "TRANSFER.TRANSFER_EVENTS_UPDATE";
/// Under which all notices of news are kept, since they name no transfer.
const LIST: &str = "transfer-events";

pub(super) struct Plaid;

impl Provider for Plaid {
    fn key(&self) -> &'static str {
        "plaid"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(HEADER)
    }

    fn key_request(&self, request: &Request) -> Result<Option<KeyRequest>, SignatureError> {
        let token = Token::read(request)?;
        Ok(Some(KeyRequest::PlaidKey {
            key_id: token.key_id,
        }))
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let token = Token::read(request)?;
        let Some(FetchedKey::WebKey(key)) = check.fetched else {
            return Err(SignatureError::UnknownKey);
        };
        let point = public_point(key, &token.key_id)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .verify(token.signed_text.as_bytes(), &token.signature)
            .map_err(|_| SignatureError::BadSignature)?;
        let tolerance = check.settings.tolerance_seconds.unwrap_or(TOLERANCE);
        Window::both(tolerance.into()).check(token.issued_at, request.now())?;
        let body = digest::digest(&digest::SHA256, &request.body);
        if !mac::same(body.as_ref(), &token.body_sha256) {
            return Err(SignatureError::BodyHashMismatch);
        }
        Ok(Verified::SIGNED)
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let kind = fields::required(body, "webhook_type")?;
        let code = fields::required(body, "webhook_code")?;
        let event_type = format!("{kind}.{code}");
        let about = match event_type == NEWS {
            true => Some(LIST.to_owned()),
            false => ["transfer_id", "item_id"]
                .into_iter()
                .find_map(|path| body.id_at(path)),
        };
        // The same body comes again for every later change, so only the time of signing tells one notice from the next.
        let issued_at = Token::read(request).ok().map(|token| token.issued_at);
        let digest = fields::digest_id(&request.body);
        Ok(vec![Report {
            event_id: issued_at.map_or_else(|| digest.clone(), |at| format!("{digest}@{at}")),
            event_type,
            occurred_ms: issued_at.and_then(fields::ms_of_seconds),
            provider_payment_id: about.unwrap_or(digest),
            money: Ok(None),
            claimed: None,
        }])
    }

    fn only_api_knows(&self, event_type: &str) -> bool {
        event_type == NEWS
    }

    fn list_notice(&self) -> Option<&'static str> {
        Some(NEWS)
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[NEWS]
    }

    fn sample(&self, event_type: &str, _seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let body = json!({
            "environment": "sandbox", "webhook_code": "TRANSFER_EVENTS_UPDATE", "webhook_type": "TRANSFER",
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }

    /// Only for whoever plays Plaid with a key pair of their own: `key_id`, and `private_key` as base64 of PKCS 8.
    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let token = signed(&outgoing.body, secret, now);
        let token = token.ok_or(CannotSign::ProviderHoldsKey(self.key()))?;
        Ok(outgoing.with_header(HEADER, token))
    }
}

/// The token of a body; `None` where the secret is no key pair.
fn signed(body: &[u8], secret: &Secret, now: Timestamp) -> Option<String> {
    let private = BASE64.decode(secret.value.named("private_key")?).ok()?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private).ok()?;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = json!({"alg": "ES256", "kid": secret.value.named("key_id")?, "typ": "JWT"});
    let hash = sha256_hex(body);
    let claims = json!({"iat": now.as_second(), "request_body_sha256": hash});
    let text = format!("{}.{}", part(head), part(claims));
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).ok()?;
    Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The parts of the JWT; nothing of it is believed before its signature is checked.
struct Token<'r> {
    key_id: String,
    issued_at: i64,
    body_sha256: Vec<u8>,
    signed_text: &'r str,
    signature: Vec<u8>,
}

impl<'r> Token<'r> {
    fn read(request: &'r Request) -> Result<Token<'r>, SignatureError> {
        let malformed = |why| SignatureError::malformed(HEADER, why);
        let text = mac::single(request, HEADER)?;
        let (signed_text, signature) = text.rsplit_once('.').ok_or(malformed("it is not a JWT"))?;
        let (head, claims) = signed_text
            .split_once('.')
            .ok_or(malformed("it is not a JWT"))?;
        let decode = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| malformed("it is not base64url"))
        };
        let (head, claims, signature) = (decode(head)?, decode(claims)?, decode(signature)?);
        let head = Json::parse_object(&head).map_err(|_| malformed("its header is not JSON"))?;
        if head.text_at("alg").as_deref() != Some("ES256") {
            return Err(SignatureError::UnsupportedAlg);
        }
        // RFC 7515, section 4.1.11: whoever does not know an extension that is critical must refuse the token.
        if head.get("crit").is_some() {
            return Err(malformed(
                "it asks for an extension that Plaid does not document",
            ));
        }
        let claims =
            Json::parse_object(&claims).map_err(|_| malformed("its claims are not JSON"))?;
        let hash = claims
            .text_at("request_body_sha256")
            .and_then(|text| hex::decode(text).ok());
        Ok(Token {
            key_id: head.text_at("kid").ok_or(malformed("it names no key"))?,
            issued_at: claims
                .get("iat")
                .and_then(Json::integer)
                .ok_or(malformed("it has no time of issue"))?,
            body_sha256: hash.ok_or(malformed("it has no hash of the body"))?,
            signed_text,
            signature,
        })
    }
}

/// The public key of a JSON web key as an uncompressed point of P-256.
fn public_point(web_key: &str, key_id: &str) -> Result<Vec<u8>, SignatureError> {
    let key = Json::parse_object(web_key.as_bytes()).map_err(|_| SignatureError::UnknownKey)?;
    let says = |name: &str, expected: &str| key.text_at(name).as_deref() == Some(expected);
    // What a key is for, and with which algorithm, need not be said (RFC 7517); what is said holds.
    let may = |name: &str, expected: &str| key.get(name).is_none() || says(name, expected);
    let signs = may("alg", "ES256") && may("use", "sig");
    if !says("kty", "EC") || !says("crv", "P-256") || !says("kid", key_id) || !signs {
        return Err(SignatureError::UnknownKey);
    }
    if key
        .get("expired_at")
        .is_some_and(|time| time.number().is_some() || time.text().is_some())
    {
        return Err(SignatureError::KeyExpired);
    }
    let coordinate = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(key.text_at(name)?).ok()?;
        (bytes.len() == 32).then_some(bytes)
    };
    match (coordinate("x"), coordinate("y")) {
        (Some(x), Some(y)) => Ok([vec![4], x, y].concat()),
        _ => Err(SignatureError::UnknownKey),
    }
}
