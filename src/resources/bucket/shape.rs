//! A bucket as S3 shows it, in the terms of its properties.

use super::{Bucket, policy};
use crate::graph::Input;
use crate::resources::key::arn_of;
use crate::resources::{Given, Unmanaged};
use aws_sdk_s3::operation::get_bucket_acl::GetBucketAclOutput;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::operation::get_bucket_website::GetBucketWebsiteOutput;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CorsRule, ExpirationStatus, LifecycleRule, ObjectOwnership,
    OwnershipControls, PublicAccessBlockConfiguration, ReplicationConfiguration,
    ServerSideEncryption, ServerSideEncryptionRule,
};
use serde_json::{Value, json};

pub(super) const ACL: &str = "acl";
pub(super) const ALGORITHM: &str = "sseAlgorithm";
pub(super) const CORS: &str = "cors";
pub(super) const LIFECYCLE: &str = "lifecycleRules";
pub(super) const LOGGING: &str = "accessLogBucket";
pub(super) const NOTIFICATIONS: &str = "notifications";
pub(super) const POLICY: &str = "policyStatements";
pub(super) const REPLICATION: &str = "replicatedTo";
pub(super) const WEBSITE: &str = "website";

/// Id of the one rule of ours.
pub(super) const RULE: &str = "bodies";

/// What S3 uses where a configuration names no key of anybody's.
const KEY_OF_S3: &str = "alias/aws/s3";

/// Everything that S3 tells about one bucket; what is not configured is absent.
#[derive(Default)]
pub(super) struct Shown {
    pub encryption: Option<ServerSideEncryptionRule>,
    pub versioning: Option<BucketVersioningStatus>,
    pub public_access: Option<PublicAccessBlockConfiguration>,
    pub ownership: Option<OwnershipControls>,
    pub policy: Option<String>,
    pub lifecycle: Vec<LifecycleRule>,
    pub website: Option<GetBucketWebsiteOutput>,
    pub cors: Vec<CorsRule>,
    pub replication: Option<ReplicationConfiguration>,
    pub log_bucket: Option<String>,
    pub notifications: Option<GetBucketNotificationConfigurationOutput>,
    pub acl: Option<GetBucketAclOutput>,
}

impl Shown {
    pub fn properties(&self, name: &str, given: &Given) -> Bucket {
        let mut bucket = Bucket {
            name: name.to_owned(),
            key: None,
            bucket_key: false,
            versioned: self.versioning == Some(BucketVersioningStatus::Enabled),
            public_access_blocked: self.public_access.as_ref().is_some_and(blocks_everything),
            owner_enforced: self.ownership.as_ref().is_some_and(is_enforced),
            tls_only: false,
            expiry_days: None,
            old_versions_days: None,
            unfinished_uploads_days: None,
            unmanaged: Unmanaged::new(),
        };
        self.read_encryption(&mut bucket, given);
        self.read_policy(&mut bucket, given);
        self.read_lifecycle(&mut bucket);
        self.read_ways_out(&mut bucket.unmanaged);
        bucket
    }

    fn read_encryption(&self, bucket: &mut Bucket, given: &Given) {
        let Some(rule) = &self.encryption else { return };
        bucket.bucket_key = rule.bucket_key_enabled() == Some(true);
        let Some(by_default) = rule.apply_server_side_encryption_by_default() else {
            return;
        };
        match by_default.sse_algorithm() {
            ServerSideEncryption::AwsKms => {
                let key = by_default.kms_master_key_id().unwrap_or(KEY_OF_S3);
                bucket.key = Some(Input::known(arn_of(given, key)));
            }
            ServerSideEncryption::Aes256 => {}
            other => note(&mut bucket.unmanaged, ALGORITHM, json!(other.as_str())),
        }
    }

    fn read_policy(&self, bucket: &mut Bucket, given: &Given) {
        let Some(text) = &self.policy else { return };
        let shown = policy::read(text, &bucket.arn(given));
        bucket.tls_only = shown.tls_only;
        if !shown.others.is_empty() {
            note(&mut bucket.unmanaged, POLICY, json!(shown.others));
        }
    }

    fn read_lifecycle(&self, bucket: &mut Bucket) {
        let (ours, others): (Vec<_>, Vec<_>) = self.lifecycle.iter().partition(|one| is_ours(one));
        if let Some(rule) = ours.first() {
            let days = |days: Option<i32>| days.and_then(|days| u32::try_from(days).ok());
            bucket.expiry_days = days(rule.expiration().and_then(|one| one.days()));
            let old = rule.noncurrent_version_expiration();
            bucket.old_versions_days = days(old.and_then(|one| one.noncurrent_days()));
            let unfinished = rule.abort_incomplete_multipart_upload();
            bucket.unfinished_uploads_days =
                days(unfinished.and_then(|one| one.days_after_initiation()));
        }
        let others: Vec<_> = others
            .iter()
            .map(|one| one.id().unwrap_or("(no id)"))
            .collect();
        if !others.is_empty() {
            note(&mut bucket.unmanaged, LIFECYCLE, json!(others));
        }
    }

