//! The providers' secrets of one environment while they are changed. Nothing here can be printed.

use crate::resources::{Aws, CloudError, During};
use indexmap::IndexMap;
use jiff::Timestamp;
use payments::secret::{Secret, SecretError, SecretText, Secrets};
pub use rotation::Rotation;
use serde::Serialize;
use serde_json::{Map, Value, json};

mod rotation;

const SIGNING: &str = "signing";
const API_KEY: &str = "api_key";

/// The JSON of the secret.
///
/// Providers that this payhook does not know are kept as they are.
#[derive(Clone, PartialEq)]
pub struct Vault(IndexMap<String, Map<String, Value>>);

/// A signing secret to be added.
pub struct New {
    /// A text, or the JSON object of a provider with named secrets.
    pub value: SecretText,
    /// From when on it is accepted.
    pub not_before: Option<Timestamp>,
    /// Until when it is accepted.
    pub not_after: Option<Timestamp>,
    /// Whether those that are there stay accepted.
    pub beside: bool,
}

/// What may be told of one provider's secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Provider key.
    pub provider: String,
    /// Whether there is a key of the provider's API.
    pub api_key: bool,
    /// Its signing secrets in order.
    pub signing: Vec<Validity>,
}

/// When one signing secret is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validity {
    /// From when on; always if absent.
    pub not_before: Option<Timestamp>,
    /// Until when; for ever if absent.
    pub not_after: Option<Timestamp>,
    /// Whether it is accepted now.
    pub accepted_now: bool,
}

impl Vault {
    /// Reads the value; `None` is a secret that has none yet.
    pub async fn load(aws: &Aws, secret: &str) -> Result<Result<Self, SecretError>, CloudError> {
        let request = aws.secrets.get_secret_value().secret_id(secret);
        let answer = request
            .send()
            .await
            .or_absent("secretsmanager:GetSecretValue")?;
        let text = answer.and_then(|answer| answer.secret_string);
        Ok(Self::parse(text.as_deref().unwrap_or("{}")))
    }

    /// Writes the value as a new version of the secret.
    pub async fn store(&self, aws: &Aws, secret: &str) -> Result<(), CloudError> {
        let request = aws
            .secrets
            .put_secret_value()
            .secret_id(secret)
            .secret_string(self.text());
        request
            .send()
            .await
            .during("secretsmanager:PutSecretValue")
            .map(|_| ())
    }

    fn text(&self) -> String {
        // Maps with text keys always serialise.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Reads the JSON; fails on whatever the functions could not use.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        Secrets::parse(text)?;
        // Whatever parses as secrets is an object of objects.
        Ok(Self(serde_json::from_str(text).unwrap_or_default()))
    }

    /// The secrets as the functions read them.
    pub fn secrets(&self) -> Result<Secrets, SecretError> {
        Secrets::parse(&self.text())
    }

    /// Adds a signing secret in front of the others, or in their place.
    pub fn add(&mut self, provider: &str, new: &New) {
        let value = value_of(&new.value);
        let entry = match (new.not_before, new.not_after) {
            (None, None) => value,
            (not_before, not_after) => {
                json!({"value": value, "not_before": not_before, "not_after": not_after})
            }
        };
        let mut signing = match self.provider(provider).remove(SIGNING) {
            Some(Value::Array(there)) if new.beside => there,
            _ => Vec::new(),
        };
        signing.retain(|there| *there != entry);
        signing.insert(0, entry);
        self.provider(provider)
            .insert(SIGNING.to_owned(), signing.into());
    }

    /// Sets the key with which the provider's API is asked.
    pub fn set_api_key(&mut self, provider: &str, key: &SecretText) {
        self.provider(provider)
            .insert(API_KEY.to_owned(), value_of(key));
    }

    fn provider(&mut self, provider: &str) -> &mut Map<String, Value> {
        self.0.entry(provider.to_owned()).or_default()
    }

    /// What may be told, in the order of the secret.
    pub fn summaries(&self, now: Timestamp) -> Result<Vec<Summary>, SecretError> {
        let secrets = self.secrets()?;
        let summary = |provider: &String| {
            let known = secrets.provider(provider)?;
            Some(Summary {
                provider: provider.clone(),
                api_key: known.api_key.is_some(),
                signing: known
                    .signing
                    .iter()
                    .map(|secret| validity(secret, now))
                    .collect(),
            })
        };
        Ok(self.0.keys().filter_map(summary).collect())
    }
}

fn validity(secret: &Secret, now: Timestamp) -> Validity {
    Validity {
        not_before: secret.not_before,
        not_after: secret.not_after,
        accepted_now: secret.valid_at(now),
    }
}

/// A provider with several named secrets is given them as a JSON object.
fn value_of(text: &SecretText) -> Value {
    match serde_json::from_str(text.expose()) {
        Ok(Value::Object(named)) => Value::Object(named),
        _ => Value::from(text.expose()),
    }
}

#[cfg(test)]
mod tests;
