//! Standard Webhooks, as sent by Svix too. Signed: `{webhook-id}.{webhook-timestamp}.{raw body}`; `v1` is HMAC-SHA256,
//! `v1a` Ed25519, both base64 in `webhook-signature` (or `svix-..`), blank-separated. Keys: `whsec_` + base64, `whpk_` +
//! base64 of 32 bytes. Documented at github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use jiff::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use super::fields::{self, Unit};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::head::is_adverse;
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::money::Currency;
use crate::request::Request;
use crate::secret::{ProviderSecrets, Secret, SecretValue};
use crate::settings::{Algorithm, Settings};
use crate::signature::{SignatureError, Window};

const TOLERANCE: u32 = 300;
/// Public-key checks are the costly ones; a sender that rotates keys sends two or three.
const MAX_PUBLIC_KEY_SIGNATURES: usize = 8;

pub(super) struct StandardWebhooks;

impl Provider for StandardWebhooks {
    fn key(&self) -> &'static str {
        "standard_webhooks"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        header_set(request).is_some()
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let sent = Sent::read(request)?;
        let keys = Keys::read(check.secrets, request.received_at)?;
        let front = format!("{}.{}.", sent.id, sent.timestamp_text);
        keys.verify(&sent.signatures, front.as_bytes(), &request.body)?;
        let tolerance = check.settings.tolerance_seconds.unwrap_or(TOLERANCE);
        Window::both(tolerance.into()).check(sent.timestamp, request.now())?;
        Ok(Verified::SIGNED)
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = header_set(request)
            .and_then(|prefix| request.headers.single(&format!("{prefix}-id")))
            .ok_or(MalformedBody::Field("webhook-id"))?
            .to_owned();
        let data = body.get("data");
        let event_type = body.text_at("type").unwrap_or_else(|| "unknown".into());
        let payment_id = |path| data.and_then(|data| data.id_at(path));
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "timestamp"),
            provider_payment_id: payment_id("payment_id")
                .or_else(|| payment_id("id"))
                .unwrap_or(event_id.clone()),
            money: data.map_or(Ok(None), |data| {
                fields::money(
                    data,
                    "amount",
                    "currency",
                    Unit::Minor,
                    Currency::iso_exponent,
                )
            }),
            claimed: status(&event_type),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "payment.succeeded",
            "payment.pending",
            "payment.authorised",
            "payment.failed",
            "payment.refunded",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let payment_id = seed
            .payment_id
            .map_or_else(|| format!("pay_{}", seed.nonce), str::to_owned);
        let body = json!({
            "type": event_type,
            "timestamp": seed.now.to_string(),
            "data": {"id": payment_id, "amount": seed.money.minor, "currency": seed.money.currency.as_str()},
        });
        let known = self.sample_types().contains(&event_type);
        known
            .then(|| Outgoing::json(&body).with_header("webhook-id", format!("msg_{}", seed.nonce)))
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let key = Key::parse(&secret.value).ok_or(CannotSign::Secret(self.key()))?;
        let id = outgoing
            .headers
            .iter()
            .find(|(name, _)| name == "webhook-id")
            .map(|(_, id)| id.clone());
        let id = id.unwrap_or_else(|| format!("msg_{}", fields::digest_id(&outgoing.body)));
        let front = format!("{id}.{}.", now.as_second());
        let signature = match &key {
            Key::Shared(key) => format!(
                "v1,{}",
                mac::BASE64.encode(mac::tag(key, &[front.as_bytes(), &outgoing.body]))
            ),
            Key::Pair(pair) => {
                let message = [front.as_bytes(), &outgoing.body].concat();
                format!("v1a,{}", mac::BASE64.encode(pair.sign(&message)))
            }
            Key::Public(_) => return Err(CannotSign::ProviderHoldsKey(self.key())),
        };
        let mut signed = outgoing;
        signed.headers.retain(|(name, _)| name != "webhook-id");
        Ok(signed
            .with_header("webhook-id", id)
            .with_header("webhook-timestamp", now.as_second().to_string())
            .with_header("webhook-signature", signature))
    }
}

const PREFIXES: [&str; 2] = ["webhook", "svix"];

/// The prefix whose three headers are all there; headers of different prefixes are never mixed.
fn header_set(request: &Request) -> Option<&'static str> {
    let complete = |prefix: &&str| {
        ["id", "timestamp", "signature"]
            .iter()
            .all(|part| request.headers.contains(&format!("{prefix}-{part}")))
    };
    PREFIXES.into_iter().find(complete)
}

/// What the three headers say.
struct Sent<'r> {
    id: &'r str,
    timestamp: i64,
    timestamp_text: &'r str,
    signatures: Vec<(&'r str, &'r str)>,
}

