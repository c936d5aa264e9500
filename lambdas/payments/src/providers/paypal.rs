//! PayPal. Signed: `{transmission id}|{transmission time}|{webhook id}|{CRC-32 of the raw body}`, RSA PKCS#1 v1.5 with SHA-256,
//! base64 in `PAYPAL-TRANSMISSION-SIG`; the certificate is at `PAYPAL-CERT-URL`, and the secret is the webhook's id. A checksum is
//! no hash: whoever has one signed webhook can fit another body to it, and only PayPal's API (`confirm`) tells the difference.
//! Documented at developer.paypal.com/api/rest/webhooks/rest (verify notifications yourself).

mod certificates;

use base64::Engine;
use webpki::EndEntityCert;
use webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256;

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
pub(crate) use certificates::{INTERMEDIATES, ROOTS};
use certificates::{cert_name, certificates, trust};

const ID: &str = "PAYPAL-TRANSMISSION-ID";
const TIME: &str = "PAYPAL-TRANSMISSION-TIME";
const SIGNATURE: &str = "PAYPAL-TRANSMISSION-SIG";
const CERT_URL: &str = "PAYPAL-CERT-URL";
const ALGORITHM: &str = "PAYPAL-AUTH-ALGO";

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
            money: resource.map_or(Ok(None), money),
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
        // After these the seller keeps the money.
        let kept = ["RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER"];
        let won =
            dispute == "RESOLVED" && outcome.is_some_and(|code| kept.contains(&code.as_str()));
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
