//! The calls that change one setting of a bucket each.

use super::calls::ask;
use super::shape::{
    ACL, ALGORITHM, CORS, LIFECYCLE, LOGGING, NOTIFICATIONS, POLICY, REPLICATION, RULE, WEBSITE,
};
use super::{Bucket, policy};
use crate::graph::Input;
use crate::resources::{At, Aws, Class, CloudError, During, Tags};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketCannedAcl, BucketLifecycleConfiguration,
    BucketLoggingStatus, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, NotificationConfiguration,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};

/// Brings every setting from what it is to what is wanted.
pub(super) async fn apply(aws: &Aws, at: &At<Bucket>, is: &Bucket) -> Result<(), CloudError> {
    let wanted = &at.properties;
    let found = |name: &str| is.unmanaged.contains_key(name);
    // S3 switches ACLs off only when they let nobody else in.
    if found(ACL) {
        let call = ask!(aws, at, put_bucket_acl).acl(BucketCannedAcl::Private);
        call.send().await.during("s3:PutBucketAcl")?;
    }
    if wanted.owner_enforced != is.owner_enforced {
        own(aws, at).await?;
    }
    if wanted.public_access_blocked != is.public_access_blocked {
        block_public_access(aws, at).await?;
    }
    // Versioning cannot be suspended while a replication needs it.
    if found(REPLICATION) {
        let call = ask!(aws, at, delete_bucket_replication);
        call.send().await.during("s3:PutReplicationConfiguration")?;
    }
    if wanted.versioned != is.versioned {
        version(aws, at).await?;
    }
    if (&wanted.key, wanted.bucket_key) != (&is.key, is.bucket_key) || found(ALGORITHM) {
        encrypt(aws, at).await?;
    }
    if wanted.tls_only != is.tls_only || found(POLICY) {
        set_policy(aws, at).await?;
    }
    if ends(wanted) != ends(is) || found(LIFECYCLE) {
        set_lifecycle(aws, at).await?;
    }
    close_ways_out(aws, at, is).await
}

/// Takes back what else lets bodies, or word of them, out.
async fn close_ways_out(aws: &Aws, at: &At<Bucket>, is: &Bucket) -> Result<(), CloudError> {
    let found = |name: &str| is.unmanaged.contains_key(name);
    if found(WEBSITE) {
        let call = ask!(aws, at, delete_bucket_website);
        call.send().await.during("s3:DeleteBucketWebsite")?;
    }
    if found(CORS) {
        let call = ask!(aws, at, delete_bucket_cors);
        call.send().await.during("s3:PutBucketCORS")?;
    }
    if found(LOGGING) {
        let none = BucketLoggingStatus::builder().build();
        let call = ask!(aws, at, put_bucket_logging).bucket_logging_status(none);
        call.send().await.during("s3:PutBucketLogging")?;
    }
    if found(NOTIFICATIONS) {
        let none = NotificationConfiguration::builder().build();
        let call = ask!(aws, at, put_bucket_notification_configuration);
        let call = call.notification_configuration(none);
        call.send().await.during("s3:PutBucketNotification")?;
    }
    Ok(())
}

async fn own(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let ownership = match at.properties.owner_enforced {
        true => ObjectOwnership::BucketOwnerEnforced,
        false => ObjectOwnership::ObjectWriter,
    };
    let rule = OwnershipControlsRule::builder().object_ownership(ownership);
    let controls = OwnershipControls::builder().rules(rule.build().map_err(unbuilt)?);
    let call = ask!(aws, at, put_bucket_ownership_controls);
    let call = call.ownership_controls(controls.build().map_err(unbuilt)?);
    call.send().await.during("s3:PutBucketOwnershipControls")?;
    Ok(())
}

async fn block_public_access(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let block = at.properties.public_access_blocked;
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(block)
        .ignore_public_acls(block)
        .block_public_policy(block)
        .restrict_public_buckets(block);
    let call = ask!(aws, at, put_public_access_block);
    let call = call.public_access_block_configuration(block.build());
    call.send().await.during("s3:PutBucketPublicAccessBlock")?;
    Ok(())
}

