//! Bodies that do not fit an item of the table, as objects of the stack's bucket.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::timeout::TimeoutConfig;

use super::{Packed, StoreError};
use crate::aws::{AwsFailure, describe};

/// Limits of one call and of one try of it: a body of some megabytes takes longer than an item.
const CALL: Duration = Duration::from_secs(8);
const TRY: Duration = Duration::from_secs(4);

/// Most that a compressed body can take: what Lambda lets through, and gzip's few bytes around what it cannot compress.
const LONGEST: usize = 8 << 20;

/// What keeps bodies that do not fit an item.
#[async_trait]
pub trait Bodies: Send + Sync {
    /// Keeps a body; the same body again changes nothing.
    async fn put(&self, body: &Packed) -> Result<(), StoreError>;

    /// The compressed bytes under a key.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Deletes every version of every object whose key begins so; how many there were.
    async fn erase(&self, prefix: &str) -> Result<usize, StoreError>;
}

/// A function's client of S3: the environment's, with calls bounded as bodies need it.
pub fn body_client(aws: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(CALL)
        .operation_attempt_timeout(TRY)
        .build();
    let config = aws_sdk_s3::config::Builder::from(aws)
        .timeout_config(timeouts)
        // An emulator's buckets have no host names of their own.
        .force_path_style(aws.endpoint_url().is_some());
    Client::from_conf(config.build())
}

/// The bucket `payment-bodies-{env}-{account}-{region}`.
///
/// Its client is made when the first large body comes, so that a function that never sees one pays nothing for it.
pub struct BodyBucket {
    client: LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>,
    bucket: String,
    owner: String,
}

impl BodyBucket {
    /// The bucket of this name, which must belong to the account `owner`, through a client made when it is needed.
    pub fn new(
        client: impl FnOnce() -> Client + Send + 'static,
        bucket: impl Into<String>,
        owner: impl Into<String>,
    ) -> Self {
        Self {
            client: LazyLock::new(Box::new(client)),
            bucket: bucket.into(),
            owner: owner.into(),
        }
    }

    fn failed<E>(&self, operation: &'static str, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + RequestId,
    {
        self.failure(operation, describe(error))
    }

    fn failure(&self, operation: &'static str, failure: AwsFailure) -> StoreError {
        StoreError::Bucket {
            bucket: self.bucket.clone(),
            operation,
            failure,
        }
    }

    fn unreadable(&self, operation: &'static str, code: &str) -> StoreError {
        let failure = AwsFailure {
            code: code.to_owned(),
            request_id: None,
            transient: true,
        };
        self.failure(operation, failure)
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .key(key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await;
        deleted
            .map(drop)
            .map_err(|error| self.failed("DeleteObject", &error))
    }
}

#[async_trait]
impl Bodies for BodyBucket {
    async fn put(&self, body: &Packed) -> Result<(), StoreError> {
        let written = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .key(body.key())
            .content_type("application/gzip")
            .body(ByteStream::from(body.gzip().to_vec()))
            .send()
            .await;
        written
            .map(drop)
            .map_err(|error| self.failed("PutObject", &error))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        const OPERATION: &str = "GetObject";
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.owner)
            .key(key)
            .send()
            .await;
        let object = match answer {
            Ok(object) => object,
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_no_such_key() => return Ok(None),
                _ => return Err(self.failed(OPERATION, &error)),
            },
        };
        let length = object.content_length().unwrap_or_default();
        if usize::try_from(length).is_ok_and(|length| length > LONGEST) {
            return Err(self.unreadable(OPERATION, "an object larger than any body"));
        }
        let bytes = object.body.collect().await;
        let bytes = bytes.map_err(|_| self.unreadable(OPERATION, "the answer ended early"))?;
        Ok(Some(bytes.to_vec()))
    }

    async fn erase(&self, prefix: &str) -> Result<usize, StoreError> {
        let mut erased = 0;
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&self.bucket)
                .expected_bucket_owner(&self.owner)
                .prefix(prefix)
                .send()
                .await
                .map_err(|error| self.failed("ListObjectVersions", &error))?;
            let versions = page.versions().iter();
            let versions = versions.map(|one| (one.key(), one.version_id()));
            let markers = page.delete_markers().iter();
            let markers = markers.map(|one| (one.key(), one.version_id()));
            let found: Vec<_> = versions.chain(markers).collect();
            for (key, version) in &found {
                self.delete(key.unwrap_or_default(), *version).await?;
            }
            erased += found.len();
            if found.is_empty() || page.is_truncated() != Some(true) {
                return Ok(erased);
            }
        }
    }
}

/// Bodies in memory, with the same meaning, for laws that need many runs.
#[derive(Default)]
pub struct MemoryBodies {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryBodies {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of all bodies.
    pub fn keys(&self) -> Vec<String> {
        self.objects().keys().cloned().collect()
    }
}

#[async_trait]
impl Bodies for MemoryBodies {
    async fn put(&self, body: &Packed) -> Result<(), StoreError> {
        self.objects()
            .insert(body.key().to_owned(), body.gzip().to_vec());
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.objects().get(key).cloned())
    }

    async fn erase(&self, prefix: &str) -> Result<usize, StoreError> {
        let mut objects = self.objects();
        let before = objects.len();
        objects.retain(|key, _| !key.starts_with(prefix));
        Ok(before - objects.len())
    }
}
