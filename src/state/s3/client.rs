//! Objects of a bucket, by the S3 API.

use super::super::ledger::{Condition, Object, Objects, Written};
use crate::resources::{Class, CloudError, During};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, Region, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Longest wait for one answer; the objects are small.
const ANSWER: Duration = Duration::from_secs(10);

/// One environment's objects in a bucket.
pub struct Client {
    s3: aws_sdk_s3::Client,
    bucket: String,
    prefix: String,
    owner: String,
    start: (Instant, SystemTime),
}

/// A client of S3; `path_style` is for emulators, whose buckets have no host names of their own.
///
/// Only what does no harm the second time may be given more than one attempt.
pub(super) fn s3(
    sdk: &SdkConfig,
    region: &str,
    path_style: bool,
    attempts: u32,
) -> aws_sdk_s3::Client {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ANSWER)
        .build();
    let config = aws_sdk_s3::config::Builder::from(sdk)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .timeout_config(timeouts)
        .force_path_style(path_style)
        .region(Region::new(region.to_owned()));
    aws_sdk_s3::Client::from_conf(config.build())
}

impl Client {
    /// The objects of `env` below `prefix` in a bucket that belongs to the account `owner`.
    pub fn new(s3: aws_sdk_s3::Client, bucket: &str, owner: &str, prefix: &str, env: &str) -> Self {
        Self {
            s3,
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}{env}/"),
            owner: owner.to_owned(),
            start: (Instant::now(), SystemTime::now()),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn page(
        &self,
        prefix: &str,
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), CloudError> {
        let answer = self
            .s3
            .list_objects_v2()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .prefix(self.key(prefix))
            .set_continuation_token(token)
            .send()
            .await
            .during("s3:ListBucket")
            .map_err(sorted)?;
        let names = answer.contents().iter().filter_map(|object| object.key());
        let names = names.filter_map(|key| key.strip_prefix(&self.prefix));
        let names = names.map(str::to_owned).collect();
        Ok((names, answer.next_continuation_token().map(str::to_owned)))
    }
}

#[async_trait]
impl Objects for Client {
    async fn get(&self, name: &str) -> Result<Option<Object>, CloudError> {
        const CALL: &str = "s3:GetObject";
        let date = Date::default();
        let answer = self
            .s3
            .get_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .key(self.key(name))
            .customize()
            .interceptor(date.clone())
            .send()
            .await
            .during(CALL)
            .map_err(sorted);
        let answer = match answer {
            Err(error) if error.code == "NoSuchKey" => return Ok(None),
            answer => answer?,
        };
        let age = date.since(answer.last_modified());
        let tag = answer.e_tag().unwrap_or_default().to_owned();
        let bytes = answer.body.collect().await.map_err(|_| {
            CloudError::new(
                CALL,
                Class::Unavailable,
                "unreadable",
                "the answer ended early",
            )
        })?;
        Ok(Some(Object {
            bytes: bytes.to_vec(),
            tag,
            age,
        }))
    }

    async fn put(
        &self,
        name: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Written, CloudError> {
        let request = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .key(self.key(name))
            .content_type("application/x-ndjson")
            .body(ByteStream::from(bytes.to_vec()));
        let request = match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::Unchanged(tag) => request.if_match(tag),
        };
        let answer = request.send().await.during("s3:PutObject").map_err(sorted);
        match answer {
            Ok(answer) => Ok(Written::Done(answer.e_tag().unwrap_or_default().to_owned())),
            Err(error) if error.status == Some(412) => Ok(Written::Refused),
            // What was to be unchanged is gone.
            Err(error) if error.code == "NoSuchKey" => Ok(Written::Refused),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        let (mut names, mut next) = self.page(prefix, None).await?;
        while next.is_some() {
            let (more, after) = self.page(prefix, next).await?;
            names.extend(more);
            next = after;
        }
        Ok(names)
    }

    async fn delete(&self, name: &str) -> Result<(), CloudError> {
        let request = self
            .s3
            .delete_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .key(self.key(name));
        let answer = request.send().await.during("s3:DeleteObject");
        answer.map(drop).map_err(sorted)
    }

    async fn pause(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    /// The larger of two clocks: one stands still while the machine sleeps, the other may be set back.
    fn elapsed(&self) -> Duration {
        let (monotonic, wall) = self.start;
        monotonic.elapsed().max(wall.elapsed().unwrap_or_default())
    }

    fn place(&self, name: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(name))
    }
}

/// S3's own codes that say something else than they do elsewhere.
pub(super) fn sorted(mut error: CloudError) -> CloudError {
    match error.code.as_str() {
        // Another conditional write of the same object was under way.
        "ConditionalRequestConflict" | "OperationAborted" => error.class = Class::Conflict,
        "RequestTimeout" | "InternalError" | "ServiceUnavailable" => {
            error.class = Class::Unavailable;
        }
        _ => {}
    }
    error
}

/// The `Date` of an answer, in seconds since 1970; 0 as long as there is none.
#[derive(Clone, Debug, Default)]
struct Date(Arc<AtomicI64>);

impl Date {
    /// How long before the answer something happened; no time at all if the answer does not say.
    fn since(&self, then: Option<&DateTime>) -> Duration {
        let now = self.0.load(Ordering::SeqCst);
        let then = then.map_or(now, DateTime::secs);
        Duration::from_secs(u64::try_from(now - then).unwrap_or(0))
    }
}

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let Some(date) = date {
            self.0.store(date.secs(), Ordering::SeqCst);
        }
        Ok(())
    }
}