/// Versioning that was on once can only be suspended, which reads the same as off.
async fn version(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let status = match at.properties.versioned {
        true => BucketVersioningStatus::Enabled,
        false => BucketVersioningStatus::Suspended,
    };
    let versioning = VersioningConfiguration::builder().status(status).build();
    let call = ask!(aws, at, put_bucket_versioning).versioning_configuration(versioning);
    call.send().await.during("s3:PutBucketVersioning")?;
    Ok(())
}

async fn encrypt(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let key = at.properties.key.as_ref().map(Input::get).transpose()?;
    let algorithm = match key {
        Some(_) => ServerSideEncryption::AwsKms,
        None => ServerSideEncryption::Aes256,
    };
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(algorithm)
        .set_kms_master_key_id(key)
        .build()
        .map_err(unbuilt)?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .bucket_key_enabled(at.properties.bucket_key);
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let call = ask!(aws, at, put_bucket_encryption);
    let call = call.server_side_encryption_configuration(encryption.build().map_err(unbuilt)?);
    call.send().await.during("s3:PutEncryptionConfiguration")?;
    Ok(())
}

async fn set_policy(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    if at.properties.tls_only {
        let policy = policy::tls_only(&at.properties.arn(&aws.given));
        let call = ask!(aws, at, put_bucket_policy).policy(policy);
        call.send().await.during("s3:PutBucketPolicy")?;
    } else {
        let call = ask!(aws, at, delete_bucket_policy);
        call.send().await.during("s3:DeleteBucketPolicy")?;
    }
    Ok(())
}

/// Days after which objects, old versions and unfinished uploads go.
fn ends(bucket: &Bucket) -> [Option<i32>; 3] {
    let days = [
        bucket.expiry_days,
        bucket.old_versions_days,
        bucket.unfinished_uploads_days,
    ];
    days.map(|days| days.and_then(|days| i32::try_from(days).ok()))
}

async fn set_lifecycle(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let ends = ends(&at.properties);
    if ends == [None; 3] {
        let call = ask!(aws, at, delete_bucket_lifecycle);
        call.send().await.during("s3:PutLifecycleConfiguration")?;
        return Ok(());
    }
    let lifecycle = BucketLifecycleConfiguration::builder();
    let lifecycle = lifecycle.rules(rule(ends).map_err(unbuilt)?);
    let call = ask!(aws, at, put_bucket_lifecycle_configuration);
    let call = call.lifecycle_configuration(lifecycle.build().map_err(unbuilt)?);
    call.send().await.during("s3:PutLifecycleConfiguration")?;
    Ok(())
}

fn rule([objects, old, unfinished]: [Option<i32>; 3]) -> Result<LifecycleRule, BuildError> {
    let objects = objects.map(|days| LifecycleExpiration::builder().days(days).build());
    let old = old.map(|days| {
        let old = NoncurrentVersionExpiration::builder();
        old.noncurrent_days(days).build()
    });
    let unfinished = unfinished.map(|days| {
        let unfinished = AbortIncompleteMultipartUpload::builder();
        unfinished.days_after_initiation(days).build()
    });
    LifecycleRule::builder()
        .id(RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .set_expiration(objects)
        .set_noncurrent_version_expiration(old)
        .set_abort_incomplete_multipart_upload(unfinished)
        .build()
}

/// Replaces all tags, which is how S3 takes them.
pub(super) async fn tag(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let tags = Tagging::builder().set_tag_set(Some(sdk_tags(&at.tags)?));
    let call = ask!(aws, at, put_bucket_tagging).tagging(tags.build().map_err(unbuilt)?);
    call.send().await.during("s3:PutBucketTagging")?;
    Ok(())
}

pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(unbuilt)
}

fn unbuilt(error: BuildError) -> CloudError {
    CloudError::new("s3", Class::Invalid, "not-sent", error.to_string())
}
