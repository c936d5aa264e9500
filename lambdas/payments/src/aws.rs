//! How the functions call AWS, and what AWS answered as far as it may be shown.

use std::fmt;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;

/// Limits of one call and of one try of it. The tightest provider waits five seconds for its answer, and a call that is
/// lost is better repeated early.
const CALL: Duration = Duration::from_secs(4);
const TRY: Duration = Duration::from_secs(2);

/// The configuration of a function's AWS clients: the environment's, with bounded calls.
pub async fn config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(CALL)
        .operation_attempt_timeout(TRY)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .load()
        .await
}

/// A failed AWS call without anything that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsFailure {
    /// AWS's error code, or what happened on the way there.
    pub code: String,
    pub request_id: Option<String>,
    /// Whether the same call may work a little later.
    pub transient: bool,
}

impl fmt::Display for AwsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for AwsFailure {}

/// Codes after which the same call may work, beside every answer of 500 and above.
const TRANSIENT_CODES: [&str; 12] = [
    "ThrottlingException",
    "Throttling",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TransactionConflictException",
    "ReplicatedWriteConflictException",
    "InternalServerError",
    "InternalServiceError",
    "InternalException",
    "RequestTimeout",
    "KMSThrottlingException",
];

/// Describes a failed call. AWS's own message is left out: for a condition or a validation it can quote the item.
pub fn describe<E>(error: &SdkError<E, HttpResponse>) -> AwsFailure
where
    E: ProvideErrorMetadata + RequestId,
{
    let on_the_way = |code: &str| AwsFailure {
        code: code.into(),
        request_id: None,
        transient: true,
    };
    match error {
        SdkError::TimeoutError(_) => on_the_way("timed out"),
        SdkError::DispatchFailure(_) => on_the_way("could not be reached"),
        SdkError::ResponseError(_) => on_the_way("gave an answer that could not be read"),
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("unknown error");
            let transient =
                context.raw().status().as_u16() >= 500 || TRANSIENT_CODES.contains(&code);
            let request_id = context.err().request_id().map(str::to_owned);
            AwsFailure {
                code: code.into(),
                request_id,
                transient,
            }
        }
        _ => AwsFailure {
            code: "the request could not be built".into(),
            request_id: None,
            transient: false,
        },
    }
}
