//! The payment providers that are switched on, and how each is checked.

use std::collections::BTreeMap;

use payments::settings::{
    Algorithm, Confirm, Encoding, EventFields, HmacSettings, KeyEncoding, ProviderSettings,
    Settings,
};

use toml::de::DeValue;

use super::section::Section;
use super::setting::{Setting, word_settings};
use super::values::{
    BaseUrl, FieldPath, HeaderName, NotificationUrl, SignaturePrefix, ToleranceSeconds,
};

/// A provider that infra.toml may switch on, and the settings that its scheme has.
struct Known {
    key: &'static str,
    tolerance: Tolerance,
    confirm: Confirming,
    /// The provider's live and test mode send to the same addresses.
    live: bool,
    /// The registered URL is part of what is signed.
    url: bool,
    /// Sources disagree on how the secret's text stands for key bytes.
    key_encoding: bool,
    /// How to sign and where the body says what happened is the user's choice.
    generic: bool,
}

/// Whether the provider's API can be asked about a payment, and at which address unless stated otherwise.
#[derive(Clone, Copy)]
enum Confirming {
    No,
    /// Where infra.toml asks for it.
    Offered(&'static str),
    /// As [`Offered`](Self::Offered), at an address of the user's own.
    AtOwnAddress,
    /// Always, unless switched off: its events carry no signature of their own, or nothing but a hint.
    Needed(&'static str),
}

/// Whether old signatures can be refused.
#[derive(Clone, Copy)]
enum Tolerance {
    /// The sending time is not signed, or redeliveries keep the first one.
    No,
    /// Only where infra.toml asks for it.
    IfStated,
    /// In seconds, unless stated otherwise.
    Default(u32),
}

impl Known {
    const fn plain(key: &'static str) -> Self {
        Self {
            key,
            tolerance: Tolerance::No,
            confirm: Confirming::No,
            live: false,
            url: false,
            key_encoding: false,
            generic: false,
        }
    }
}

impl Tolerance {
    const fn default(self) -> Option<u32> {
        match self {
            Self::Default(seconds) => Some(seconds),
            Self::No | Self::IfStated => None,
        }
    }
}

const KNOWN: &[Known] = &[
    Known {
        live: true,
        ..Known::plain("adyen")
    },
    Known {
        live: true,
        ..Known::plain("adyen_header")
    },
    Known {
        confirm: Confirming::Offered("https://api.authorize.net"),
        key_encoding: true,
        ..Known::plain("authorize_net")
    },
    Known {
        confirm: Confirming::Offered("https://api.braintreegateway.com"),
        ..Known::plain("braintree")
    },
    Known {
        confirm: Confirming::Offered("https://api.checkout.com"),
        ..Known::plain("checkout_com")
    },
    Known {
        confirm: Confirming::Offered("https://api.commerce.coinbase.com"),
        ..Known::plain("coinbase_commerce")
    },
    Known::plain("flutterwave"),
    Known {
        confirm: Confirming::Needed("https://api.flutterwave.com"),
        ..Known::plain("flutterwave_v3")
    },
    Known {
        tolerance: Tolerance::Default(300),
        generic: true,
        ..Known::plain("generic_hmac")
    },
    Known {
        confirm: Confirming::Offered("https://api.gocardless.com"),
        ..Known::plain("gocardless")
    },
    Known {
        confirm: Confirming::Needed("https://api.klarna.com"),
        ..Known::plain("klarna")
    },
    Known {
        tolerance: Tolerance::IfStated,
        confirm: Confirming::Needed("https://api.mercadopago.com"),
        ..Known::plain("mercado_pago")
    },
    Known {
        confirm: Confirming::Offered("https://api.mollie.com"),
        ..Known::plain("mollie")
    },
    Known {
        tolerance: Tolerance::Default(5),
        confirm: Confirming::Offered("https://api.paddle.com"),
        ..Known::plain("paddle")
    },
    Known {
        confirm: Confirming::Offered("https://api-m.paypal.com"),
        ..Known::plain("paypal")
    },
    Known {
        confirm: Confirming::Offered("https://api.paystack.co"),
        ..Known::plain("paystack")
    },
    Known {
        tolerance: Tolerance::Default(300),
        confirm: Confirming::Needed("https://production.plaid.com"),
        ..Known::plain("plaid")
    },
    Known {
        confirm: Confirming::Offered("https://api.razorpay.com"),
        ..Known::plain("razorpay")
    },
    Known {
        confirm: Confirming::AtOwnAddress,
        ..Known::plain("shopify")
    },
    Known {
        confirm: Confirming::Offered("https://connect.squareup.com"),
        url: true,
        ..Known::plain("square")
    },
    Known {
        tolerance: Tolerance::Default(300),
        ..Known::plain("standard_webhooks")
    },
    Known {
        tolerance: Tolerance::Default(300),
        confirm: Confirming::Offered("https://api.stripe.com"),
        ..Known::plain("stripe")
    },
    Known {
        confirm: Confirming::Offered("https://access.worldpay.com"),
        ..Known::plain("worldpay")
    },
    Known {
        confirm: Confirming::Needed("https://api.xendit.co"),
        ..Known::plain("xendit")
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
        if known.url && written && enabled && !provider.has("url") {
            provider.notes().add(
                section.span(known.key),
                format!("`providers.{}` needs `url`", known.key),
                "this provider".into(),
                Some("set it to the notification URL exactly as registered there".into()),
            );
        }
        provider.done();
        if written && enabled {
            on.insert(known.key.to_owned(), settings);
        }
    }
    section.done();
    on
}

fn settings(known: &Known, provider: &mut Section<'_>) -> Settings {
    let mut settings = Settings {
        tolerance_seconds: match known.tolerance {
            Tolerance::No => None,
            tolerance => provider
                .value("tolerance_seconds")
                .map(ToleranceSeconds::get)
                .or(tolerance.default()),
        },
        confirm: confirm(known.confirm, provider),
        ..Settings::default()
    };
    if known.url {
        let url: Option<NotificationUrl> = provider.value("url");
        settings.url = url.map(|url| url.to_string());
    }
    if known.key_encoding {
        settings.hmac.key_encoding = Some(provider.value_or_default("key_encoding"));
    }
    if known.live {
        settings.live = provider.value("live");
    }
    if known.generic {
        settings.hmac = hmac(provider);
        settings.event = event(provider.section("event"));
    }
    settings
}

fn confirm(confirming: Confirming, provider: &mut Section<'_>) -> Option<Confirm> {
    let (address, by_default) = match confirming {
        Confirming::No => return None,
        Confirming::Offered(address) => (Some(address), false),
        Confirming::AtOwnAddress => (None, false),
        Confirming::Needed(address) => (Some(address), true),
    };
    let written = provider.has("confirm");
    let span = provider.span("confirm");
    let mut section = provider.section("confirm");
    let enabled = section.value_or("enabled", true) && (written || by_default);
    let base_url: Option<BaseUrl> = section.value("base_url");
    if enabled && base_url.is_none() && address.is_none() && !section.has("base_url") {
        section.notes().add(
            span,
            "`confirm` of this provider needs `base_url`".into(),
            "this section".into(),
            Some("set it to the address of your own shop there".into()),
        );
    }
    section.done();
    let base_url = match (base_url, address) {
        (Some(url), _) => url.as_str().to_owned(),
        (None, address) => address?.to_owned(),
    };
    enabled.then_some(Confirm { base_url })
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
