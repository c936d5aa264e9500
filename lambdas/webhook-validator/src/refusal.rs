//! Why a webhook is not accepted, and what is said, logged and counted about it.

use payments::logging::Log;
use payments::metrics::{self, Metric};
use payments::providers::Provider;
use payments::providers::keys::{KeyUnavailable, VerifyError};
use payments::secret_cache::SecretUnavailable;
use payments::signature::SignatureError;
use payments::store::{ItemTooLarge, StoreError};

use crate::Answer;

pub(crate) enum Refusal {
    WrongMethod,
    UnknownProvider,
    TooLarge,
    Malformed(String),
    BadSignature(SignatureError),
    NoSecret(String),
    NoKey(KeyUnavailable),
    NotStored(StoreError),
}

impl Refusal {
    /// The provider's section of the secret is missing.
    pub(crate) fn no_section(provider: &dyn Provider) -> Self {
        let key = provider.key();
        Self::NoSecret(format!(
            "the secret has no entry for {key}; add one with `payhook secret set {key}`"
        ))
    }

    /// Logs and counts the refusal; gives the answer to the sender.
    pub(crate) fn report(self, log: &Log, provider: &str) -> Answer {
        let detail = self.detail();
        let fields = [
            ("provider", provider),
            ("reason", self.reason()),
            ("detail", detail.as_str()),
        ];
        let fields = if detail.is_empty() {
            &fields[..2]
        } else {
            &fields[..]
        };
        if self.is_ours() {
            log.error("webhook not accepted", fields);
        } else {
            log.warn("webhook refused", fields);
        }
        metrics::emit(log, provider, &[(self.metric(), 1)]);
        self.answer()
    }

    /// Whether an operator has to do something: a genuine webhook may be waiting.
    fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::NoSecret(_) | Self::NoKey(_) | Self::NotStored(_)
        )
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::WrongMethod => "wrong_method",
            Self::UnknownProvider => "unknown_provider",
            Self::TooLarge => "too_large",
            Self::Malformed(_) => "malformed",
            Self::BadSignature(error) => error.kind(),
            Self::NoSecret(_) => "no_secret",
            Self::NoKey(_) => "key_unavailable",
            Self::NotStored(_) => "store_failed",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::WrongMethod | Self::UnknownProvider | Self::TooLarge => String::new(),
            Self::Malformed(why) | Self::NoSecret(why) => why.clone(),
            Self::BadSignature(error) => error.to_string(),
            Self::NoKey(error) => error.to_string(),
            Self::NotStored(error) => error.to_string(),
        }
    }

    fn metric(&self) -> Metric {
        match self {
            Self::WrongMethod | Self::UnknownProvider | Self::Malformed(_) => {
                Metric::WebhookMalformed
            }
            Self::TooLarge => Metric::WebhookTooLarge,
            Self::BadSignature(_) => Metric::SignatureRejected,
            Self::NoSecret(_) | Self::NoKey(_) => Metric::SecretUnavailable,
            Self::NotStored(_) => Metric::StoreFailed,
        }
    }

    fn answer(&self) -> Answer {
        match self {
            Self::WrongMethod => Answer::wrong_method(),
            Self::UnknownProvider => Answer::unknown_provider(),
            Self::TooLarge => Answer::too_large(),
            Self::Malformed(_) => Answer::malformed(),
            Self::BadSignature(_) => Answer::bad_signature(),
            Self::NoSecret(_) | Self::NoKey(_) | Self::NotStored(_) => Answer::try_again(),
        }
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::MalformedBody(why) => Self::Malformed(why.to_string()),
            SignatureError::MalformedChallenge => Self::Malformed(error.to_string()),
            SignatureError::BadSecretConfig(_) => Self::NoSecret(error.to_string()),
            other => Self::BadSignature(other),
        }
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused(error) => error.into(),
            VerifyError::KeyUnavailable(error) => Self::NoKey(error),
        }
    }
}

impl From<ItemTooLarge> for Refusal {
    fn from(_: ItemTooLarge) -> Self {
        Self::TooLarge
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::NotStored(error)
    }
}

impl From<SecretUnavailable> for Refusal {
    fn from(error: SecretUnavailable) -> Self {
        Self::NoSecret(error.to_string())
    }
}