    /// What lets bodies, or word of them, out of the bucket.
    fn read_ways_out(&self, unmanaged: &mut Unmanaged) {
        let ways = [
            (ACL, self.acl.as_ref().map(others_allowed)),
            (CORS, Some(origins(&self.cors))),
            (
                LOGGING,
                self.log_bucket.as_ref().map(|bucket| json!(bucket)),
            ),
            (NOTIFICATIONS, self.notifications.as_ref().map(receivers)),
            (REPLICATION, self.replication.as_ref().map(destinations)),
            (WEBSITE, self.website.as_ref().map(site)),
        ];
        for (name, found) in ways {
            let found = found.filter(|found| *found != json!([]));
            if let Some(found) = found {
                note(unmanaged, name, found);
            }
        }
    }
}

fn note(unmanaged: &mut Unmanaged, name: &str, value: Value) {
    unmanaged.insert(name.to_owned(), value);
}

fn blocks_everything(block: &PublicAccessBlockConfiguration) -> bool {
    let flags = [
        block.block_public_acls(),
        block.ignore_public_acls(),
        block.block_public_policy(),
        block.restrict_public_buckets(),
    ];
    flags.iter().all(|flag| *flag == Some(true))
}

fn is_enforced(controls: &OwnershipControls) -> bool {
    let mut rules = controls.rules().iter();
    rules.any(|rule| *rule.object_ownership() == ObjectOwnership::BucketOwnerEnforced)
}

/// A rule for all objects, under our id, that does nothing but end things after days.
fn is_ours(rule: &LifecycleRule) -> bool {
    let expiration = rule.expiration();
    let by_date = expiration.is_some_and(|one| {
        one.date().is_some() || one.expired_object_delete_marker() == Some(true)
    });
    let narrowed = rule.filter().is_some_and(|filter| {
        filter.prefix().is_some_and(|prefix| !prefix.is_empty())
            || filter.tag().is_some()
            || filter.and().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    });
    let keeps_some = rule
        .noncurrent_version_expiration()
        .is_some_and(|one| one.newer_noncurrent_versions().is_some());
    rule.id() == Some(RULE)
        && *rule.status() == ExpirationStatus::Enabled
        && rule.transitions().is_empty()
        && rule.noncurrent_version_transitions().is_empty()
        && !(by_date || narrowed || keeps_some)
}

/// Everybody but the owner whom the ACL allows something.
fn others_allowed(acl: &GetBucketAclOutput) -> Value {
    let owner = acl.owner().and_then(|owner| owner.id());
    let others = acl.grants().iter().filter_map(|grant| {
        let grantee = grant.grantee()?;
        let who = grantee.uri().or(grantee.id()).or(grantee.email_address());
        let what = grant.permission().map_or("nothing", |one| one.as_str());
        (who != owner).then(|| format!("{what} to {}", who.unwrap_or("somebody")))
    });
    json!(others.collect::<Vec<_>>())
}

fn origins(rules: &[CorsRule]) -> Value {
    json!(
        rules
            .iter()
            .flat_map(|rule| rule.allowed_origins())
            .collect::<Vec<_>>()
    )
}

fn receivers(to: &GetBucketNotificationConfigurationOutput) -> Value {
    let queues = to.queue_configurations().iter().map(|one| one.queue_arn());
    let topics = to.topic_configurations().iter().map(|one| one.topic_arn());
    let functions = to.lambda_function_configurations().iter();
    let functions = functions.map(|one| one.lambda_function_arn());
    let bus = to.event_bridge_configuration().map(|_| "EventBridge");
    json!(
        queues
            .chain(topics)
            .chain(functions)
            .chain(bus)
            .collect::<Vec<_>>()
    )
}

fn destinations(replication: &ReplicationConfiguration) -> Value {
    let rules = replication.rules().iter();
    let to = rules.filter_map(|rule| Some(rule.destination()?.bucket()));
    json!(to.collect::<Vec<_>>())
}

fn site(website: &GetBucketWebsiteOutput) -> Value {
    let index = website.index_document().map(|one| one.suffix());
    let host = website
        .redirect_all_requests_to()
        .map(|one| one.host_name());
    json!(index.or(host).unwrap_or("on"))
}
