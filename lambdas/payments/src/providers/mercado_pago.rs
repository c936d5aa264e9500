//! Mercado Pago. Signed: `id:{data.id};request-id:{x-request-id};ts:{ts};` without the pairs that have no value, HMAC-SHA256
//! in hexadecimal in `x-signature: ts=..,v1=..`; the key is the secret's text. The body is not covered: fetch back.
//! Documented at mercadopago.com/developers/en/docs/your-integrations/notifications/webhooks.

use jiff::Timestamp;
use serde_json::json;

use super::fields;
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::Report;
use crate::json::{Json, MalformedBody};
use crate::mac;
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::{Algorithm, KeyEncoding, Settings};
use crate::signature::{SignatureError, Window};

const HEADER: &str = "x-signature";
const REQUEST_ID: &str = "x-request-id";
const DATA_ID: &str = "data.id";
/// Timestamps from here on count milliseconds: as seconds it would be the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

pub(super) struct MercadoPago;

impl Provider for MercadoPago {
    fn key(&self) -> &'static str {
        "mercado_pago"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        request
            .headers
            .single(HEADER)
            .is_some_and(|value| Header::parse(value).is_ok())
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let header = Header::parse(mac::single(request, HEADER)?)?;
        let request_id = match request.headers.contains(REQUEST_ID) {
            true => Some(mac::single(request, REQUEST_ID)?),
            false => None,
        };
        let keys = mac::keys(
            check.secrets,
            request.received_at,
            Algorithm::Sha256,
            KeyEncoding::Text,
        )?;
        let data_id = request.query(DATA_ID).filter(|id| !id.is_empty());
        // A value with a semicolon could pose as two, and a captured signature serve for another payment.
        if [data_id, request_id]
            .into_iter()
            .flatten()
            .any(|value| value.contains(';'))
        {
            return Err(SignatureError::BadSignature);
        }
        // The documentation lower-cases alphanumeric ids, the current SDKs do not: senders of both kinds exist.
        let lower = data_id.map(str::to_lowercase);
        let good = [data_id, lower.as_deref()].into_iter().any(|id| {
            let text = signed_text(id, request_id, header.timestamp_text);
            mac::any_match(&keys, &[text.as_bytes()], &header.signatures)
        });
        if !good {
            return Err(SignatureError::BadSignature);
        }
        if let Some(tolerance) = check.settings.tolerance_seconds {
            Window::both(tolerance.into()).check(header.seconds(), request.now())?;
        }
        Ok(Verified::SENDER_ONLY)
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        let body = Json::parse_object(&request.body)?;
        // The id of the query is signed, the body's is not.
        let signed_id = request
            .query(DATA_ID)
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        let payment_id = signed_id
            .or_else(|| body.id_at("data.id"))
            .ok_or(MalformedBody::Field("data.id"))?;
        let event_type = body
            .text_at("action")
            .or_else(|| body.text_at("type"))
            .unwrap_or_else(|| "unknown".into());
        let notification = body.id_at("id").unwrap_or_default();
        Ok(vec![Report {
            event_id: format!("{notification}:{event_type}:{payment_id}"),
            occurred_ms: fields::ms_at(body, "date_created"),
            provider_payment_id: payment_id,
            // Amount and status are only in the API.
            money: Ok(None),
            claimed: None,
            event_type,
        }])
    }

    fn only_api_knows(&self, event_type: &str) -> bool {
        event_type.starts_with("payment")
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["payment.updated", "payment.created"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let payment_id = fields::sample_id(seed, "mp").to_lowercase();
        let body = json!({
            "action": event_type, "api_version": "v1", "data": {"id": payment_id}, "date_created": seed.now.to_string(),
            "id": format!("n-{}", seed.nonce), "live_mode": false, "type": "payment", "user_id": "44444",
        });
        let mut outgoing =
            Outgoing::json(&body).with_header(REQUEST_ID, format!("request-{}", seed.nonce));
        outgoing.query = Some(format!("{DATA_ID}={payment_id}&type=payment"));
        self.sample_types()
            .contains(&event_type)
            .then_some(outgoing)
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        _settings: &Settings,
        now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let key = mac::key(&secret.value, Algorithm::Sha256, KeyEncoding::Text)
            .ok_or(CannotSign::Secret(self.key()))?;
        let query = outgoing.query.as_deref().unwrap_or_default();
        let data_id = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == DATA_ID)
            .map(|(_, id)| id);
        let request_id = outgoing
            .headers
            .iter()
            .find(|(name, _)| name == REQUEST_ID)
            .map(|(_, id)| id.as_str());
        let timestamp = now.as_millisecond().to_string();
        let text = signed_text(data_id.as_deref(), request_id, &timestamp);
        let signature = hex::encode(mac::tag(&key, &[text.as_bytes()]));
        Ok(outgoing.with_header(HEADER, format!("ts={timestamp},v1={signature}")))
    }
}

fn signed_text(data_id: Option<&str>, request_id: Option<&str>, timestamp: &str) -> String {
    let id = data_id.map(|id| format!("id:{id};")).unwrap_or_default();
    let request_id = request_id
        .map(|id| format!("request-id:{id};"))
        .unwrap_or_default();
    format!("{id}{request_id}ts:{timestamp};")
}

/// The parts of `x-signature`.
struct Header<'r> {
    timestamp: i64,
    timestamp_text: &'r str,
    /// Every `v1`; one that is not hexadecimal is kept as bytes that match nothing.
    signatures: Vec<Vec<u8>>,
}

impl<'r> Header<'r> {
    fn parse(text: &'r str) -> Result<Header<'r>, SignatureError> {
        let (mut timestamps, mut signatures, mut other_versions) = (Vec::new(), Vec::new(), false);
        for (name, value) in text
            .split(',')
            .filter_map(|item| item.trim().split_once('='))
        {
            match name.trim_end() {
                "ts" => timestamps.push(value.trim()),
                "v1" => signatures.push(hex::decode(value.trim()).unwrap_or_default()),
                name => other_versions |= name.starts_with('v'),
            }
        }
        let [timestamp_text] = timestamps[..] else {
            return Err(SignatureError::malformed(
                HEADER,
                "it has not exactly one timestamp `ts`",
            ));
        };
        let timestamp = mac::unix_seconds(timestamp_text)
            .ok_or_else(|| SignatureError::malformed(HEADER, "its timestamp is not a number"))?;
        match (signatures.is_empty(), other_versions) {
            (true, true) => Err(SignatureError::UnsupportedScheme),
            (true, false) => Err(SignatureError::malformed(
                HEADER,
                "it has no signature `v1`",
            )),
            _ => Ok(Header {
                timestamp,
                timestamp_text,
                signatures,
            }),
        }
    }

    fn seconds(&self) -> i64 {
        if self.timestamp >= FIRST_MILLISECONDS {
            self.timestamp / 1000
        } else {
            self.timestamp
        }
    }
}
