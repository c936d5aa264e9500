//! The function's environment variables.

use jiff::SignedDuration;
use payments::settings::ProviderSettings;

/// Lambda lets at most 6 MB through to a function, in which API Gateway's base64 leaves room for about 4.4 MB.
const DEFAULT_MAX_BODY_BYTES: usize = 4_718_592;

/// What the Stack factory set for this function.
#[derive(Clone, Debug)]
pub struct ValidatorSettings {
    pub table: String,
    /// The bucket of bodies that do not fit the table.
    pub bucket: String,
    /// The account that the bucket must belong to.
    pub bucket_owner: String,
    pub secret_id: String,
    pub environment: String,
    pub providers: ProviderSettings,
    /// How long items are kept; for ever if absent.
    pub retention: Option<SignedDuration>,
    /// Longest body that is looked at.
    pub max_body_bytes: usize,
}

/// A variable that the Stack factory always sets is not usable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("environment variable {0} is not set; deploy the stack again")]
    Missing(&'static str),
    #[error("environment variable {0} is not {1}; deploy the stack again")]
    Unusable(&'static str, &'static str),
}

impl ValidatorSettings {
    /// Reads the variables through `get`.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let required = |name| {
            get(name)
                .filter(|value| !value.is_empty())
                .ok_or(SettingsError::Missing(name))
        };
        let number = |name, default: u64| match get(name).filter(|value| !value.is_empty()) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| SettingsError::Unusable(name, "a whole number")),
        };
        let providers = required("PAYHOOK_PROVIDERS")?;
        let days = number("PAYHOOK_RETENTION_DAYS", 0)?;
        let days = u32::try_from(days)
            .map_err(|_| SettingsError::Unusable("PAYHOOK_RETENTION_DAYS", "a number of days"))?;
        let max_body_bytes = number("PAYHOOK_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES as u64)?;
        Ok(Self {
            table: required("TABLE_NAME")?,
            bucket: required("BODIES_BUCKET")?,
            bucket_owner: required("BODIES_OWNER")?,
            secret_id: required("SECRET_ID")?,
            environment: required("PAYHOOK_ENV")?,
            providers: serde_json::from_str(&providers).map_err(|_| {
                SettingsError::Unusable("PAYHOOK_PROVIDERS", "a JSON object of provider settings")
            })?,
            retention: (days > 0).then(|| SignedDuration::from_hours(24 * i64::from(days))),
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    const COMPLETE: [(&str, &str); 6] = [
        ("TABLE_NAME", "payments-dev"),
        ("BODIES_BUCKET", "payment-bodies-dev"),
        ("BODIES_OWNER", "123456789012"),
        ("SECRET_ID", "arn"),
        ("PAYHOOK_ENV", "dev"),
        ("PAYHOOK_PROVIDERS", "{\"stripe\":{}}"),
    ];

    #[test]
    fn retention_and_size_have_defaults() {
        let settings = ValidatorSettings::from_env(environment(&COMPLETE)).unwrap();
        assert_eq!(
            (settings.retention, settings.max_body_bytes),
            (None, DEFAULT_MAX_BODY_BYTES)
        );
        let set = [
            &COMPLETE[..],
            &[
                ("PAYHOOK_RETENTION_DAYS", "30"),
                ("PAYHOOK_MAX_BODY_BYTES", "10"),
            ],
        ]
        .concat();
        let settings = ValidatorSettings::from_env(environment(&set)).unwrap();
        assert_eq!(
            (settings.retention, settings.max_body_bytes),
            (Some(SignedDuration::from_hours(720)), 10)
        );
    }

    #[test]
    fn every_missing_or_unusable_variable_is_named() {
        for (at, (name, _)) in COMPLETE.iter().enumerate() {
            let mut without = COMPLETE.to_vec();
            without.remove(at);
            assert_eq!(
                ValidatorSettings::from_env(environment(&without)).unwrap_err(),
                SettingsError::Missing(name)
            );
        }
        for (name, value) in [
            ("PAYHOOK_RETENTION_DAYS", "x"),
            ("PAYHOOK_RETENTION_DAYS", "99999999999"),
            ("PAYHOOK_MAX_BODY_BYTES", "-1"),
        ] {
            let wrong = [&COMPLETE[..], &[(name, value)]].concat();
            let error = ValidatorSettings::from_env(environment(&wrong)).unwrap_err();
            assert!(
                matches!(error, SettingsError::Unusable(found, _) if found == name),
                "{error}"
            );
        }
    }
}
