//! Errors of AWS calls in one shape, with the class that decides what to do about them.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use std::error::Error as StdError;
use std::fmt;

/// What kind of refusal an error is; decides between retry, wait and stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Too many calls: slow down and repeat.
    Throttle,
    /// The server failed or did not answer; the call may or may not have taken effect.
    Unavailable,
    /// Credentials missing, expired or wrong.
    Credentials,
    /// Not allowed.
    Denied,
    /// A quota of the account; waiting does not help.
    Quota,
    /// No such thing.
    NotFound,
    /// It exists already, or something else is under way on it.
    Conflict,
    /// The request itself is refused.
    Invalid,
    /// The resource was made but AWS reports it as failed.
    Failed,
}

/// Stands for the error code of an answer that has none.
const NO_CODE: &str = "Unknown";

/// An AWS call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudError {
    /// `service:Operation`.
    pub call: String,
    /// AWS error code, or a word of ours in lower case when no answer came.
    pub code: String,
    /// AWS's words.
    pub message: String,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// AWS request id, if an answer came.
    pub request_id: Option<String>,
    /// What kind of refusal it is.
    pub class: Class,
}

impl CloudError {
    /// An error that payhook itself found, about a call or resource.
    pub fn new(call: &str, class: Class, code: &str, message: impl Into<String>) -> Self {
        Self {
            call: call.to_owned(),
            code: code.to_owned(),
            message: message.into(),
            status: None,
            request_id: None,
            class,
        }
    }

    /// Whether it says that the thing is not there.
    pub fn is_absent(&self) -> bool {
        self.class == Class::NotFound
    }

