//! Signature vectors: recorded requests with their secrets, verified as the functions would verify them.
//!
//! This answers "why is my webhook rejected?" offline; the verdicts carry no part of a secret.

use std::collections::BTreeMap;

use base64::Engine;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::api_gateway::ProxyEvent;
use crate::mac::BASE64_KEY;
use crate::providers::keys::{FetchedKey, KeyRequest};
use crate::providers::{self, Check, Provider, Verified};
use crate::request::{Headers, Request};
use crate::secret::{ProviderSecrets, Secret};
use crate::settings::Settings;
use crate::signature::SignatureError;

/// A body longer than this is not built from its repetitions, in bytes.
const MAX_BODY: usize = 64 << 20;

/// One recorded request and what it takes to verify it.
#[derive(Deserialize)]
pub struct Vector {
    pub id: String,
    pub provider: String,
    #[serde(default)]
    secret: Option<OneOrMany<Secret>>,
    #[serde(default)]
    headers: BTreeMap<String, OneOrMany<String>>,
    #[serde(default)]
    url: String,
    body: Option<String>,
    body_base64: Option<String>,
    body_repeat: Option<Repeat>,
    /// Seconds since 1970 at which the request counts as received.
    now: Option<i64>,
    tolerance: Option<u32>,
    #[serde(default)]
    config: Settings,
    #[serde(default)]
    jwks: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    certs: BTreeMap<String, String>,
    #[serde(default)]
    intermediates: Vec<String>,
    #[serde(default)]
    roots: Vec<String>,
    apigw: Option<GatewayBody>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

#[derive(Deserialize)]
struct Repeat {
    text: String,
    count: usize,
}

/// The same request as API Gateway would deliver it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayBody {
    version: String,
    is_base64_encoded: bool,
    body: String,
}

/// A recorded request and what verifying it takes.
pub struct Recorded {
    pub provider: &'static dyn Provider,
    pub request: Request,
    pub secrets: ProviderSecrets,
    pub settings: Settings,
    pub fetched: Option<FetchedKey>,
}

impl Recorded {
    /// Checks that the provider sent exactly this request.
    pub fn verify(&self) -> Result<Verified, SignatureError> {
        let check = Check {
            secrets: &self.secrets,
            settings: &self.settings,
            fetched: self.fetched.as_ref(),
        };
        self.provider.verify(&self.request, &check)
    }
}

/// What became of one vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub id: String,
    pub result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// The text is not a list of vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a JSON list of signature vectors (line {line}, column {column}); each needs at least `id`, `provider`, `secret`, `headers` and `body`"
)]
pub struct NotVectors {
    line: usize,
    column: usize,
}

/// Verifies every vector of a JSON list; `clock` stands in where a vector has no `now`.
pub fn check(text: &str, clock: Timestamp) -> Result<Vec<Verdict>, NotVectors> {
    Ok(parse(text)?
        .iter()
        .map(|vector| vector.verdict(clock))
        .collect())
}

/// Reads a JSON list of vectors, or a single one.
pub fn parse(text: &str) -> Result<Vec<Vector>, NotVectors> {
    // serde_json quotes offending values in its messages, which may be secrets, so only the position is kept.
    let position = |error: serde_json::Error| NotVectors {
        line: error.line(),
        column: error.column(),
    };
    if text.trim_start().starts_with('{') {
        return Ok(vec![serde_json::from_str(text).map_err(position)?]);
    }
    serde_json::from_str(text).map_err(position)
}

impl Vector {
    /// Verifies the request, through a proxy event if the vector has one.
    pub fn verdict(&self, clock: Timestamp) -> Verdict {
        let error = self.outcome(clock).err();
        Verdict {
            id: self.id.clone(),
            result: if error.is_none() { "valid" } else { "invalid" },
            error,
        }
    }