impl<'r> Sent<'r> {
    fn read(request: &'r Request) -> Result<Sent<'r>, SignatureError> {
        let Some(prefix) = header_set(request) else {
            return Err(first_missing(request));
        };
        let id = mac::single(request, &format!("{prefix}-id"))?;
        let header = format!("{prefix}-timestamp");
        let timestamp_text = mac::single(request, &header)?;
        let timestamp = mac::unix_seconds(timestamp_text)
            .ok_or_else(|| SignatureError::malformed(&header, "it is not a number of seconds"))?;
        let header = format!("{prefix}-signature");
        let signatures: Vec<_> = request
            .headers
            .all(&header)
            .flat_map(|value| value.split([' ', '\t']))
            .filter_map(|item| item.split_once(','))
            .collect();
        if signatures.is_empty() {
            return Err(SignatureError::malformed(
                &header,
                "it holds no `version,signature`",
            ));
        }
        Ok(Sent {
            id,
            timestamp,
            timestamp_text,
            signatures,
        })
    }
}

fn first_missing(request: &Request) -> SignatureError {
    let svix = request.headers.contains("svix-signature")
        && !request.headers.contains("webhook-signature");
    let prefix = if svix { "svix" } else { "webhook" };
    let missing = ["id", "timestamp", "signature"]
        .map(|part| format!("{prefix}-{part}"))
        .into_iter()
        .find(|name| !request.headers.contains(name));
    SignatureError::MissingHeader(missing.unwrap_or_else(|| "webhook-signature".into()))
}

/// A configured key of either scheme.
enum Key {
    Shared(Box<hmac::Key>),
    Public(Vec<u8>),
    Pair(Ed25519KeyPair),
}

impl Key {
    /// Reads `whsec_` (also without the prefix), `whpk_` and Svix's `whsk_`, which is seed and public key in one.
    fn parse(secret: &SecretValue) -> Option<Key> {
        let text = secret.text()?;
        let decode = |text: &str| mac::BASE64_KEY.decode(text).ok().map(Zeroizing::new);
        if let Some(text) = text.strip_prefix("whpk_") {
            let bytes = decode(text)?;
            (bytes.len() == 32).then(|| Key::Public(bytes.to_vec()))
        } else if let Some(text) = text.strip_prefix("whsk_") {
            let bytes = decode(text)?;
            let (seed, public) = bytes.split_at_checked(32)?;
            Ed25519KeyPair::from_seed_and_public_key(seed, public)
                .ok()
                .map(Key::Pair)
        } else {
            let bytes = decode(text.strip_prefix("whsec_").unwrap_or(text))?;
            mac::key_of_bytes(&bytes, Algorithm::Sha256).map(|key| Key::Shared(Box::new(key)))
        }
    }
}

/// The configured keys by the scheme they serve.
struct Keys {
    shared: Vec<hmac::Key>,
    public: Vec<Vec<u8>>,
}

impl Keys {
    fn read(secrets: &ProviderSecrets, at: Timestamp) -> Result<Keys, SignatureError> {
        let mut keys = Keys {
            shared: Vec::new(),
            public: Vec::new(),
        };
        for key in secrets.valid_at(at).filter_map(Key::parse) {
            match key {
                Key::Shared(key) => keys.shared.push(*key),
                Key::Public(key) => keys.public.push(key),
                Key::Pair(pair) => keys.public.push(pair.public_key().as_ref().to_vec()),
            }
        }
        if keys.shared.is_empty() && keys.public.is_empty() {
            return Err(SignatureError::BadSecretConfig(
                "no secret is valid now and of the form whsec_, whpk_ or whsk_ followed by base64",
            ));
        }
        Ok(keys)
    }

    fn verify(
        &self,
        signatures: &[(&str, &str)],
        front: &[u8],
        body: &[u8],
    ) -> Result<(), SignatureError> {
        let offers = |wanted: &str| signatures.iter().any(|(version, _)| *version == wanted);
        let usable =
            (!self.shared.is_empty() && offers("v1")) || (!self.public.is_empty() && offers("v1a"));
        if !usable {
            return Err(SignatureError::UnsupportedScheme);
        }
        if mac::any_match(&self.shared, &[front, body], &decoded(signatures, "v1", 32)) {
            return Ok(());
        }
        let message = [front, body].concat();
        let public = decoded(signatures, "v1a", 64);
        let good = public
            .iter()
            .take(MAX_PUBLIC_KEY_SIGNATURES)
            .any(|signature| {
                self.public.iter().any(|key| {
                    UnparsedPublicKey::new(&ED25519, key)
                        .verify(&message, signature)
                        .is_ok()
                })
            });
        if good {
            Ok(())
        } else {
            Err(SignatureError::BadSignature)
        }
    }
}

/// The signatures of one version that can be right at all.
fn decoded(signatures: &[(&str, &str)], version: &str, length: usize) -> Vec<Vec<u8>> {
    let of_version = signatures.iter().filter(|(v, _)| *v == version);
    of_version
        .filter_map(|(_, text)| mac::BASE64.decode(text).ok())
        .filter(|bytes| bytes.len() == length)
        .collect()
}

/// What a payment is called in types.
const PAYMENTS: [&str; 7] = [
    "payment",
    "payments",
    "payment_intent",
    "charge",
    "order",
    "checkout",
    "invoice",
];

/// The status in the last part of a dotted type, as `payment.succeeded`: the specification names types so.
fn status(event_type: &str) -> Option<Status> {
    let (object, last) = event_type.rsplit_once('.')?;
    let object = object.rsplit('.').next().unwrap_or(object);
    let status = match last {
        "authorized" => Status::Authorised,
        "cancelled" => Status::Canceled,
        "completed" | "paid" => Status::Succeeded,
        name => name.parse().ok()?,
    };
    // A refund or a payout that succeeded or failed is no payment that did.
    (PAYMENTS.contains(&object) || is_adverse(status)).then_some(status)
}