    /// Whether the endpoint does not know the operation at all: AWS gives every 404 of its own an error code.
    pub fn is_unknown_operation(&self) -> bool {
        self.status == Some(404) && self.code == NO_CODE
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.call, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

impl StdError for CloudError {}

impl From<crate::graph::Unresolved> for CloudError {
    fn from(open: crate::graph::Unresolved) -> Self {
        Self::new("payhook", Class::Invalid, "unresolved", open.to_string())
    }
}

/// Names the call on the result of an SDK operation.
pub trait During<T> {
    /// Turns an SDK error into ours; `call` is `service:Operation`.
    fn during(self, call: &str) -> Result<T, CloudError>;

    /// The same, with "no such thing" as `None`.
    fn or_absent(self, call: &str) -> Result<Option<T>, CloudError>;
}

impl<T, E> During<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + RequestId + StdError + Send + Sync + 'static,
{
    fn during(self, call: &str) -> Result<T, CloudError> {
        self.map_err(|error| convert(call, &error))
    }

    fn or_absent(self, call: &str) -> Result<Option<T>, CloudError> {
        match self.during(call) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn convert<E>(call: &str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + RequestId + StdError + Send + Sync + 'static,
{
    let status = error.raw_response().map(|r| r.status().as_u16());
    let Some(service) = error.as_service_error() else {
        return unanswered(call, error, status);
    };
    // The SDK takes an answer for an error of the service that says success and cannot be read.
    if service.code().is_none() && status.is_some_and(|status| status < 300) {
        let message = "the answer could not be read";
        let mut converted = CloudError::new(call, Class::Unavailable, "unreadable", message);
        converted.status = status;
        return converted;
    }
    let code = service.code().unwrap_or(NO_CODE).to_owned();
    let message = service.message().unwrap_or_default().to_owned();
    let class = classify(call, &code, &message, status);
    let request_id = service.request_id().map(str::to_owned);
    CloudError {
        call: call.to_owned(),
        code,
        message,
        status,
        request_id,
        class,
    }
}

fn unanswered<E>(call: &str, error: &SdkError<E, HttpResponse>, status: Option<u16>) -> CloudError
where
    E: StdError + Send + Sync + 'static,
{
    let (class, code, message) = match error {
        _ if lacks_credentials(error) => (
            Class::Credentials,
            "no-credentials",
            "no usable AWS credentials were found",
        ),
        SdkError::TimeoutError(_) => (Class::Unavailable, "timeout", "no answer in time"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (Class::Unavailable, "timeout", "no answer in time")
        }
        SdkError::DispatchFailure(_) => (
            Class::Unavailable,
            "unreachable",
            "the endpoint could not be reached",
        ),
        SdkError::ResponseError(_) => (
            Class::Unavailable,
            "unreadable",
            "the answer could not be read",
        ),
        _ => (Class::Invalid, "not-sent", "the request could not be built"),
    };
    // The SDK's full context names files and types of its own; only failures without a plain cause carry it.
    let message = match class {
        Class::Invalid => format!("{message}: {}", DisplayErrorContext(error)),
        _ => message.to_owned(),
    };
    let mut converted = CloudError::new(call, class, code, message);
    converted.status = status;
    converted
}

/// Whether a call was not sent because nothing gave credentials for it.
fn lacks_credentials(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Sorts an AWS error code; facts from the SDK's own classifiers and the services' error tables.
fn classify(call: &str, code: &str, message: &str, status: Option<u16>) -> Class {
    // DynamoDB has one code for too many table operations at once and for too many tables; only the words tell them
    // apart (terraform-provider-aws, internal/service/dynamodb/table.go).
    if code == "LimitExceededException" && call.starts_with("dynamodb:") {
        return match message.contains("simultaneous") {
            true => Class::Throttle,
            false => Class::Quota,
        };
    }
    // "Rate exceeded" is always a throttle, whatever its code (go-to-k/cdkd, deployment/retryable-errors.ts).
    if THROTTLES.contains(&code) || message.contains("Rate exceeded") {
        return Class::Throttle;
    }
    if CREDENTIALS.contains(&code) {
        return Class::Credentials;
    }
    if code.contains("AccessDenied") || DENIED.contains(&code) {
        return Class::Denied;
    }
    if code.contains("LimitExceeded") || QUOTAS.contains(&code) {
        return Class::Quota;
    }
    if ABSENT.contains(&code) {
        return Class::NotFound;
    }
    if code.contains("AlreadyExists") || CONFLICTS.contains(&code) {
        return Class::Conflict;
    }
    match status {
        Some(500..) => Class::Unavailable,
        Some(404) => Class::NotFound,
        Some(429) => Class::Throttle,
        _ => Class::Invalid,
    }
}

const THROTTLES: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "KMSThrottling",
    "KmsThrottlingException",
    "Throttled",
];

const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
];

const DENIED: &[&str] = &[
    "AuthorizationError",
    "UnauthorizedOperation",
    "NotAuthorized",
    "UnauthorizedException",
];

const QUOTAS: &[&str] = &[
    "ServiceQuotaExceededException",
    "CodeStorageExceededException",
    "PolicyLengthExceededException",
    "TooManyBuckets",
];

const ABSENT: &[&str] = &[
    "NotFoundException",
    "ResourceNotFoundException",
    "ResourceNotFound",
    "NotFound",
    "NoSuchEntity",
    "NoSuchEntityException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "StateMachineDoesNotExist",
    "DashboardNotFoundError",
    "TableNotFoundException",
];

const CONFLICTS: &[&str] = &[
    "ConflictException",
    "ResourceConflictException",
    "ResourceExistsException",
    "ResourceInUseException",
    "OperationAbortedException",
    "OperationAborted",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "DeleteConflict",
    "QueueNameExists",
    "PreconditionFailedException",
    "StateMachineDeleting",
];

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

    /// Has none to give.
    #[derive(Debug)]
    struct Empty;

    impl ProvideCredentials for Empty {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let none = CredentialsError::not_loaded("in words of its own");
            future::ProvideCredentials::ready(Err::<Credentials, _>(none))
        }
    }

    #[tokio::test]
    async fn a_call_for_which_nothing_gave_credentials_is_known_by_its_type_whatever_the_words() {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Empty))
            .build();
        let kms = aws_sdk_kms::Client::new(&config);
        let refused = kms.list_keys().send().await.during("kms:ListKeys");
        let error = refused.expect_err("nothing to sign it with");
        assert_eq!(error.class, Class::Credentials, "{error}");
        assert_eq!(error.code, "no-credentials");
    }
}
