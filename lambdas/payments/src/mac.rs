//! HMAC signatures over the raw body, as most providers use them: keys, tags, decoding, comparison.

use aws_lc_rs::constant_time;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;

use crate::request::Request;
use crate::secret::{ProviderSecrets, SecretValue};
use crate::settings::{Algorithm, Encoding, KeyEncoding};
use crate::signature::SignatureError;

/// Standard base64 as signatures use it: padded, canonical, nothing else.
pub(crate) const BASE64: GeneralPurpose = base64::engine::general_purpose::STANDARD;

/// Base64 as people paste keys: padded or not.
pub(crate) const BASE64_KEY: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One signature of the raw body in one header.
pub(crate) struct BodySignature<'a> {
    pub header: &'a str,
    /// Text in front of the signature, required when not empty.
    pub prefix: &'a str,
    pub algorithm: Algorithm,
    pub encoding: Encoding,
    pub key: KeyEncoding,
}

impl<'a> BodySignature<'a> {
    /// What most providers do: HMAC-SHA256 in hexadecimal, keyed with the secret's text.
    pub(crate) const fn in_header(header: &'a str) -> BodySignature<'a> {
        BodySignature {
            header,
            prefix: "",
            algorithm: Algorithm::Sha256,
            encoding: Encoding::Hex,
            key: KeyEncoding::Text,
        }
    }

    /// Accepts the request if its header holds the HMAC of the body under any accepted secret.
    pub(crate) fn verify(
        &self,
        request: &Request,
        secrets: &ProviderSecrets,
    ) -> Result<(), SignatureError> {
        self.verify_after(request, secrets, b"")
    }

    /// As [`verify`](Self::verify), with bytes that are signed in front of the body.
    pub(crate) fn verify_after(
        &self,
        request: &Request,
        secrets: &ProviderSecrets,
        front: &[u8],
    ) -> Result<(), SignatureError> {
        let text = single(request, self.header)?;
        let text = text.strip_prefix(self.prefix).ok_or_else(|| {
            SignatureError::malformed(self.header, "it does not start with the expected prefix")
        })?;
        let signature = self.decode(text)?;
        let keys = keys(secrets, request.received_at, self.algorithm, self.key)?;
        if any_match(&keys, &[front, &request.body], &[signature]) {
            Ok(())
        } else {
            Err(SignatureError::BadSignature)
        }
    }

    /// The header value that a sender with this secret would set.
    pub(crate) fn sign(
        &self,
        front: &[u8],
        body: &[u8],
        secret: &SecretValue,
    ) -> Result<String, SignatureError> {
        let key = key(secret, self.algorithm, self.key).ok_or(UNUSABLE)?;
        let tag = tag(&key, &[front, body]);
        let text = match self.encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => BASE64.encode(tag),
        };
        Ok(format!("{}{text}", self.prefix))
    }

    fn decode(&self, text: &str) -> Result<Vec<u8>, SignatureError> {
        match self.encoding {
            Encoding::Hex => hex::decode(text)
                .ok()
                .filter(|bytes| bytes.len() == length(self.algorithm))
                .ok_or_else(|| {
                    SignatureError::malformed(
                        self.header,
                        "it is not a hexadecimal hash of the right length",
                    )
                }),
            Encoding::Base64 => BASE64
                .decode(text)
                .map_err(|_| SignatureError::malformed(self.header, "it is not base64")),
        }
    }
}

/// Accepts the request if a header equals any accepted secret: a shared token, which covers nothing of the body.
pub(crate) fn verify_token(
    request: &Request,
    header: &str,
    secrets: &ProviderSecrets,
) -> Result<(), SignatureError> {
    let token = single(request, header)?;
    let accepted = |secret: &&str| !secret.is_empty();
    let mut accepted = secrets
        .valid_at(request.received_at)
        .filter_map(SecretValue::text)
        .filter(accepted)
        .peekable();
    if accepted.peek().is_none() {
        return Err(UNUSABLE);
    }
    if accepted.any(|secret| same(secret.as_bytes(), token.as_bytes())) {
        Ok(())
    } else {
        Err(SignatureError::BadSignature)
    }
}

pub(crate) const UNUSABLE: SignatureError = SignatureError::BadSecretConfig(
    "no signing secret is set, valid now and in the form the provider issues",
);

/// The one value of a header that may be there once.
pub(crate) fn single<'r>(request: &'r Request, header: &str) -> Result<&'r str, SignatureError> {
    if !request.headers.contains(header) {
        return Err(SignatureError::missing(header));
    }
    request
        .headers
        .single(header)
        .ok_or_else(|| SignatureError::malformed(header, "it is repeated with another value"))
}

/// A signed timestamp in seconds since 1970: digits, no sign but a minus.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Every usable key among the secrets accepted at this time; an error if there is none.
pub(crate) fn keys(
    secrets: &ProviderSecrets,
    at: Timestamp,
    algorithm: Algorithm,
    encoding: KeyEncoding,
) -> Result<Vec<hmac::Key>, SignatureError> {
    let keys: Vec<_> = secrets
        .valid_at(at)
        .filter_map(|secret| key(secret, algorithm, encoding))
        .collect();
    if keys.is_empty() {
        Err(UNUSABLE)
    } else {
        Ok(keys)
    }
}

/// The key that a secret text stands for; `None` if it is empty or not in the given encoding.
pub(crate) fn key(
    secret: &SecretValue,
    algorithm: Algorithm,
    encoding: KeyEncoding,
) -> Option<hmac::Key> {
    let text = secret.text()?;
    let bytes = match encoding {
        KeyEncoding::Text => zeroize::Zeroizing::new(text.as_bytes().to_vec()),
        KeyEncoding::Hex => zeroize::Zeroizing::new(hex::decode(text).ok()?),
        KeyEncoding::Base64 => zeroize::Zeroizing::new(BASE64_KEY.decode(text).ok()?),
    };
    key_of_bytes(&bytes, algorithm)
}

/// The key of the given bytes; `None` if there are none, since everybody knows that key.
pub(crate) fn key_of_bytes(bytes: &[u8], algorithm: Algorithm) -> Option<hmac::Key> {
    let hash = match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    (!bytes.is_empty()).then(|| hmac::Key::new(hash, bytes))
}

/// The HMAC of the parts one after the other.
pub(crate) fn tag(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// Whether any signature is the HMAC of the parts under any key; one hash per key, compared in constant time.
pub(crate) fn any_match(keys: &[hmac::Key], parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
    keys.iter().any(|key| {
        let expected = tag(key, parts);
        signatures
            .iter()
            .any(|signature| same(expected.as_ref(), signature))
    })
}

/// Compares in constant time; texts of different length differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn length(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Sha1 => 20,
        Algorithm::Sha256 => 32,
        Algorithm::Sha512 => 64,
    }
}
