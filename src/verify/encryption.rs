//! Constraint 3: one key, rotated, and everything under it.

use super::report::Subject;
use super::{Check, Examination, or_unreadable};
use crate::resources::{CloudError, During};
use aws_sdk_sqs::types::QueueAttributeName;

impl Examination<'_> {
    pub(super) async fn encryption(&self) -> Vec<Check> {
        let (key, secret, queue, bucket) = (
            self.subject("kms-key", self.key_id),
            self.subject("secret", self.secret),
            self.subject("sqs-queue", self.queue),
            self.subject("s3-bucket", self.bucket),
        );
        let parts = tokio::join!(
            self.read_key(&key),
            self.read_secret(&secret),
            self.read_queue(&queue),
            self.read_bucket(&bucket),
        );
        [
            or_unreadable(parts.0, &key, &[3]),
            or_unreadable(parts.1, &secret, &[3]),
            or_unreadable(parts.2, &queue, &[3]),
            or_unreadable(parts.3, &bucket, &[3]),
        ]
        .concat()
    }

    async fn read_key(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let kms = &self.aws.kms;
        let (key, rotation) = tokio::join!(
            kms.describe_key().key_id(self.key_id).send(),
            kms.get_key_rotation_status().key_id(self.key_id).send(),
        );
        let key = key.during("kms:DescribeKey")?.key_metadata;
        let rotated = rotation
            .during("kms:GetKeyRotationStatus")?
            .key_rotation_enabled;
        let state = key
            .as_ref()
            .and_then(|key| key.key_state())
            .map(|state| state.as_str());
        let manager = key
            .as_ref()
            .and_then(|key| key.key_manager())
            .map(|manager| manager.as_str());
        Ok(vec![
            subject.equal(3, "state", "state", "Enabled", state),
            subject.equal(3, "manager", "managed by", "CUSTOMER", manager),
            subject.equal(3, "rotation", "rotation", true, Some(rotated)),
        ])
    }

    async fn read_secret(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let request = self.aws.secrets.describe_secret().secret_id(self.secret);
        let secret = request
            .send()
            .await
            .during("secretsmanager:DescribeSecret")?;
        Ok(vec![self.under_key(subject, secret.kms_key_id)])
    }

    async fn read_queue(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let sqs = &self.aws.sqs;
        let url = sqs
            .get_queue_url()
            .queue_name(self.queue)
            .send()
            .await
            .during("sqs:GetQueueUrl")?;
        let request = sqs
            .get_queue_attributes()
            .set_queue_url(url.queue_url)
            .attribute_names(QueueAttributeName::KmsMasterKeyId);
        let attributes = request
            .send()
            .await
            .during("sqs:GetQueueAttributes")?
            .attributes;
        let key = attributes
            .and_then(|mut attributes| attributes.remove(&QueueAttributeName::KmsMasterKeyId));
        Ok(vec![self.under_key(subject, key)])
    }

    async fn read_bucket(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let request = self.aws.s3.get_bucket_encryption().bucket(self.bucket);
        let shown = request
            .expected_bucket_owner(&self.aws.given.account)
            .send()
            .await
            .during("s3:GetEncryptionConfiguration")?;
        let rules = shown.server_side_encryption_configuration;
        let rule = rules.and_then(|it| it.rules.into_iter().next());
        let by_default = rule.and_then(|it| it.apply_server_side_encryption_by_default);
        let key = by_default.and_then(|it| it.kms_master_key_id);
        Ok(vec![self.under_key(subject, key)])
    }

    /// The check of one log group; none where nothing is logged.
    pub(super) async fn log_group(&self, name: Option<&str>) -> Vec<Check> {
        let Some(name) = name else {
            return Vec::new();
        };
        let subject = Subject {
            kind: "log-group",
            name,
            emulated: self.aws.emulated,
        };
        let request = self
            .aws
            .logs
            .describe_log_groups()
            .log_group_name_prefix(name);
        let groups = request.send().await.during("logs:DescribeLogGroups");
        let checks = groups.map(|groups| {
            let mut groups = groups.log_groups.unwrap_or_default().into_iter();
            let group = groups.find(|group| group.log_group_name() == Some(name));
            vec![self.under_key(&subject, group.and_then(|group| group.kms_key_id))]
        });
        or_unreadable(checks, &subject, &[3])
    }

    fn under_key(&self, subject: &Subject<'_>, key: Option<String>) -> Check {
        let right = key.as_deref().is_some_and(|key| is_key(key, self.key_id));
        subject.judged(
            3,
            "key",
            "encryption",
            format!("key {}", self.key_id),
            key,
            right,
        )
    }
}

/// Whether an id or ARN, as services show it, is that of the key.
pub(super) fn is_key(shown: &str, id: &str) -> bool {
    shown == id || shown.ends_with(&format!(":key/{id}"))
}

/// The name of a log group in its ARN.
pub(super) fn group_of(arn: &str) -> &str {
    let name = arn.split_once(":log-group:").map_or(arn, |(_, name)| name);
    name.strip_suffix(":*").unwrap_or(name)
}
