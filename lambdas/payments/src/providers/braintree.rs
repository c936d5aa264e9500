//! Braintree. Signed: the form field `bt_payload` (base64 with its line breaks), HMAC-SHA1 in hexadecimal, as `public key|hex`
//! pairs in `bt_signature`; the HMAC key is the SHA-1 digest of the private key. A new endpoint is tested by
//! `GET ?bt_challenge=..`. Documented at developer.paypal.com/braintree/docs/guides/webhooks/parse.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use jiff::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};

use super::fields;
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::json::MalformedBody;
use crate::mac;
use crate::money::{Currency, Money};
use crate::request::Request;
use crate::secret::{ProviderSecrets, Secret, SecretValue};
use crate::settings::{Algorithm, Settings};
use crate::signature::SignatureError;

const MAX_NODES: u32 = 20_000;

pub(super) struct Braintree;

impl Provider for Braintree {
    fn key(&self) -> &'static str {
        "braintree"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.query("bt_challenge").is_some() || form_field(request, "bt_signature").is_some()
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let signature =
            form_field(request, "bt_signature").ok_or(SignatureError::MissingSignature)?;
        let payload =
            form_field(request, "bt_payload").ok_or(MalformedBody::Field("bt_payload"))?;
        let mut known = false;
        for pair in key_pairs(check.secrets, request.received_at)? {
            let own = signature
                .split('&')
                .filter_map(|text| text.trim().split_once('|'));
            let own: Vec<_> = own
                .filter(|(public_key, _)| *public_key == pair.public_key)
                .map(|(_, hex)| hex::decode(hex).unwrap_or_default())
                .collect();
            known |= !own.is_empty();
            // Form encoders on the way may have dropped the payload's last line break.
            let keys = [pair.key];
            if mac::any_match(&keys, &[payload.as_bytes()], &own)
                || mac::any_match(&keys, &[payload.as_bytes(), b"\n"], &own)
            {
                return Ok(Verified::SIGNED);
            }
        }
        Err(if known {
            SignatureError::BadSignature
        } else {
            SignatureError::UnknownKey
        })
    }

    fn answer_challenge(
        &self,
        request: &Request,
        secrets: &ProviderSecrets,
    ) -> Option<Result<String, SignatureError>> {
        let challenge = request.query("bt_challenge")?;
        let hexadecimal = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !(20..=32).contains(&challenge.len()) || !challenge.bytes().all(hexadecimal) {
            return Some(Err(SignatureError::MalformedChallenge));
        }
        Some(key_pairs(secrets, request.received_at).and_then(|pairs| {
            let pair = pairs.first().ok_or(mac::UNUSABLE)?;
            Ok(format!(
                "{}|{}",
                pair.public_key,
                hex::encode(mac::tag(&pair.key, &[challenge.as_bytes()]))
            ))
        }))
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let payload =
            form_field(request, "bt_payload").ok_or(MalformedBody::Field("bt_payload"))?;
        let compact: String = payload.split_ascii_whitespace().collect();
        let xml = mac::BASE64_KEY
            .decode(compact)
            .map_err(|_| MalformedBody::NotFormat("base64"))?;
        let xml = std::str::from_utf8(&xml).map_err(|_| MalformedBody::NotUtf8)?;
        let document = parse(xml).map_err(|_| MalformedBody::NotFormat("an XML document"))?;
        Ok(vec![read(document.root_element(), &payload)?])
    }

    /// The payload alone: the form around it and the list of signatures are not signed.
    fn event_parts(&self, request: &Request) -> Vec<String> {
        let payload = form_field(request, "bt_payload").into_iter();
        payload
            .map(|payload| payload.trim_end().to_owned())
            .collect()
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &[
            "transaction_settled",
            "transaction_settlement_declined",
            "transaction_disbursed",
            "dispute_opened",
        ]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let transaction = format!(
            "<transaction><id>{}</id><type>sale</type><currency-iso-code>{}</currency-iso-code><amount>{}</amount></transaction>",
            fields::sample_id(seed, "bt"),
            seed.money.currency,
            seed.money.decimal(),
        );
        let subject = match event_type {
            "dispute_opened" => {
                format!("<dispute><id>dp{}</id>{transaction}</dispute>", seed.nonce)
            }
            _ => transaction,
        };
        let xml = format!(
            "<notification><timestamp type=\"datetime\">{}</timestamp><kind>{event_type}</kind><subject>{subject}</subject></notification>",
            seed.now,
        );
        let payload = mac::BASE64.encode(xml) + "\n";
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("bt_payload", &payload)
            .finish();
        self.sample_types().contains(&event_type).then(|| Outgoing {
            headers: vec![(
                "Content-Type".into(),
                "application/x-www-form-urlencoded".into(),
            )],
            query: None,
            body: body.into_bytes(),
        })
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let unusable = || CannotSign::Secret(self.key());
        let pair = KeyPair::read(&secret.value).ok_or_else(unusable)?;
        let payload = field(&outgoing.body, "bt_payload").ok_or_else(unusable)?;
        let signature = hex::encode(mac::tag(&pair.key, &[payload.as_bytes()]));
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("bt_signature", &format!("{}|{signature}", pair.public_key))
            .append_pair("bt_payload", &payload)
            .finish();
        Ok(Outgoing {
            body: body.into_bytes(),
            ..outgoing
        })
    }
}

