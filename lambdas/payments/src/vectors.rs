//! Signature vectors: recorded requests with their secrets, verified as the functions would verify them.
//!
//! This answers "why is my webhook rejected?" offline; the verdicts carry no part of a secret.

mod reading;

use std::collections::BTreeMap;

use base64::Engine;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::api_gateway::ProxyEvent;
use crate::mac::BASE64_KEY;
use crate::providers::keys::{FetchedKey, KeyRequest};
use crate::providers::{self, Check, Provider, Verified, paypal};
use crate::request::{Headers, Request};
use crate::secret::{ProviderSecrets, Secret};
use crate::settings::Settings;
use crate::signature::SignatureError;

pub use reading::NotVectors;
use reading::{entries, id, lacking, provider};

/// A body longer than this is not built from its repetitions, in bytes.
const MAX_BODY: usize = 64 << 20;

const NO_REQUEST: &str = "it has more than one of `body`, `body_base64` and `body_repeat`, or one that cannot be decoded, or an impossible `now`";

/// One recorded request and what it takes to verify it.
#[derive(Deserialize)]
pub struct Vector {
    /// Its name, or its place in the file as `#1` where it has none.
    #[serde(skip)]
    pub id: String,
    pub provider: String,
    secret: Option<OneOrMany<Secret>>,
    headers: Option<BTreeMap<String, OneOrMany<String>>>,
    #[serde(default, deserialize_with = "or_default")]
    url: String,
    body: Option<String>,
    body_base64: Option<String>,
    body_repeat: Option<Repeat>,
    /// When the request counts as received.
    now: Option<Time>,
    tolerance: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    config: Settings,
    #[serde(default, deserialize_with = "or_default")]
    jwks: BTreeMap<String, Box<RawValue>>,
    #[serde(default, deserialize_with = "or_default")]
    certs: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    intermediates: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    roots: Vec<String>,
    apigw: Option<GatewayBody>,
}

/// Seconds since 1970, or RFC 3339.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Time {
    Seconds(i64),
    Text(Timestamp),
}

/// A member that is null is one that is not there.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
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
    /// The kind of the refusal, a stable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// What was wrong, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a vector is not valid: the kind, and what was wrong.
