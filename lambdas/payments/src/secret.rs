//! The signing secrets of one environment, read from its one secret in Secrets Manager.
//!
//! Nothing here can be printed or serialised, and the texts are zeroed when dropped.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use zeroize::Zeroizing;

/// A secret text.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<Box<str>>);

impl SecretText {
    /// Takes over a copy of the text; the caller's own copy is the caller's to clear.
    pub fn new(text: &str) -> SecretText {
        SecretText(Zeroizing::new(text.into()))
    }

    /// The text itself, for computing with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// What a provider calls its secret: one text, or several named ones (a key pair, keys by id).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretValue {
    Text(SecretText),
    Named(BTreeMap<String, SecretText>),
}

impl SecretValue {
    /// The one text.
    pub fn text(&self) -> Option<&str> {
        match self {
            SecretValue::Text(text) => Some(text.expose()),
            SecretValue::Named(_) => None,
        }
    }

    /// One of the named texts.
    pub fn named(&self, name: &str) -> Option<&str> {
        match self {
            SecretValue::Text(_) => None,
            SecretValue::Named(texts) => texts.get(name).map(SecretText::expose),
        }
    }
}

/// A secret and the time in which it is accepted.
#[derive(Clone, Debug)]
pub struct Secret {
    pub value: SecretValue,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

impl Secret {
    /// A text that is always accepted.
    pub fn text(text: &str) -> Secret {
        Secret::always(SecretValue::Text(SecretText::new(text)))
    }

    /// A value that is always accepted.
    pub fn always(value: SecretValue) -> Secret {
        Secret {
            value,
            not_before: None,
            not_after: None,
        }
    }

    /// Whether the secret is accepted at this time; both ends are inclusive.
    pub fn valid_at(&self, at: Timestamp) -> bool {
        self.not_before.is_none_or(|start| start <= at)
            && self.not_after.is_none_or(|end| at <= end)
    }
}

/// The secrets of one provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProviderSecrets {
    /// All that verify webhooks, in order; several during a rotation.
    pub signing: Vec<Secret>,
    /// What the provider's API is asked with, where confirmation is on.
    pub api_key: Option<SecretValue>,
}

impl ProviderSecrets {
    /// The signing secrets accepted at this time, in order.
    pub fn valid_at(&self, at: Timestamp) -> impl Iterator<Item = &SecretValue> {
        self.signing
            .iter()
            .filter(move |secret| secret.valid_at(at))
            .map(|secret| &secret.value)
    }
}

/// The secrets of every provider of an environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Secrets(BTreeMap<String, ProviderSecrets>);

/// The secret's JSON is not in the expected shape; the text carries nothing of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the providers' secret is not usable at line {line}, column {column}: {problem}; set it again with `payhook secret set`"
)]
pub struct SecretError {
    line: usize,
    column: usize,
    problem: &'static str,
}

impl Secrets {
    /// Reads the value of the secret `payment-webhook/{env}/providers`.
    pub fn parse(json: &str) -> Result<Secrets, SecretError> {
        // serde_json quotes offending values in its messages, so only the position is kept.
        serde_json::from_str(json).map_err(|error| SecretError {
            line: error.line(),
            column: error.column(),
            problem: match error.classify() {
                serde_json::error::Category::Data => "a value is not of the expected type",
                serde_json::error::Category::Eof => "the JSON text ends too early",
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                    "it is not JSON"
                }
            },
        })
    }

    /// The secrets of one provider.
    pub fn provider(&self, key: &str) -> Option<&ProviderSecrets> {
        self.0.get(key)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SecretText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret text")
            }
            fn visit_str<E>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText::new(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Secret::deserialize(deserializer)?;
        match (secret.not_before, secret.not_after) {
            (None, None) => Ok(secret.value),
            _ => Err(D::Error::custom("no validity is possible here")),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Reads a text, named texts, or either of them as `value` beside its validity, without serde's buffering of values.
struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a secret text, named secret texts, or `value` with `not_before` and `not_after`",
        )
    }

    fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let (mut value, mut not_before, mut not_after) = (None, None, None);
        let mut named = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "value" => value = Some(map.next_value::<SecretValue>()?),
                "not_before" => not_before = map.next_value::<Option<Timestamp>>()?,
                "not_after" => not_after = map.next_value::<Option<Timestamp>>()?,
                _ => {
                    named.insert(name, map.next_value::<SecretText>()?);
                }
            }
        }
        let value = match (value, named.is_empty()) {
            (Some(value), true) => value,
            (None, false) => SecretValue::Named(named),
            _ => return Err(A::Error::custom("either `value` or named texts")),
        };
        Ok(Secret {
            value,
            not_before,
            not_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn every_documented_shape_of_a_secret_is_read() {
        let json = r#"{
            "stripe": {"signing": ["whsec_a", {"value": "whsec_b", "not_before": "2026-01-01T00:00:00Z", "not_after": "2026-02-01T00:00:00Z"}], "api_key": "sk_1"},
            "braintree": {"signing": [{"public_key": "pub", "private_key": "priv"}]},
            "worldpay": {"signing": [{"value": {"1": "aa"}, "not_after": "2026-02-01T00:00:00Z"}]},
            "something_else": {"unknown": true}}"#;
        let secrets = Secrets::parse(json).expect("secrets");
        let stripe = secrets.provider("stripe").expect("stripe");
        let texts = |time| {
            stripe
                .valid_at(at(time))
                .filter_map(SecretValue::text)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts("2025-12-31T23:59:59Z"), ["whsec_a"]);
        assert_eq!(texts("2026-01-15T00:00:00Z"), ["whsec_a", "whsec_b"]);
        assert_eq!(texts("2026-02-01T00:00:01Z"), ["whsec_a"]);
        assert_eq!(
            stripe.api_key.as_ref().and_then(SecretValue::text),
            Some("sk_1")
        );
        let pair = &secrets.provider("braintree").expect("braintree").signing[0].value;
        assert_eq!(
            (pair.named("public_key"), pair.named("private_key")),
            (Some("pub"), Some("priv"))
        );
        let keys = &secrets.provider("worldpay").expect("worldpay").signing[0];
        assert_eq!(keys.value.named("1"), Some("aa"));
        assert!(!keys.valid_at(at("2026-03-01T00:00:00Z")));
    }

    #[test]
    fn no_secret_text_shows_in_debug_output_or_in_an_error() {
        let secrets = Secrets::parse(r#"{"stripe":{"signing":["hunter2"],"api_key":"hunter2"}}"#)
            .expect("secrets");
        assert!(!format!("{secrets:?}").contains("hunter2"));
        for wrong in [
            r#"{"stripe":"hunter2"}"#,
            r#"{"stripe":{"signing":"hunter2"}}"#,
            r#"{"stripe":{"signing":[["hunter2"]]}}"#,
            r#"{"stripe":{"signing":[{"value":"hunter2","not_after":"hunter2"}]}}"#,
            r#"{"stripe":{"signing":["hunter2"#,
            r#"hunter2"#,
        ] {
            let error = Secrets::parse(wrong).expect_err("not usable").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_value_beside_named_texts_is_ambiguous_and_refused() {
        assert!(Secrets::parse(r#"{"x":{"signing":[{"value":"a","other":"b"}]}}"#).is_err());
        assert!(Secrets::parse(r#"{"x":{"signing":[{}]}}"#).is_err());
    }
}