/// A configured pair: the public key names it, the private key signs.
struct KeyPair<'a> {
    public_key: &'a str,
    key: hmac::Key,
}

impl<'a> KeyPair<'a> {
    fn read(secret: &'a SecretValue) -> Option<KeyPair<'a>> {
        let public_key = secret.named("public_key").filter(|text| !text.is_empty())?;
        let private_key = secret
            .named("private_key")
            .filter(|text| !text.is_empty())?;
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, private_key.as_bytes());
        Some(KeyPair {
            public_key,
            key: mac::key_of_bytes(digest.as_ref(), Algorithm::Sha1)?,
        })
    }
}

fn key_pairs(secrets: &ProviderSecrets, at: Timestamp) -> Result<Vec<KeyPair<'_>>, SignatureError> {
    let pairs: Vec<_> = secrets.valid_at(at).filter_map(KeyPair::read).collect();
    if pairs.is_empty() {
        Err(mac::UNUSABLE)
    } else {
        Ok(pairs)
    }
}

fn form_field(request: &Request, name: &str) -> Option<String> {
    field(&request.body, name)
}

fn field(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form)
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.into_owned())
}

/// An XML document of bounded size; document types, and with them entities, are refused.
pub(crate) fn parse(xml: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(xml.trim_start(), options)
}

fn read(notification: Node<'_, '_>, payload: &str) -> Result<Report, MalformedBody> {
    let kind = text(notification, "kind").ok_or(MalformedBody::Field("kind"))?;
    let subject = child(notification, "subject").and_then(|subject| subject.first_element_child());
    // Disputes hold the transaction they are about.
    let transaction = subject.map(|subject| child(subject, "transaction").unwrap_or(subject));
    let payment_id = transaction.and_then(|transaction| text(transaction, "id"));
    // Braintree gives events no id: the same payload is the same event.
    let event_id = fields::digest_id(payload.trim_end().as_bytes());
    Ok(Report {
        occurred_ms: text(notification, "timestamp").and_then(fields::ms_of_rfc3339),
        provider_payment_id: payment_id.map_or_else(|| event_id.clone(), str::to_owned),
        money: transaction.map_or(Ok(None), money),
        claimed: status(kind),
        event_id,
        event_type: kind.to_owned(),
    })
}

/// The amount of a transaction, in webhooks as in the API.
pub(crate) fn money(transaction: Node<'_, '_>) -> Result<Option<Money>, MalformedBody> {
    let (Some(amount), Some(code)) = (
        text(transaction, "amount"),
        text(transaction, "currency-iso-code"),
    ) else {
        return Ok(None);
    };
    let wrong = |why| MalformedBody::Money {
        field: "amount",
        why,
    };
    let currency = Currency::parse(code).map_err(wrong)?;
    let exponent = currency.iso_exponent();
    Money::from_major(amount, currency, exponent)
        .map(Some)
        .map_err(wrong)
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// The text of a child element; empty text counts as absent.
pub(crate) fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?
        .text()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn status(kind: &str) -> Option<Status> {
    Some(match kind {
        "transaction_settled" => Status::Succeeded,
        "transaction_settlement_declined" => Status::Failed,
        "transaction_disbursed" => Status::Settled,
        "dispute_won" => Status::Succeeded,
        dispute if dispute.starts_with("dispute_") => Status::Disputed,
        _ => return None,
    })
}
