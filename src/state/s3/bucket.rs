//! The bucket that states are kept in: made, protected, and never anybody else's.

use super::client::{self, Client, sorted};
use crate::resources::{Class, CloudError, During, tag};
use aws_config::SdkConfig;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    BucketVersioningStatus, CreateBucketConfiguration, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter, NoncurrentVersionExpiration, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    Tag, Tagging, VersioningConfiguration,
};
use serde_json::json;

/// What `payhook:resource` of the bucket says.
const RESOURCE: &str = "state";
/// Days after which overwritten objects go; the lock is overwritten every few seconds of a run.
const KEPT_DAYS: i32 = 30;

/// Why a bucket cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BucketError {
    /// Somebody else's.
    #[error("bucket `{bucket}` is not payhook's: {why}")]
    NotOurs {
        /// Its name.
        bucket: String,
        /// What shows it.
        why: String,
    },
    /// It does not exist.
    #[error("bucket `{bucket}` does not exist")]
    Absent {
        /// Its name.
        bucket: String,
    },
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CloudError),
}

impl From<BuildError> for BucketError {
    fn from(error: BuildError) -> Self {
        let words = error.to_string();
        Self::Call(CloudError::new("s3", Class::Invalid, "not-sent", words))
    }
}

/// A bucket of one account.
pub struct Bucket {
    s3: aws_sdk_s3::Client,
    name: String,
    region: String,
    account: Account,
    stack: String,
    emulated: bool,
}

/// Whose a bucket must be.
#[derive(Clone, Debug)]
pub struct Account {
    /// Account id.
    pub id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
}

impl Bucket {
    /// The bucket `name` in `region` for the states of `stack`.
    ///
    /// `emulated` is for endpoints whose buckets have no host names of their own and no TLS.
    pub fn new(
        sdk: &SdkConfig,
        name: &str,
        region: &str,
        account: Account,
        stack: &str,
        emulated: bool,
    ) -> Self {
        Self {
            s3: client::s3(sdk, region, emulated),
            name: name.to_owned(),
            region: region.to_owned(),
            account,
            stack: stack.to_owned(),
            emulated,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One environment's objects in it.
    pub fn client(&self, prefix: &str, env: &str) -> Client {
        Client::new(self.s3.clone(), &self.name, &self.account.id, prefix, env)
    }

    /// Refuses a bucket that is not there or not ours.
    pub async fn guard(&self) -> Result<(), BucketError> {
        let tags = self.tags().await?;
        let stack = tags.iter().find(|(key, _)| key == tag::STACK);
        match stack {
            Some((_, stack)) if *stack == self.stack => Ok(()),
            Some((_, stack)) => Err(self.not_ours(format!("its tags say stack `{stack}`"))),
            None => Err(self.not_ours("it carries no ownership tags of payhook".to_owned())),
        }
    }

    /// Makes it if it is not there, and sets everything it must have; answers whether it was made now.
    pub async fn make(&self) -> Result<bool, BucketError> {
        let made = match self.guard().await {
            Ok(()) => false,
            Err(BucketError::Absent { .. }) => {
                self.create().await?;
                true
            }
            Err(error) => return Err(error),
        };
        self.protect().await?;
        Ok(made)
    }

    fn not_ours(&self, why: String) -> BucketError {
        BucketError::NotOurs {
            bucket: self.name.clone(),
            why,
        }
    }

    async fn tags(&self) -> Result<Vec<(String, String)>, BucketError> {
        let request = self
            .s3
            .get_bucket_tagging()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id);
        let answer = request.send().await.during("s3:GetBucketTagging");
        match answer {
            Ok(answer) => Ok(answer
                .tag_set()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect()),
            Err(error) if error.code == "NoSuchTagSet" => Ok(Vec::new()),
            Err(error) if error.code == "NoSuchBucket" => Err(BucketError::Absent {
                bucket: self.name.clone(),
            }),
            Err(error) if error.class == Class::Denied => {
                let owner = &self.account.id;
                Err(self.not_ours(format!(
                    "it belongs to another account than {owner}, or s3:GetBucketTagging is not allowed"
                )))
            }
            Err(error) => Err(sorted(error).into()),
        }
    }

    async fn create(&self) -> Result<(), BucketError> {
        let mut place = CreateBucketConfiguration::builder().set_tags(Some(own_tags(&self.stack)?));
        // The one region that is not named.
        if self.region != "us-east-1" {
            place = place.location_constraint(BucketLocationConstraint::from(self.region.as_str()));
        }
        let request = self
            .s3
            .create_bucket()
            .bucket(&self.name)
            .create_bucket_configuration(place.build());
        match request.send().await.during("s3:CreateBucket") {
            Ok(_) => {}
            // Another `state init` at the same time, or one whose answer was lost.
            Err(error) if error.code == "BucketAlreadyOwnedByYou" => {}
            Err(error) if error.code == "BucketAlreadyExists" => {
                return Err(self.not_ours("another account has this name".to_owned()));
            }
            Err(error) => return Err(sorted(error).into()),
        }
        // Emulators make it without the tags it was to have from the start.
        if self.tags().await?.is_empty() {
            let tagging = Tagging::builder()
                .set_tag_set(Some(own_tags(&self.stack)?))
                .build()?;
            let request = self
                .s3
                .put_bucket_tagging()
                .bucket(&self.name)
                .expected_bucket_owner(&self.account.id)
                .tagging(tagging);
            request.send().await.during("s3:PutBucketTagging")?;
        }
        self.guard().await
    }

    /// Versions, encryption, no public access, TLS only, and an end to old versions.
    async fn protect(&self) -> Result<(), BucketError> {
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
        request.send().await.during("s3:PutBucketVersioning")?;
        if !self.emulated {
            let request = self
                .s3
                .put_bucket_policy()
                .bucket(&self.name)
                .expected_bucket_owner(&self.account.id)
                .policy(tls_only(&self.account.partition, &self.name));
            request.send().await.during("s3:PutBucketPolicy")?;
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
        request
            .send()
            .await
            .during("s3:PutBucketPublicAccessBlock")?;
        let owner = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .build()?;
        let request = self
            .s3
            .put_bucket_ownership_controls()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account.id)
            .ownership_controls(OwnershipControls::builder().rules(owner).build()?);
        request
            .send()
            .await
            .during("s3:PutBucketOwnershipControls")?;
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
        request
            .send()
            .await
            .during("s3:PutEncryptionConfiguration")?;
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
        request
            .send()
            .await
            .during("s3:PutLifecycleConfiguration")?;
        Ok(())
    }
}

fn own_tags(stack: &str) -> Result<Vec<Tag>, BuildError> {
    [(tag::STACK, stack), (tag::RESOURCE, RESOURCE)]
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .into_iter()
        .collect()
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
