//! What the bucket must have: versions, encryption, no public access, TLS only, and an end to old versions.

use super::{Bucket, BucketError, settled};
use crate::resources::During;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketVersioningStatus,
    ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, VersioningConfiguration,
};
use serde_json::json;

/// Days after which overwritten objects go; the lock is overwritten every few seconds of a run.
const KEPT_DAYS: i32 = 30;

impl Bucket {
    /// Sets all of it.
    pub(super) async fn protect(&self) -> Result<(), BucketError> {
        self.block_public_access().await?;
        self.encrypt().await?;
        let versioning = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let request = self
            .s3
            .put_bucket_versioning()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id)
            .versioning_configuration(versioning);
        settled(|| async {
            request
                .clone()
                .send()
                .await
                .during("s3:PutBucketVersioning")
        })
        .await?;
        if self.reach.tls {
            let request = self
                .s3
                .put_bucket_policy()
                .bucket(&self.name)
                .expected_bucket_owner(&self.account.id)
                .policy(tls_only(&self.account.partition, &self.name));
            settled(|| async { request.clone().send().await.during("s3:PutBucketPolicy") }).await?;
        }
        self.end_old_versions().await
    }

    async fn block_public_access(&self) -> Result<(), BucketError> {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let request = self
            .s3
            .put_public_access_block()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id)
            .public_access_block_configuration(block);
        settled(|| async {
            request
                .clone()
                .send()
                .await
                .during("s3:PutBucketPublicAccessBlock")
        })
        .await?;
        let owner = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .build()?;
        let request = self
            .s3
            .put_bucket_ownership_controls()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id)
            .ownership_controls(OwnershipControls::builder().rules(owner).build()?);
        settled(|| async {
            request
                .clone()
                .send()
                .await
                .during("s3:PutBucketOwnershipControls")
        })
        .await?;
        Ok(())
    }

    async fn encrypt(&self) -> Result<(), BucketError> {
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::Aes256)
            .build()?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default)
            .build();
        let encryption = ServerSideEncryptionConfiguration::builder()
            .rules(rule)
            .build()?;
        let request = self
            .s3
            .put_bucket_encryption()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id)
            .server_side_encryption_configuration(encryption);
        settled(|| async {
            request
                .clone()
                .send()
                .await
                .during("s3:PutEncryptionConfiguration")
        })
        .await?;
        Ok(())
    }

    async fn end_old_versions(&self) -> Result<(), BucketError> {
        let old = NoncurrentVersionExpiration::builder()
            .noncurrent_days(KEPT_DAYS)
            .build();
        let unfinished = AbortIncompleteMultipartUpload::builder()
            .days_after_initiation(1)
            .build();
        let rule = LifecycleRule::builder()
            .id("old-versions")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .noncurrent_version_expiration(old)
            .abort_incomplete_multipart_upload(unfinished)
            .build()?;
        let lifecycle = BucketLifecycleConfiguration::builder()
            .rules(rule)
            .build()?;
        let request = self
            .s3
            .put_bucket_lifecycle_configuration()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id)
            .lifecycle_configuration(lifecycle);
        settled(|| async {
            request
                .clone()
                .send()
                .await
                .during("s3:PutLifecycleConfiguration")
        })
        .await?;
        Ok(())
    }
}

/// Refuses whatever does not come over TLS.
fn tls_only(partition: &str, bucket: &str) -> String {
    let arn = format!("arn:{partition}:s3:::{bucket}");
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }],
    })
    .to_string()
}
