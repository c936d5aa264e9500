//! Klarna order push. Signed: nothing; the order id comes in the query as `klarna_order_id` with an empty body, and the
//! order is fetched back. Documented at docs.klarna.com/klarna-payments/order-management (push notifications).

use jiff::Timestamp;

use super::fields;
use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::json::MalformedBody;
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signature::SignatureError;

const PARAMETER: &str = "klarna_order_id";

pub(super) struct Klarna;

impl Provider for Klarna {
    fn key(&self) -> &'static str {
        "klarna"
    }

    fn recognises(&self, request: &Request, _settings: &Settings) -> bool {
        order_id(request).is_ok()
    }

    fn sends_empty_bodies(&self) -> bool {
        true
    }

    fn verify(&self, request: &Request, _check: &Check<'_>) -> Result<Verified, SignatureError> {
        order_id(request)?;
        Err(SignatureError::FetchBackRequired)
    }

    fn reports(&self, request: &Request, _settings: &Settings) -> Reports {
        Ok(vec![fields::look_again(order_id(request)?, request)])
    }

    fn only_api_knows(&self, _event_type: &str) -> bool {
        true
    }

    fn sample_types(&self) -> &'static [&'static str] {
        &["push"]
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        let query = format!("{PARAMETER}={}", fields::sample_id(seed, "order-"));
        (event_type == "push").then(|| Outgoing {
            query: Some(query),
            ..Outgoing::default()
        })
    }

    /// There is nothing to sign.
    fn sign(
        &self,
        outgoing: Outgoing,
        _secret: &Secret,
        _settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        Ok(outgoing)
    }
}

fn order_id(request: &Request) -> Result<String, MalformedBody> {
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    request
        .query(PARAMETER)
        .filter(plain)
        .map(str::to_owned)
        .ok_or(MalformedBody::Field(PARAMETER))
}