    fn outcome(&self, clock: Timestamp) -> Result<(), &'static str> {
        if let Some(key) = self.provider.strip_suffix("_challenge") {
            let request = self.request(clock).ok_or("malformed_vector")?;
            let provider = providers::by_key(key).ok_or("unknown_provider")?;
            let answer = provider
                .answer_challenge(&request, &self.provider_secrets())
                .ok_or("malformed_challenge")?;
            return answer.map(drop).map_err(|refused| refused.kind());
        }
        let recorded = self.recorded(clock)?;
        recorded
            .verify()
            .map(drop)
            .map_err(|refused| refused.kind())
    }

    /// The recorded request and what verifying it takes; the error is a stable name, as in [`Verdict`].
    pub fn recorded(&self, clock: Timestamp) -> Result<Recorded, &'static str> {
        let request = self.request(clock).ok_or("malformed_vector")?;
        let provider = providers::by_key(&self.provider).ok_or("unknown_provider")?;
        let mut settings = self.config.clone();
        settings.tolerance_seconds = self.tolerance.or(settings.tolerance_seconds);
        settings.url = settings.url.or_else(|| Some(self.url.clone()));
        let fetched = provider
            .key_request(&request)
            .map_err(|refused| refused.kind())?
            .map(|wanted| self.fetched(&wanted));
        Ok(Recorded {
            provider,
            request,
            secrets: self.provider_secrets(),
            settings,
            fetched,
        })
    }

    fn provider_secrets(&self) -> ProviderSecrets {
        ProviderSecrets {
            signing: self.secrets(),
            api_key: None,
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        match &self.secret {
            None => Vec::new(),
            Some(OneOrMany::One(secret)) => vec![secret.clone()],
            Some(OneOrMany::Many(secrets)) => secrets.clone(),
        }
    }

    /// The recorded answer of the provider's key server.
    fn fetched(&self, wanted: &KeyRequest) -> FetchedKey {
        match wanted {
            KeyRequest::PaypalCertificate { url } => match self.certs.get(url) {
                Some(leaf) => FetchedKey::Certificates {
                    chain: format!("{leaf}\n{}", self.intermediates.join("\n")),
                    roots: self.roots.join("\n"),
                },
                None => FetchedKey::Unknown,
            },
            KeyRequest::PlaidKey { key_id } => {
                self.jwks.get(key_id).map_or(FetchedKey::Unknown, |key| {
                    FetchedKey::WebKey(key.get().to_owned())
                })
            }
        }
    }

    fn request(&self, clock: Timestamp) -> Option<Request> {
        let received_at = self
            .now
            .map_or(Some(clock), |now| Timestamp::from_second(now).ok())?;
        if let Some(gateway) = &self.apigw {
            let event = self.proxy_event(gateway).to_string();
            return ProxyEvent::parse(event.as_bytes())
                .ok()?
                .into_request(received_at)
                .ok();
        }
        Some(Request {
            method: self.method().into(),
            provider: Some(self.provider.clone()),
            headers: self.header_values().collect::<Headers>(),
            query: form_urlencoded::parse(self.raw_query().as_bytes())
                .into_owned()
                .collect(),
            body: self.body()?,
            received_at,
            request_id: None,
        })
    }

    fn method(&self) -> &'static str {
        if self.provider.ends_with("_challenge") {
            "GET"
        } else {
            "POST"
        }
    }

    fn raw_query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    fn header_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().flat_map(|(name, values)| {
            let values = match values {
                OneOrMany::One(value) => std::slice::from_ref(value),
                OneOrMany::Many(values) => values,
            };
            values
                .iter()
                .map(move |value| (name.as_str(), value.as_str()))
        })
    }

    fn body(&self) -> Option<Vec<u8>> {
        match (&self.body, &self.body_base64, &self.body_repeat) {
            (Some(text), None, None) => Some(text.clone().into_bytes()),
            (None, Some(text), None) => BASE64_KEY.decode(text).ok(),
            (None, None, Some(Repeat { text, count })) => {
                let fits = text
                    .len()
                    .checked_mul(*count)
                    .is_some_and(|length| length <= MAX_BODY);
                fits.then(|| text.repeat(*count).into_bytes())
            }
            (None, None, None) => Some(Vec::new()),
            _ => None,
        }
    }

    fn proxy_event(&self, gateway: &GatewayBody) -> Value {
        let mut several: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in self.header_values() {
            several.entry(name).or_default().push(value);
        }
        let path = format!("/webhooks/{}", self.provider);
        if gateway.version == "2.0" {
            let headers: BTreeMap<_, _> = several
                .iter()
                .map(|(name, values)| (name, values.join(",")))
                .collect();
            return json!({
                "version": "2.0", "rawPath": path, "rawQueryString": self.raw_query(), "headers": headers,
                "requestContext": {"http": {"method": self.method()}},
                "body": gateway.body, "isBase64Encoded": gateway.is_base64_encoded,
            });
        }
        let last: BTreeMap<_, _> = several
            .iter()
            .map(|(name, values)| (name, values.last()))
            .collect();
        let query: BTreeMap<_, _> = form_urlencoded::parse(self.raw_query().as_bytes()).collect();
        json!({
            "version": "1.0", "httpMethod": self.method(), "path": path, "headers": last,
            "multiValueHeaders": several, "queryStringParameters": query,
            "body": gateway.body, "isBase64Encoded": gateway.is_base64_encoded,
        })
    }
}
