//! PayPal. Signed: `{transmission id}|{transmission time}|{webhook id}|{CRC-32 of the raw body}`, RSA PKCS#1 v1.5 with SHA-256,
//! base64 in `PAYPAL-TRANSMISSION-SIG`; the certificate is at `PAYPAL-CERT-URL`, and the secret is the webhook's id.
//! Documented at developer.paypal.com/api/rest/webhooks/rest (verify notifications yourself).

use std::time::Duration;

use base64::Engine;
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::fields::{self, Unit};
use super::keys::{FetchedKey, KeyRequest};
use super::{Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::{Report, Status};
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::money::{Currency, Money};
use crate::request::Request;
use crate::secret::SecretValue;
use crate::settings::Settings;
use crate::signature::SignatureError;

const ID: &str = "PAYPAL-TRANSMISSION-ID";
const TIME: &str = "PAYPAL-TRANSMISSION-TIME";
const SIGNATURE: &str = "PAYPAL-TRANSMISSION-SIG";
const CERT_URL: &str = "PAYPAL-CERT-URL";
const ALGORITHM: &str = "PAYPAL-AUTH-ALGO";

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
pub(super) const ROOTS: &str = include_str!("paypal_roots.pem");
/// A chain is a leaf and one or two intermediates.
const MAX_CERTIFICATES: usize = 8;

pub(super) struct Paypal;

impl Provider for Paypal {
    fn key(&self) -> &'static str {
        "paypal"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request.headers.contains(SIGNATURE)
    }

    fn key_request(&self, request: &Request) -> Result<Option<KeyRequest>, SignatureError> {
        let sent = Sent::read(request)?;
        Ok(Some(KeyRequest::PaypalCertificate {
            url: sent.cert_url.to_owned(),
        }))
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let sent = Sent::read(request)?;
        let Some(FetchedKey::Certificates { chain, roots }) = check.fetched else {
            return Err(SignatureError::CertUntrusted);
        };
        let chain = certificates(chain)?;
        let (leaf, intermediates) = chain.split_first().ok_or(SignatureError::CertUntrusted)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|_| SignatureError::CertUntrusted)?;
        trust(
            &leaf,
            intermediates,
            &certificates(roots)?,
            sent.cert_name,
            request.received_at,
        )?;
        let mut webhook_ids = check
            .secrets
            .valid_at(request.received_at)
            .filter_map(SecretValue::text)
            .filter(|id| !id.is_empty())
            .peekable();
        if webhook_ids.peek().is_none() {
            return Err(mac::UNUSABLE);
        }
        let mut crc = flate2::Crc::new();
        crc.update(&request.body);
        let good = webhook_ids.any(|webhook_id| {
            let text = format!("{}|{}|{webhook_id}|{}", sent.id, sent.time, crc.sum());
            leaf.verify_signature(RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &sent.signature)
                .is_ok()
        });
        if good {
            Ok(Verified::SIGNED)
        } else {
            Err(SignatureError::BadSignature)
        }
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let body = Json::parse_object(&request.body)?;
        let event_id = fields::required(body, "id")?;
        let event_type = fields::required(body, "event_type")?;
        let resource = body.get("resource");
        Ok(vec![Report {
            occurred_ms: fields::ms_at(body, "create_time"),
            provider_payment_id: resource
                .and_then(payment_id)
                .unwrap_or_else(|| event_id.clone()),
            money: resource.map_or(Ok(None), money)?,
            claimed: status(&event_type, resource),
            event_id,
            event_type,
        }])
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["PAYMENT.CAPTURE.COMPLETED"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let now = seed.now.to_string();
        let body = serde_json::json!({
            "id": format!("WH-{}", seed.nonce), "event_version": "1.0", "create_time": now, "resource_type": "capture",
            "resource_version": "2.0", "event_type": event_type, "summary": "payhook test",
            "resource": {
                "id": fields::sample_id(seed, "CAP"), "status": "COMPLETED", "final_capture": true,
                "amount": {"value": seed.money.decimal(), "currency_code": seed.money.currency.as_str()},
                "supplementary_data": {"related_ids": {"order_id": format!("ORD{}", seed.nonce)}},
                "create_time": now, "update_time": now,
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }
}

/// What the headers say, once the certificate's address is known to be PayPal's.
struct Sent<'r> {
    id: &'r str,
    time: &'r str,
    signature: Vec<u8>,
    cert_url: &'r str,
    cert_name: &'static str,
}

impl<'r> Sent<'r> {
    fn read(request: &'r Request) -> Result<Sent<'r>, SignatureError> {
        let (id, time) = (mac::single(request, ID)?, mac::single(request, TIME)?);
        let (signature, cert_url) = (
            mac::single(request, SIGNATURE)?,
            mac::single(request, CERT_URL)?,
        );
        if mac::single(request, ALGORITHM)? != "SHA256withRSA" {
            return Err(SignatureError::UnsupportedAlg);
        }
        let cert_name = cert_name(cert_url).ok_or(SignatureError::CertUrlNotAllowed)?;
        let signature = mac::BASE64
            .decode(signature)
            .map_err(|_| SignatureError::malformed(SIGNATURE, "it is not base64"))?;
        Ok(Sent {
            id,
            time,
            signature,
            cert_url,
            cert_name,
        })
    }
}

/// The name on the certificates of an address; `None` unless the address is exactly of a known place and a plain file name.
///
/// The header is not to be trusted before the certificate is, and an address that parsers read differently must not pass.
fn cert_name(url: &str) -> Option<&'static str> {
    CERT_PLACES.into_iter().find_map(|(place, name)| {
        let file = url.strip_prefix(place)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        ((1..=128).contains(&file.len()) && file.bytes().all(plain)).then_some(name)
    })
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, SignatureError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(MAX_CERTIFICATES)
        .collect::<Result<_, _>>()
        .map_err(|_| SignatureError::CertUntrusted)
}

/// Checks that the leaf is PayPal's: chained to a root, valid now, and of the right name.
fn trust(
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
    let name = ServerName::try_from(name).map_err(|_| SignatureError::CertUntrusted)?;
    leaf.verify_is_valid_for_subject_name(&name)
        .map_err(|_| SignatureError::CertUntrusted)
}

/// The payment that a resource belongs to: refunds link up to their capture, disputes name theirs.
fn payment_id(resource: Json<'_>) -> Option<String> {
    let up = resource
        .get("links")
        .and_then(Json::items)
        .and_then(|links| {
            let up = links
                .into_iter()
                .find(|link| link.text_at("rel").as_deref() == Some("up"))?;
            let (_, id) = up
                .text_at("href")?
                .rsplit_once("/payments/captures/")
                .map(|(a, b)| (a.len(), b.to_owned()))?;
            Some(id)
        });
    let disputed = || {
        resource
            .get("disputed_transactions")?
            .items()?
            .first()?
            .text_at("seller_transaction_id")
    };
    up.or_else(disputed)
        .or_else(|| resource.id_at("sale_id"))
        .or_else(|| resource.id_at("id"))
}

/// v2 writes `value` and `currency_code`, v1 `total` and `currency`, disputes `dispute_amount`.
fn money(resource: Json<'_>) -> Result<Option<Money>, MalformedBody> {
    let shapes = [
        ("amount.value", "amount.currency_code"),
        ("amount.total", "amount.currency"),
        ("dispute_amount.value", "dispute_amount.currency_code"),
    ];
    for (amount, currency) in shapes {
        if let Some(money) = fields::money(resource, amount, currency, Unit::Major, exponent)? {
            return Ok(Some(money));
        }
    }
    Ok(None)
}

/// PayPal knows three currencies without decimals (developer.paypal.com/api/rest/reference/currency-codes).
pub(crate) fn exponent(currency: &Currency) -> u8 {
    match currency.as_str() {
        "HUF" | "JPY" | "TWD" => 0,
        _ => 2,
    }
}

fn status(event_type: &str, resource: Option<Json<'_>>) -> Option<Status> {
    if let Some(dispute) = event_type.strip_prefix("CUSTOMER.DISPUTE.") {
        let outcome =
            resource.and_then(|resource| resource.text_at("dispute_outcome.outcome_code"));
        let won = dispute == "RESOLVED" && outcome.as_deref() == Some("RESOLVED_SELLER_FAVOUR");
        return Some(if won {
            Status::Succeeded
        } else {
            Status::Disputed
        });
    }
    Some(match event_type {
        "PAYMENT.CAPTURE.PENDING" | "PAYMENT.SALE.PENDING" => Status::Pending,
        "CHECKOUT.ORDER.APPROVED" | "PAYMENT.AUTHORIZATION.CREATED" => Status::Authorised,
        "PAYMENT.CAPTURE.COMPLETED" | "PAYMENT.SALE.COMPLETED" => Status::Succeeded,
        "PAYMENT.CAPTURE.DENIED" | "PAYMENT.CAPTURE.DECLINED" | "PAYMENT.SALE.DENIED" => {
            Status::Failed
        }
        "PAYMENT.AUTHORIZATION.VOIDED" | "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => Status::Canceled,
        "PAYMENT.CAPTURE.REFUNDED"
        | "PAYMENT.CAPTURE.REVERSED"
        | "PAYMENT.SALE.REFUNDED"
        | "PAYMENT.SALE.REVERSED" => Status::Refunded,
        _ => return None,
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
