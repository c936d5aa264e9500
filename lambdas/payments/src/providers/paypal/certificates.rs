//! Which certificates are PayPal's: where they come from, what they chain to, what they are called.

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::signature::SignatureError;

/// Where certificates may come from, and the name that each place's certificates carry.
const CERT_PLACES: [(&str, &str); 4] = [
    ("https://api.paypal.com/v1/notifications/certs/", LIVE),
    ("https://api-m.paypal.com/v1/notifications/certs/", LIVE),
    (
        "https://api.sandbox.paypal.com/v1/notifications/certs/",
        SANDBOX,
    ),
    (
        "https://api-m.sandbox.paypal.com/v1/notifications/certs/",
        SANDBOX,
    ),
];
const LIVE: &str = "messageverificationcerts.paypal.com";
const SANDBOX: &str = "messageverificationcerts.sandbox.paypal.com";

/// The roots that PayPal's certificates are issued under.
pub(crate) const ROOTS: &str = include_str!("roots.pem");
/// What stands between these roots and PayPal's certificates, for an address that answers with its certificate alone.
pub(crate) const INTERMEDIATES: &str = include_str!("intermediates.pem");
/// A chain is a leaf and one or two intermediates.
const MAX_CERTIFICATES: usize = 8;

/// The name on the certificates of an address; `None` unless the address is exactly of a known place and a plain file name.
///
/// The header is not to be trusted before the certificate is, and an address that parsers read differently must not pass.
pub(super) fn cert_name(url: &str) -> Option<&'static str> {
    CERT_PLACES.into_iter().find_map(|(place, name)| {
        let file = url.strip_prefix(place)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        ((1..=128).contains(&file.len()) && file.bytes().all(plain)).then_some(name)
    })
}

pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, SignatureError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(MAX_CERTIFICATES)
        .collect::<Result<_, _>>()
        .map_err(|_| SignatureError::CertUntrusted)
}

/// Checks that the leaf is PayPal's: chained to a root, valid now, and of the right name.
pub(super) fn trust(
    leaf: &EndEntityCert<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    name: &'static str,
    at: Timestamp,
) -> Result<(), SignatureError> {
    let anchors: Vec<TrustAnchor<'_>> = roots
        .iter()
        .filter_map(|root| anchor_from_trusted_cert(root).ok())
        .collect();
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let algorithms = [
        RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512,
    ];
    leaf.verify_for_usage(
        &algorithms,
        &anchors,
        intermediates,
        at,
        KeyUsage::server_auth(),
        None,
        None,
    )
    .map_err(|error| match error {
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
            SignatureError::CertExpired
        }
        _ => SignatureError::CertUntrusted,
    })?;
    if is_named(leaf, name) {
        Ok(())
    } else {
        Err(SignatureError::CertUntrusted)
    }
}

/// Whether a certificate is of this name: by its alternative names or, where it has none of them, its one common name.
fn is_named(leaf: &EndEntityCert<'_>, name: &'static str) -> bool {
    if leaf.valid_dns_names().next().is_none() {
        return matches!(common_names(leaf.subject())[..], [only] if only == name.as_bytes());
    }
    ServerName::try_from(name)
        .is_ok_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok())
}

/// The common names in a subject: sets of sequences of an object identifier and a text (RFC 5280, section 4.1.2.4).
fn common_names(subject: &[u8]) -> Vec<&[u8]> {
    /// The object identifier 2.5.4.3.
    const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
    let pairs = parts(subject).flat_map(parts);
    let pair = |pair| {
        let mut of_pair = parts(pair);
        Some((of_pair.next()?, of_pair.next()?))
    };
    let common = |(kind, text)| (kind == COMMON_NAME).then_some(text);
    pairs.filter_map(pair).filter_map(common).collect()
}

