//! How the function fails, as the state machine's Retry and Catch know it.

use lambda_runtime::Diagnostic;
use payments::confirm::GatewayError;
use payments::outcome::PublishError;
use payments::secret_cache::SecretUnavailable;
use payments::store::StoreError;

/// Why an event was not processed, without payload or secrets.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Secret(#[from] SecretUnavailable),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error("the input has no {0}; start the state machine with the records of the table's stream")]
    Input(&'static str),
    #[error("there is no such event in the table; it expired or was erased")]
    Missing,
    #[error("another execution is working on the event; this one looks again a little later")]
    Leased,
    #[error("the provider's API does not know the payment, or not yet; it is asked again")]
    NotKnownYet,
    #[error("the lease of the event ran out before its processing ended; it is taken up again")]
    LeaseLost,
    #[error("the payment's head changed each time it was about to be written; it is tried again")]
    HeadContended,
    #[error(
        "the event is not signed and {0} has no way to confirm it; set `confirm` for it in infra.toml, \
         then replay the event"
    )]
    Unconfirmed(String),
}

impl Failure {
    /// Whether the same input may work a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Publish(error) => error.failure.transient,
            Self::Secret(error) => error.is_transient(),
            Self::Gateway(error) => error.is_transient(),
            Self::Leased | Self::LeaseLost | Self::HeadContended | Self::NotKnownYet => true,
            Self::Input(_) | Self::Missing | Self::Unconfirmed(_) => false,
        }
    }

    /// The Lambda error type that the state machine decides by.
    pub fn error_type(&self) -> &'static str {
        if self.is_transient() {
            "Transient"
        } else {
            "Permanent"
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Diagnostic {
            error_type: failure.error_type().to_owned(),
            error_message: failure.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use payments::aws::AwsFailure;

    use super::*;

    #[test]
    fn the_error_type_is_exactly_transient_or_permanent() {
        let aws = |transient| AwsFailure {
            code: "Code".into(),
            request_id: None,
            transient,
        };
        let store = |transient| {
            Failure::Store(StoreError::Aws {
                table: "t".into(),
                operation: "PutItem",
                failure: aws(transient),
            })
        };
        for (failure, error_type) in [
            (store(true), "Transient"),
            (store(false), "Permanent"),
            (
                Failure::Publish(PublishError {
                    bus: "b".into(),
                    failure: aws(true),
                }),
                "Transient",
            ),
            (
                Failure::Publish(PublishError {
                    bus: "b".into(),
                    failure: aws(false),
                }),
                "Permanent",
            ),
            (Failure::Gateway(GatewayError::Busy(503)), "Transient"),
            (Failure::Gateway(GatewayError::NoSuchPayment), "Permanent"),
            (Failure::Secret(SecretUnavailable::TooSoon), "Transient"),
            (Failure::Leased, "Transient"),
            (Failure::NotKnownYet, "Transient"),
            (Failure::Input("record"), "Permanent"),
            (Failure::Missing, "Permanent"),
        ] {
            assert_eq!(Diagnostic::from(failure).error_type, error_type);
        }
    }
}
