//! The calls that read, make and delete a bucket.

use super::shape::Shown;
use super::{Bucket, emptying, settings};
use crate::resources::tags;
use crate::resources::{
    At, Aws, Class, CloudError, Delete, During, Live, Observed, Put, Resource, Tags,
};
use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

/// A request about the bucket, which S3 refuses should another account have taken its name.
macro_rules! ask {
    ($aws:expr, $at:expr, $operation:ident) => {
        $aws.s3
            .$operation()
            .bucket($at.properties.bucket_name(&$aws.given))
            .expected_bucket_owner(&$aws.given.account)
    };
}
pub(super) use ask;

/// The one region that a request to make a bucket must not name.
const UNNAMED_REGION: &str = "us-east-1";
const VISIBLE: &str = "bucket to be visible";
const EMPTY: &str = "bucket to be empty";
const GONE: &str = "bucket to be gone";

#[async_trait]
impl Live for Bucket {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let (tags, rest) = tokio::join!(tags(aws, at), shown(aws, at));
        let Some(tags) = tags? else {
            return Ok(None);
        };
        let shown = rest?;
        let properties = shown.properties(&at.properties.name, &aws.given);
        let outputs = at.properties.predicted(&aws.given);
        Ok(Some(Observed::settled(properties, outputs, Some(tags))))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let Some(observed) = observed else {
            create(aws, at).await?;
            return Ok(Put::Waiting(VISIBLE));
        };
        settings::apply(aws, at, &observed.properties).await?;
        if observed.tags.as_ref() != Some(&at.tags) {
            settings::tag(aws, at).await?;
        }
        Ok(Put::Done(at.properties.predicted(&aws.given)))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        if !emptying::empty(aws, at).await? {
            return Ok(Delete::Waiting(EMPTY));
        }
        let deleted = ask!(aws, at, delete_bucket).send().await;
        match deleted.or_absent("s3:DeleteBucket") {
            Ok(Some(_)) => Ok(Delete::Waiting(GONE)),
            Ok(None) => Ok(Delete::Gone),
            // A function that still ran has written once more.
            Err(error) if error.code == "BucketNotEmpty" => Ok(Delete::Waiting(EMPTY)),
            Err(error) => Err(error),
        }
    }
}

/// The tags; `None` where there is no bucket.
async fn tags(aws: &Aws, at: &At<Bucket>) -> Result<Option<Tags>, CloudError> {
    let tags = ask!(aws, at, get_bucket_tagging).send().await;
    match tags.during("s3:GetBucketTagging") {
        Ok(tags) => {
            let tags = tags.tag_set.into_iter();
            Ok(Some(tags::collect(tags.map(|tag| (tag.key, tag.value)))))
        }
        Err(error) if error.code == "NoSuchTagSet" => Ok(Some(Tags::new())),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) if error.class == Class::Denied => Err(CloudError {
            message: format!(
                "{}; the bucket {} may belong to another account",
                error.message,
                at.properties.bucket_name(&aws.given)
            ),
            ..error
        }),
        Err(error) => Err(error),
    }
}

/// Everything else. What is not configured is a 404 of its own, as is everything of a bucket that is not there.
async fn shown(aws: &Aws, at: &At<Bucket>) -> Result<Shown, CloudError> {
    let (encryption, versioning, public_access, ownership, policy, lifecycle) = tokio::join!(
        ask!(aws, at, get_bucket_encryption).send(),
        ask!(aws, at, get_bucket_versioning).send(),
        ask!(aws, at, get_public_access_block).send(),
        ask!(aws, at, get_bucket_ownership_controls).send(),
        ask!(aws, at, get_bucket_policy).send(),
        ask!(aws, at, get_bucket_lifecycle_configuration).send(),
    );
    let encryption = encryption.or_absent("s3:GetEncryptionConfiguration")?;
    let encryption = encryption.and_then(|it| it.server_side_encryption_configuration);
    let versioning = versioning.or_absent("s3:GetBucketVersioning")?;
    let public_access = public_access.or_absent("s3:GetBucketPublicAccessBlock")?;
    let ownership = ownership.or_absent("s3:GetBucketOwnershipControls")?;
    let lifecycle = lifecycle.or_absent("s3:GetLifecycleConfiguration")?;
    Ok(Shown {
        encryption: encryption.and_then(|it| it.rules.into_iter().next()),
        versioning: versioning.and_then(|it| it.status),
        public_access: public_access.and_then(|it| it.public_access_block_configuration),
        ownership: ownership.and_then(|it| it.ownership_controls),
        policy: policy
            .or_absent("s3:GetBucketPolicy")?
            .and_then(|it| it.policy),
        lifecycle: lifecycle.and_then(|it| it.rules).unwrap_or_default(),
        ..ways_out(aws, at).await?
    })
}

/// What lets objects, or word of them, out.
async fn ways_out(aws: &Aws, at: &At<Bucket>) -> Result<Shown, CloudError> {
    let (website, cors, replication, logging, notifications, acl) = tokio::join!(
        ask!(aws, at, get_bucket_website).send(),
        ask!(aws, at, get_bucket_cors).send(),
        ask!(aws, at, get_bucket_replication).send(),
        ask!(aws, at, get_bucket_logging).send(),
        ask!(aws, at, get_bucket_notification_configuration).send(),
        ask!(aws, at, get_bucket_acl).send(),
    );
    let cors = cors.or_absent("s3:GetBucketCORS")?;
    let replication = replication.or_absent("s3:GetReplicationConfiguration")?;
    let logging = logging.or_absent("s3:GetBucketLogging")?;
    Ok(Shown {
        website: website.or_absent("s3:GetBucketWebsite")?,
        cors: cors.and_then(|it| it.cors_rules).unwrap_or_default(),
        replication: replication.and_then(|it| it.replication_configuration),
        log_bucket: logging
            .and_then(|it| it.logging_enabled)
            .map(|it| it.target_bucket),
        notifications: notifications.or_absent("s3:GetBucketNotification")?,
        acl: acl.or_absent("s3:GetBucketAcl")?,
        ..Shown::default()
    })
}

/// Makes it with its tags, so that it is never there without proof of whose it is.
async fn create(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let region = aws.given.region.as_str();
    let place = CreateBucketConfiguration::builder();
    let mut place = place.set_tags(Some(settings::sdk_tags(&at.tags)?));
    if region != UNNAMED_REGION {
        place = place.location_constraint(BucketLocationConstraint::from(region));
    }
    let call = aws.s3.create_bucket();
    let call = call.bucket(at.properties.bucket_name(&aws.given));
    let created = call.create_bucket_configuration(place.build()).send().await;
    match created.during("s3:CreateBucket") {
        Ok(_) => Ok(()),
        // One whose answer was lost; us-east-1 says 200 to that.
        Err(error) if error.code == "BucketAlreadyOwnedByYou" => Ok(()),
        Err(error) if error.code == "BucketAlreadyExists" => Err(CloudError {
            // Nothing that passes by waiting.
            class: Class::Invalid,
            message: format!(
                "another account has the bucket {}; buckets of all accounts share one list of names",
                at.properties.bucket_name(&aws.given)
            ),
            ..error
        }),
        Err(error) => Err(error),
    }
}
