//! The payment providers that are switched on, and how each is checked.

use std::collections::BTreeMap;

use serde::Serialize;

use super::section::Section;
use super::values::{
    BaseUrl, HeaderName, HmacAlgorithm, SignatureEncoding, SignaturePrefix, ToleranceSeconds,
};

/// A provider that infra.toml may switch on, and the settings that its scheme has.
struct Known {
    key: &'static str,
    /// The scheme signs the sending time, so old signatures can be refused.
    window: bool,
    /// The provider has an API that confirms a payment, at this address unless stated otherwise.
    confirm: Option<&'static str>,
    /// Header and encoding are the user's choice.
    hmac: bool,
}

const KNOWN: [Known; 3] = [
    Known {
        key: "stripe",
        window: true,
        confirm: Some("https://api.stripe.com"),
        hmac: false,
    },
    Known {
        key: "standard_webhooks",
        window: true,
        confirm: None,
        hmac: false,
    },
    Known {
        key: "generic_hmac",
        window: false,
        confirm: None,
        hmac: true,
    },
];

/// The providers that are on, by their keys; serialises to the functions' `PAYHOOK_PROVIDERS`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Providers(BTreeMap<&'static str, ProviderSettings>);

/// How one provider's webhooks are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_seconds: Option<ToleranceSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<HmacSettings>,
}

/// The provider's API is asked before a payment moves forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirm {
    pub base_url: BaseUrl,
}

/// Where a generic HMAC signature stands and how it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HmacSettings {
    pub header: HeaderName,
    pub algorithm: HmacAlgorithm,
    pub encoding: SignatureEncoding,
    pub prefix: SignaturePrefix,
}

impl Providers {
    /// Keys of all providers that infra.toml may switch on.
    pub fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|known| known.key)
    }

    pub fn get(&self, key: &str) -> Option<&ProviderSettings> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &ProviderSettings)> {
        self.0.iter().map(|(key, settings)| (*key, settings))
    }

    /// The JSON object that both functions read from `PAYHOOK_PROVIDERS`.
    pub fn to_json(&self) -> serde_json::Value {
        let object = self.0.iter().map(|(key, settings)| {
            let settings = serde_json::to_value(settings).unwrap_or_default();
            ((*key).to_owned(), settings)
        });
        serde_json::Value::Object(object.collect())
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let mut on = BTreeMap::new();
        for known in &KNOWN {
            let written = section.has(known.key);
            let mut provider = section.section(known.key);
            let enabled = provider.value_or("enabled", true);
            let settings = ProviderSettings::read(known, &mut provider);
            provider.done();
            if written && enabled {
                on.insert(known.key, settings);
            }
        }
        section.done();
        Self(on)
    }
}

impl ProviderSettings {
    fn read(known: &Known, provider: &mut Section<'_>) -> Self {
        Self {
            tolerance_seconds: known
                .window
                .then(|| provider.value_or_default("tolerance_seconds")),
            confirm: known
                .confirm
                .and_then(|base_url| Confirm::read(base_url, provider)),
            hmac: known.hmac.then(|| HmacSettings::read(provider)),
        }
    }
}

impl Confirm {
    fn read(default: &str, provider: &mut Section<'_>) -> Option<Self> {
        let written = provider.has("confirm");
        let mut confirm = provider.section("confirm");
        let enabled = confirm.value_or("enabled", true);
        let base_url = confirm.value("base_url").or_else(|| BaseUrl::new(default));
        confirm.done();
        base_url
            .filter(|_| written && enabled)
            .map(|base_url| Self { base_url })
    }
}

impl HmacSettings {
    fn read(provider: &mut Section<'_>) -> Self {
        Self {
            header: provider.value_or_default("header"),
            algorithm: provider.value_or("algorithm", HmacAlgorithm::Sha256),
            encoding: provider.value_or("encoding", SignatureEncoding::Hex),
            prefix: provider.value_or("prefix", SignaturePrefix::NONE),
        }
    }
}