/// The contents of the DER elements that stand one after the other, up to the first that is none.
fn parts(mut der: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&[_, length], rest) = der.split_first_chunk::<2>()?;
        // Longer lengths have their own form; no part of a name that matters here is that long.
        let (length, rest) = match length {
            0x81 => rest.split_first().map(|(length, rest)| (*length, rest))?,
            0x80.. => return None,
            length => (length, rest),
        };
        let (content, rest) = rest.split_at_checked(length.into())?;
        der = rest;
        Some(content)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paypals_own_certificate_addresses_are_ever_fetched() {
        let refused = [
            "",
            "https://api.paypal.com/v1/notifications/certs/",
            "http://api.paypal.com/v1/notifications/certs/CERT-1",
            "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com./v1/notifications/certs/CERT-1",
            "https://www.paypal.com/v1/notifications/certs/CERT-1",
            "https://evilpaypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
            "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/../../oauth2/token",
            "https://api.paypal.com/v1/notifications/certs/%2e%2e/x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1?next=x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1/more",
            "https://api.paypal.com/v1/notifications/certs/CERT\n1",
            "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
        ];
        for url in refused {
            assert_eq!(cert_name(url), None, "{url}");
        }
        assert_eq!(
            cert_name("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594"),
            Some(LIVE)
        );
        assert_eq!(
            cert_name("https://api.sandbox.paypal.com/v1/notifications/certs/CERT_1"),
            Some(SANDBOX)
        );
    }

    /// The certificate that Paypal's Java SDK is tested with, from the recorded vectors.
    fn published() -> CertificateDer<'static> {
        let vectors = include_str!("../../../../../tests/vectors/provider-vectors.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).expect("vectors");
        let vector = vectors
            .into_iter()
            .find(|vector| vector["id"] == "paypal-01")
            .expect("a vector");
        let certs = vector["certs"].as_object().expect("certificates");
        let pem = certs.values().next().and_then(serde_json::Value::as_str);
        certificates(pem.expect("a certificate"))
            .expect("certificates")
            .remove(0)
    }

    #[test]
    fn a_certificate_without_its_chain_is_trusted_through_what_is_bundled() {
        let (leaf, roots) = (published(), certificates(ROOTS).expect("certificates"));
        let leaf = EndEntityCert::try_from(&leaf).expect("a certificate");
        let intermediates = certificates(INTERMEDIATES).expect("certificates");
        assert_eq!(intermediates.len(), 2);
        let then = "2017-04-01T00:00:00Z".parse().expect("a time");
        let trusted = |intermediates: &[_], name, at| trust(&leaf, intermediates, &roots, name, at);
        assert_eq!(trusted(&intermediates, SANDBOX, then), Ok(()));
        assert_eq!(
            trusted(&[], SANDBOX, then),
            Err(SignatureError::CertUntrusted)
        );
        assert_eq!(
            trusted(&intermediates, LIVE, then),
            Err(SignatureError::CertUntrusted)
        );
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        assert_eq!(
            trusted(&intermediates, SANDBOX, now),
            Err(SignatureError::CertExpired)
        );
    }

    #[test]
    fn a_common_name_is_found_among_the_other_parts_of_a_subject() {
        let part = |kind: u8, text: &[u8]| {
            let length = |more: usize| u8::try_from(text.len() + more).expect("short");
            let mut part = vec![
                0x31,
                length(9),
                0x30,
                length(7),
                6,
                3,
                0x55,
                4,
                kind,
                0x0c,
                length(0),
            ];
            part.extend_from_slice(text);
            part
        };
        let subject = [part(6, b"US"), part(3, b"a.example"), part(10, b"Org")].concat();
        assert_eq!(common_names(&subject), [b"a.example"]);
        for cut in 0..subject.len() {
            assert!(common_names(&subject[..cut]).len() <= 1);
        }
        let twice = [part(3, b"a.example"), part(3, b"b.example")].concat();
        assert_eq!(common_names(&twice).len(), 2);
    }

    #[test]
    fn the_common_name_counts_where_a_certificate_has_no_alternative_names() {
        let of_test = certificates(include_str!("test_names.pem")).expect("certificates");
        let (root, leaves) = of_test.split_at(1);
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let named = |name| {
            let trusted = leaves.iter().map(|leaf| {
                let leaf = EndEntityCert::try_from(leaf).expect("a certificate");
                trust(&leaf, &[], root, name, now).is_ok()
            });
            trusted.collect::<Vec<_>>()
        };
        assert_eq!(named(LIVE), [true, true, false, false]);
        assert_eq!(named(SANDBOX), [false; 4]);
    }

    #[test]
    fn every_bundled_root_is_usable() {
        let roots = certificates(ROOTS).expect("certificates");
        assert_eq!(roots.len(), 4);
        assert!(
            roots
                .iter()
                .all(|root| anchor_from_trusted_cert(root).is_ok())
        );
    }
}