type Refusal = (&'static str, String);

fn refused(error: &SignatureError) -> Refusal {
    (error.kind(), error.to_string())
}

/// The same for a reason that lies in the vector.
fn refused_for(error: &SignatureError, why: &str) -> Refusal {
    (error.kind(), why.to_owned())
}

/// The vector itself cannot be tried.
fn malformed(why: impl Into<String>) -> Refusal {
    ("malformed_vector", why.into())
}

fn unknown_provider(name: &str) -> Refusal {
    let keys: Vec<_> = providers::all()
        .iter()
        .map(|provider| provider.key())
        .collect();
    let name: String = name.chars().take(40).collect();
    let why = format!(
        "`{name}` is no provider; the providers are {}",
        keys.join(", ")
    );
    ("unknown_provider", why)
}

/// Verifies every vector of a file; `clock` stands in where a vector has no `now`.
///
/// One that cannot be tried is told as such and does not stop the others.
pub fn check(text: &str, clock: Timestamp) -> Result<Vec<Verdict>, NotVectors> {
    let verdict = |(at, raw): (usize, &RawValue)| match Vector::read(at, raw) {
        Ok(vector) => vector.verdict(clock),
        Err(unreadable) => Verdict::of(id(at, raw), Err(malformed(lacking(raw, &unreadable)))),
    };
    Ok(entries(text)?
        .into_iter()
        .enumerate()
        .map(verdict)
        .collect())
}

/// Reads a file in which every entry has to be a vector.
pub fn parse(text: &str) -> Result<Vec<Vector>, NotVectors> {
    let read = |(at, raw)| Vector::read(at, raw).map_err(|error| NotVectors::at(&error));
    entries(text)?.into_iter().enumerate().map(read).collect()
}

impl Verdict {
    fn of(id: String, outcome: Result<(), Refusal>) -> Self {
        let result = if outcome.is_ok() { "valid" } else { "invalid" };
        let (error, reason) = outcome.err().unzip();
        Self {
            id,
            result,
            error,
            reason,
        }
    }
}

impl Vector {
    fn read(at: usize, raw: &RawValue) -> Result<Self, serde_json::Error> {
        let vector: Self = serde_json::from_str(raw.get())?;
        Ok(Self {
            id: id(at, raw),
            ..vector
        })
    }

    /// Verifies the request, through a proxy event if the vector has one.
    pub fn verdict(&self, clock: Timestamp) -> Verdict {
        Verdict::of(self.id.clone(), self.outcome(clock))
    }

    fn outcome(&self, clock: Timestamp) -> Result<(), Refusal> {
        if let Some(key) = self.provider.strip_suffix("_challenge") {
            let request = self.request(clock).ok_or_else(|| malformed(NO_REQUEST))?;
            let provider = provider(key).ok_or_else(|| unknown_provider(key))?;
            let answer = provider
                .answer_challenge(&request, &self.provider_secrets())
                .ok_or_else(|| refused(&SignatureError::MalformedChallenge))?;
            return answer.map(drop).map_err(|error| refused(&error));
        }
        let recorded = self.recorded(clock)?;
        recorded.verify().map(drop).map_err(|error| refused(&error))
    }

    /// The recorded request and what verifying it takes; the error is a stable name and what was wrong, as in [`Verdict`].
    pub fn recorded(&self, clock: Timestamp) -> Result<Recorded, Refusal> {
        let request = self.request(clock).ok_or_else(|| malformed(NO_REQUEST))?;
        let provider = provider(&self.provider).ok_or_else(|| unknown_provider(&self.provider))?;
        let mut settings = self.config.clone();
        settings.tolerance_seconds = self.tolerance.or(settings.tolerance_seconds);
        let url = Some(&self.url).filter(|url| !url.is_empty());
        settings.url = settings.url.or_else(|| url.cloned());
        let wanted = provider.key_request(&request);
        let fetched = wanted
            .map_err(|error| refused(&error))?
            .map(|wanted| self.fetched(&wanted))
            .transpose()?;
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

    /// The recorded answer of the provider's key server, with the roots of the functions unless it has its own.
    fn fetched(&self, wanted: &KeyRequest) -> Result<FetchedKey, Refusal> {
        match wanted {
            KeyRequest::PaypalCertificate { url } => {
                let leaf = self.certs.get(url).ok_or_else(|| {
                    let why = "its `certs` holds no certificate for the address in PAYPAL-CERT-URL";
                    refused_for(&SignatureError::CertUntrusted, why)
                })?;
                let (mut chain, mut roots) = (vec![leaf.as_str()], Vec::new());
                chain.extend(self.intermediates.iter().map(String::as_str));
                roots.extend(self.roots.iter().map(String::as_str));
                if roots.is_empty() {
                    chain.push(paypal::INTERMEDIATES);
                    roots.push(paypal::ROOTS);
                }
                Ok(FetchedKey::Certificates {
                    chain: chain.join("\n"),
                    roots: roots.join("\n"),
                })
            }
            KeyRequest::PlaidKey { key_id } => {
                let key = self.jwks.get(key_id).ok_or_else(|| {
                    let why = "its `jwks` holds no key of the id in the token";
                    refused_for(&SignatureError::UnknownKey, why)
                })?;
                Ok(FetchedKey::WebKey(key.get().to_owned()))
            }
        }
    }

    fn request(&self, clock: Timestamp) -> Option<Request> {
        let received_at = match self.now {
            None => clock,
            Some(Time::Seconds(now)) => Timestamp::from_second(now).ok()?,
            Some(Time::Text(now)) => now,
        };
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
        self.headers.iter().flatten().flat_map(|(name, values)| {
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
