//! What infra.toml says about one provider, as it reaches the functions in `PAYHOOK_PROVIDERS`. No secrets here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The switched-on providers and their settings, by provider key.
pub type ProviderSettings = BTreeMap<String, Settings>;

/// Settings of one provider; what a provider has no use for is ignored by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How old a signed timestamp may be, in seconds; the provider's own default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_seconds: Option<u32>,
    /// The provider's API to ask before an event is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// The notification URL exactly as registered with the provider, where the URL is part of what is signed (Square).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether events of the provider's live mode count, or those of its test mode; both if absent (Adyen).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<bool>,
    #[serde(flatten)]
    pub hmac: HmacSettings,
    #[serde(skip_serializing_if = "EventFields::is_default")]
    pub event: EventFields,
}

/// Where a provider's API answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    pub base_url: String,
}

/// How a sender signs that has no provider of its own (`generic_hmac`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HmacSettings {
    /// Header that carries the signature; `X-Signature` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Text in front of the signature, such as `sha256=`; required in the header when set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How the secret's text is turned into key bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<KeyEncoding>,
    /// Header with the seconds since 1970 that are signed in front of the body as `{seconds}.{body}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
}

/// Hash of an HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    Sha1,
    #[default]
    Sha256,
    Sha512,
}

/// How a signature is written in its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Hex,
    Base64,
}

/// How the text of a secret stands for key bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    #[default]
    Text,
    Hex,
    Base64,
}

/// Where a generic sender's JSON body says what happened: paths of member names joined by dots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFields {
    pub id: String,
    #[serde(rename = "type")]
    pub event_type: String,
    /// Seconds or milliseconds since 1970, or RFC 3339.
    pub time: String,
    pub payment_id: String,
    /// Integer minor units.
    pub amount: String,
    pub currency: String,
    /// One of payhook's own status names; other texts say nothing.
    pub status: String,
}

impl Default for EventFields {
    fn default() -> Self {
        EventFields {
            id: "id".into(),
            event_type: "type".into(),
            time: "timestamp".into(),
            payment_id: "data.id".into(),
            amount: "data.amount".into(),
            currency: "data.currency".into(),
            status: "data.status".into(),
        }
    }
}

impl EventFields {
    fn is_default(&self) -> bool {
        *self == EventFields::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_variable_of_the_functions_is_understood() {
        let text = r#"{"stripe":{"tolerance_seconds":300,"confirm":{"base_url":"https://api.stripe.com"}},
            "standard_webhooks":{},
            "generic_hmac":{"header":"X-Signature","algorithm":"sha256","encoding":"hex","prefix":""}}"#;
        let all: ProviderSettings = serde_json::from_str(text).expect("settings");
        assert_eq!(all["stripe"].tolerance_seconds, Some(300));
        assert_eq!(all["generic_hmac"].hmac.algorithm, Some(Algorithm::Sha256));
        assert_eq!(all["standard_webhooks"], Settings::default());
        let again: ProviderSettings =
            serde_json::from_str(&serde_json::to_string(&all).expect("text")).expect("settings");
        assert_eq!(again, all);
    }
}
