//! The payment providers that are switched on, and how each is checked.

use std::collections::BTreeMap;

use payments::settings::{
    Algorithm, Confirm, Encoding, EventFields, HmacSettings, KeyEncoding, ProviderSettings,
    Settings,
};

use toml::de::DeValue;

use super::section::Section;
use super::setting::{Setting, word_settings};
use super::values::{BaseUrl, FieldPath, HeaderName, SignaturePrefix, ToleranceSeconds};

/// A provider that infra.toml may switch on, and the settings that its scheme has.
struct Known {
    key: &'static str,
    /// The scheme signs the sending time, so old signatures can be refused.
    window: bool,
    /// The provider has an API that confirms a payment, at this address unless stated otherwise.
    confirm: Option<&'static str>,
    /// How to sign and where the body says what happened is the user's choice.
    generic: bool,
}

const PLAIN: Known = Known {
    key: "",
    window: false,
    confirm: None,
    generic: false,
};

const KNOWN: &[Known] = &[
    Known {
        key: "generic_hmac",
        window: true,
        generic: true,
        ..PLAIN
    },
    Known {
        key: "standard_webhooks",
        window: true,
        ..PLAIN
    },
    Known {
        key: "stripe",
        window: true,
        confirm: Some("https://api.stripe.com"),
        ..PLAIN
    },
];

word_settings! {
    Algorithm {
        Sha1 = "sha1",
        Sha256 = "sha256",
        Sha512 = "sha512",
    }
    Encoding {
        Hex = "hex",
        Base64 = "base64",
    }
    KeyEncoding {
        Text = "text",
        Hex = "hex",
        Base64 = "base64",
    }
}

/// Keys of all providers that infra.toml may switch on.
#[cfg(test)]
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.key)
}

/// The providers that are on.
pub(super) fn read(mut section: Section<'_>) -> ProviderSettings {
    let mut on = BTreeMap::new();
    for known in KNOWN {
        let written = section.has(known.key);
        let mut provider = section.section(known.key);
        let enabled = provider.value_or("enabled", true);
        let settings = settings(known, &mut provider);
        provider.done();
        if written && enabled {
            on.insert(known.key.to_owned(), settings);
        }
    }
    section.done();
    on
}

fn settings(known: &Known, provider: &mut Section<'_>) -> Settings {
    let mut settings = Settings::default();
    if known.window {
        let tolerance: ToleranceSeconds = provider.value_or_default("tolerance_seconds");
        settings.tolerance_seconds = Some(tolerance.get());
    }
    if let Some(address) = known.confirm {
        settings.confirm = confirm(address, provider);
    }
    if known.generic {
        settings.hmac = hmac(provider);
        settings.event = event(provider.section("event"));
    }
    settings
}

fn confirm(address: &str, provider: &mut Section<'_>) -> Option<Confirm> {
    let written = provider.has("confirm");
    let mut section = provider.section("confirm");
    let enabled = section.value_or("enabled", true);
    let base_url: Option<BaseUrl> = section.value("base_url");
    section.done();
    (written && enabled).then(|| Confirm {
        base_url: base_url.map_or(address.to_owned(), |url| url.as_str().to_owned()),
    })
}

fn hmac(provider: &mut Section<'_>) -> HmacSettings {
    let header: HeaderName = provider.value_or_default("header");
    let prefix: Option<SignaturePrefix> = provider.value("prefix");
    let timestamp_header: Option<HeaderName> = provider.value("timestamp_header");
    HmacSettings {
        header: Some(header.to_string()),
        algorithm: Some(provider.value_or_default("algorithm")),
        encoding: Some(provider.value_or_default("encoding")),
        prefix: prefix.map(|prefix| prefix.to_string()),
        key_encoding: Some(provider.value_or_default("key_encoding")),
        timestamp_header: timestamp_header.map(|name| name.to_string()),
    }
}

fn event(mut section: Section<'_>) -> EventFields {
    let defaults = EventFields::default();
    let mut field = |key, otherwise: String| {
        let path: Option<FieldPath> = section.value(key);
        path.map_or(otherwise, |path| path.to_string())
    };
    let event = EventFields {
        id: field("id", defaults.id),
        event_type: field("type", defaults.event_type),
        time: field("time", defaults.time),
        payment_id: field("payment_id", defaults.payment_id),
        amount: field("amount", defaults.amount),
        currency: field("currency", defaults.currency),
        status: field("status", defaults.status),
    };
    section.done();
    event
}
