//! Any sender that signs the raw body with an HMAC. Signed: the body, or `{timestamp}.{body}` with `timestamp_header`;
//! header, prefix, hash and encoding come from infra.toml. Not one provider's scheme; GitHub's is an example, documented
//! at docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.

use jiff::Timestamp;
use serde_json::json;

use super::fields::{self};
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::event::Report;
use crate::json::{Json, MalformedBody};
use crate::mac::{self, BodySignature};
use crate::money::{Currency, Money};
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::{EventFields, Settings};
use crate::signature::{SignatureError, Window};

const HEADER: &str = "X-Signature";
const TOLERANCE: u32 = 300;

pub(super) struct GenericHmac;

impl Provider for GenericHmac {
    fn key(&self) -> &'static str {
        "generic_hmac"
    }

    fn recognises(&self, request: &Request, settings: &Settings) -> bool {
        request.headers.contains(header(settings))
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        let scheme = scheme(check.settings);
        let Some(timestamp_header) = check.settings.hmac.timestamp_header.as_deref() else {
            scheme.verify(request, check.secrets)?;
            return Ok(Verified::SIGNED);
        };
        let text = mac::single(request, timestamp_header)?;
        let signed_at = mac::unix_seconds(text).ok_or_else(|| {
            SignatureError::malformed(timestamp_header, "it is not a number of seconds")
        })?;
        scheme.verify_after(request, check.secrets, format!("{text}.").as_bytes())?;
        let tolerance = check.settings.tolerance_seconds.unwrap_or(TOLERANCE);
        Window::both(tolerance.into()).check(signed_at, request.now())?;
        Ok(Verified::SIGNED)
    }

    fn reports(&self, request: &Request, settings: &Settings) -> Reports {
        let digest = fields::digest_id(&request.body);
        let unread = Report {
            event_id: digest.clone(),
            event_type: "unknown".into(),
            occurred_ms: None,
            provider_payment_id: digest,
            money: Ok(None),
            claimed: None,
        };
        match Json::parse_object(&request.body) {
            Ok(body) => Ok(vec![read(body, &settings.event, unread)?]),
            // The sender is known and may sign anything: what is not a JSON object is kept, and means nothing.
            Err(MalformedBody::NotFormat(_) | MalformedBody::NotUtf8) => Ok(vec![unread]),
            Err(refused) => Err(refused),
        }
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
            "id": format!("evt_{}", seed.nonce),
            "type": event_type,
            "timestamp": seed.now.as_second(),
            "data": {
                "id": payment_id,
                "amount": seed.money.minor,
                "currency": seed.money.currency.as_str(),
                "status": event_type.strip_prefix("payment."),
            },
        });
        self.sample_types()
            .contains(&event_type)
            .then(|| Outgoing::json(&body))
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let seconds = now.as_second().to_string();
        let timestamp_header = settings.hmac.timestamp_header.as_deref();
        let front = timestamp_header
            .map(|_| format!("{seconds}."))
            .unwrap_or_default();
        let signature = scheme(settings)
            .sign(front.as_bytes(), &outgoing.body, &secret.value)
            .map_err(|_| CannotSign::Secret(self.key()))?;
        let signed = outgoing.with_header(header(settings), signature);
        Ok(match timestamp_header {
            Some(name) => signed.with_header(name, seconds),
            None => signed,
        })
    }
}

fn header(settings: &Settings) -> &str {
    settings.hmac.header.as_deref().unwrap_or(HEADER)
}

fn scheme(settings: &Settings) -> BodySignature<'_> {
    BodySignature {
        header: header(settings),
        prefix: settings.hmac.prefix.as_deref().unwrap_or_default(),
        algorithm: settings.hmac.algorithm.unwrap_or_default(),
        encoding: settings.hmac.encoding.unwrap_or_default(),
        key: settings.hmac.key_encoding.unwrap_or_default(),
    }
}

/// Fills in what the configured paths find in the body; what they do not find stays as it is.
fn read(body: Json<'_>, paths: &EventFields, unread: Report) -> Result<Report, MalformedBody> {
    let event_id = body.id_at(&paths.id).unwrap_or(unread.event_id);
    Ok(Report {
        provider_payment_id: body
            .id_at(&paths.payment_id)
            .unwrap_or_else(|| event_id.clone()),
        event_id,
        event_type: body.text_at(&paths.event_type).unwrap_or(unread.event_type),
        occurred_ms: body.at(&paths.time).and_then(time),
        money: money(body, paths),
        claimed: body
            .text_at(&paths.status)
            .and_then(|status| status.parse().ok()),
    })
}

fn money(body: Json<'_>, paths: &EventFields) -> Result<Option<Money>, MalformedBody> {
    let (Some(amount), Some(code)) = (body.id_at(&paths.amount), body.text_at(&paths.currency))
    else {
        return Ok(None);
    };
    let wrong = |why| MalformedBody::Money {
        field: "amount",
        why,
    };
    let currency = Currency::parse(&code).map_err(wrong)?;
    let exponent = currency.iso_exponent();
    Money::from_minor(&amount, currency, exponent)
        .map(Some)
        .map_err(wrong)
}

fn time(value: Json<'_>) -> Option<i64> {
    /// Seconds reach this in the year 5138, milliseconds passed it in 1973.
    const FIRST_MILLISECONDS: i64 = 100_000_000_000;
    match value.integer() {
        Some(ms) if ms >= FIRST_MILLISECONDS => Some(ms),
        Some(seconds) => fields::ms_of_seconds(seconds),
        None => fields::ms_of_rfc3339(&value.text()?),
    }
}
