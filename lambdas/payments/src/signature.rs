//! Why a webhook is not believed.

use crate::json::MalformedBody;

/// The reason a request was not accepted as coming from its provider.
///
/// No text carries anything of the request or of a secret but names of headers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error(
        "header {0} is missing; the sender is not the provider, or something in between drops the header"
    )]
    MissingHeader(String),
    #[error(
        "the body carries no signature; switch on HMAC signatures in the provider's webhook settings"
    )]
    MissingSignature,
    #[error("header {header} is malformed: {why}")]
    MalformedHeader { header: String, why: &'static str },
    #[error(transparent)]
    MalformedBody(#[from] MalformedBody),
    #[error("the endpoint challenge is not a hexadecimal text")]
    MalformedChallenge,
    #[error(
        "no signature matches any configured secret; the secret is not this endpoint's, or the body was changed on the way"
    )]
    BadSignature,
    #[error(
        "the signed timestamp is {age} s old and {tolerance} s are allowed; a replay, or a clock is wrong"
    )]
    StaleTimestamp { age: i64, tolerance: i64 },
    #[error(
        "the signed timestamp is {ahead} s in the future and {tolerance} s are allowed; a clock is wrong"
    )]
    FutureTimestamp { ahead: i64, tolerance: i64 },
    #[error("none of the signatures uses a scheme that the configured secrets can verify")]
    UnsupportedScheme,
    #[error("the signature algorithm is not one that this provider documents")]
    UnsupportedAlg,
    #[error("the signature names a key that is not configured or not the provider's")]
    UnknownKey,
    #[error("the provider has withdrawn the key that made this signature")]
    KeyExpired,
    #[error("the configuration of this provider cannot verify anything: {0}")]
    BadSecretConfig(&'static str),
    #[error("the body is not the one whose hash was signed; something on the way changed it")]
    BodyHashMismatch,
    #[error("the certificate address is not one of the provider's; nothing was fetched")]
    CertUrlNotAllowed,
    #[error("the certificate is not the provider's or does not chain to a trusted root")]
    CertUntrusted,
    #[error("the certificate is outside its validity period")]
    CertExpired,
    #[error(
        "nothing in this request is signed; it may only be believed after asking the provider's API"
    )]
    FetchBackRequired,
}

impl SignatureError {
    /// The stable name of the reason, for logs, metrics and `signature check`.
    pub fn kind(&self) -> &'static str {
        match self {
            SignatureError::MissingHeader(_) => "missing_header",
            SignatureError::MissingSignature => "missing_signature",
            SignatureError::MalformedHeader { .. } => "malformed_header",
            SignatureError::MalformedBody(_) => "malformed_body",
            SignatureError::MalformedChallenge => "malformed_challenge",
            SignatureError::BadSignature => "bad_signature",
            SignatureError::StaleTimestamp { .. } => "stale_timestamp",
            SignatureError::FutureTimestamp { .. } => "future_timestamp",
            SignatureError::UnsupportedScheme => "unsupported_scheme",
            SignatureError::UnsupportedAlg => "unsupported_alg",
            SignatureError::UnknownKey => "unknown_key",
            SignatureError::KeyExpired => "key_expired",
            SignatureError::BadSecretConfig(_) => "bad_secret_config",
            SignatureError::BodyHashMismatch => "body_hash_mismatch",
            SignatureError::CertUrlNotAllowed => "cert_url_not_allowed",
            SignatureError::CertUntrusted => "cert_untrusted",
            SignatureError::CertExpired => "cert_expired",
            SignatureError::FetchBackRequired => "fetch_back_required",
        }
    }

    pub(crate) fn missing(header: &str) -> SignatureError {
        SignatureError::MissingHeader(header.to_owned())
    }

    pub(crate) fn malformed(header: &str, why: &'static str) -> SignatureError {
        SignatureError::MalformedHeader {
            header: header.to_owned(),
            why,
        }
    }
}

/// How far a signed timestamp may be from now, in seconds; both limits are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub past: i64,
    pub future: i64,
}

impl Window {
    /// The same distance in both directions.
    pub fn both(seconds: i64) -> Window {
        Window {
            past: seconds,
            future: seconds,
        }
    }

    /// Checks a signed timestamp against the clock, both in seconds since 1970.
    pub fn check(self, signed: i64, now: i64) -> Result<(), SignatureError> {
        let age = now.saturating_sub(signed);
        if age > self.past {
            return Err(SignatureError::StaleTimestamp {
                age,
                tolerance: self.past,
            });
        }
        let ahead = signed.saturating_sub(now);
        if ahead > self.future {
            return Err(SignatureError::FutureTimestamp {
                ahead,
                tolerance: self.future,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_includes_its_ends_and_survives_extreme_times() {
        let window = Window::both(300);
        assert_eq!(window.check(1000, 1300), Ok(()));
        assert_eq!(window.check(1300, 1000), Ok(()));
        assert_eq!(
            window.check(1000, 1301).map_err(|e| e.kind()),
            Err("stale_timestamp")
        );
        assert_eq!(
            window.check(1301, 1000).map_err(|e| e.kind()),
            Err("future_timestamp")
        );
        assert_eq!(
            window.check(i64::MIN, i64::MAX).map_err(|e| e.kind()),
            Err("stale_timestamp")
        );
        assert_eq!(
            window.check(i64::MAX, i64::MIN).map_err(|e| e.kind()),
            Err("future_timestamp")
        );
    }
}
