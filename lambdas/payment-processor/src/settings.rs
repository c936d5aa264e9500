//! The function's environment variables.

use jiff::SignedDuration;
use payments::settings::ProviderSettings;

/// What the Stack factory set for this function.
#[derive(Clone, Debug)]
pub struct ProcessorSettings {
    pub table: String,
    pub secret_id: String,
    pub environment: String,
    pub providers: ProviderSettings,
    pub event_bus: String,
    /// How long nobody else takes up an event that is being worked on; longer than the function's timeout.
    pub lease: SignedDuration,
    /// How long items are kept; for ever if absent.
    pub retention: Option<SignedDuration>,
}

/// A variable that the Stack factory always sets is not usable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("environment variable {0} is not set; deploy the stack again")]
    Missing(&'static str),
    #[error("environment variable {0} is not {1}; deploy the stack again")]
    Unusable(&'static str, &'static str),
}

impl ProcessorSettings {
    /// Reads the variables through `get`.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let required = |name| {
            get(name)
                .filter(|value| !value.is_empty())
                .ok_or(SettingsError::Missing(name))
        };
        let seconds: u32 = required("PAYHOOK_LEASE_SECONDS")?.parse().map_err(|_| {
            SettingsError::Unusable("PAYHOOK_LEASE_SECONDS", "a whole number of seconds")
        })?;
        let days = get("PAYHOOK_RETENTION_DAYS").filter(|value| !value.is_empty());
        let days: Option<u32> = days
            .map(|days| days.parse())
            .transpose()
            .map_err(|_| SettingsError::Unusable("PAYHOOK_RETENTION_DAYS", "a number of days"))?;
        Ok(Self {
            table: required("TABLE_NAME")?,
            secret_id: required("SECRET_ID")?,
            environment: required("PAYHOOK_ENV")?,
            providers: serde_json::from_str(&required("PAYHOOK_PROVIDERS")?).map_err(|_| {
                SettingsError::Unusable("PAYHOOK_PROVIDERS", "a JSON object of provider settings")
            })?,
            event_bus: required("PAYHOOK_EVENT_BUS")?,
            lease: SignedDuration::from_secs(seconds.into()),
            retention: days
                .filter(|days| *days > 0)
                .map(|days| SignedDuration::from_hours(24 * i64::from(days))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 6] = [
        ("TABLE_NAME", "payments-dev"),
        ("SECRET_ID", "arn"),
        ("PAYHOOK_ENV", "dev"),
        ("PAYHOOK_PROVIDERS", "{\"stripe\":{}}"),
        ("PAYHOOK_EVENT_BUS", "default"),
        ("PAYHOOK_LEASE_SECONDS", "120"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<ProcessorSettings, SettingsError> {
        ProcessorSettings::from_env(|name| {
            variables
                .iter()
                .rev()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_missing_or_unusable_variable_is_named() {
        assert_eq!(
            read(&COMPLETE).unwrap().lease,
            SignedDuration::from_secs(120)
        );
        for (at, (name, _)) in COMPLETE.iter().enumerate() {
            let mut without = COMPLETE.to_vec();
            without.remove(at);
            assert_eq!(read(&without).unwrap_err(), SettingsError::Missing(name));
        }
        assert_eq!(read(&COMPLETE).unwrap().retention, None);
        let kept = read(&[&COMPLETE[..], &[("PAYHOOK_RETENTION_DAYS", "30")]].concat());
        assert_eq!(
            kept.unwrap().retention,
            Some(SignedDuration::from_hours(720))
        );
        for name in [
            "PAYHOOK_LEASE_SECONDS",
            "PAYHOOK_PROVIDERS",
            "PAYHOOK_RETENTION_DAYS",
        ] {
            let error = read(&[&COMPLETE[..], &[(name, "-x")]].concat()).unwrap_err();
            assert!(
                matches!(error, SettingsError::Unusable(found, _) if found == name),
                "{error}"
            );
        }
    }
}
