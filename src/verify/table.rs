//! Constraint 2, and the table's part in 3.

use super::encryption::is_key;
use super::report::Subject;
use super::{Check, Examination, or_unreadable};
use crate::resources::{CloudError, During};
use aws_sdk_dynamodb::types::{
    ContinuousBackupsDescription, KeyType, ScalarAttributeType, SseType, TableDescription,
};

impl Examination<'_> {
    pub(super) async fn table(&self) -> Vec<Check> {
        let subject = self.subject("dynamodb-table", self.table);
        or_unreadable(self.read_table(&subject).await, &subject, &[2, 3])
    }

    async fn read_table(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let dynamodb = &self.aws.dynamodb;
        let (table, backups) = tokio::join!(
            dynamodb.describe_table().table_name(self.table).send(),
            dynamodb
                .describe_continuous_backups()
                .table_name(self.table)
                .send(),
        );
        let table = table.during("dynamodb:DescribeTable")?.table;
        let backups = backups.during("dynamodb:DescribeContinuousBackups")?;
        Ok(checks(
            subject,
            table.as_ref(),
            backups.continuous_backups_description.as_ref(),
            self.key_id,
        ))
    }
}

pub(super) fn checks(
    subject: &Subject<'_>,
    table: Option<&TableDescription>,
    backups: Option<&ContinuousBackupsDescription>,
    key_id: &str,
) -> Vec<Check> {
    let mode = table
        .and_then(|t| t.billing_mode_summary.as_ref())
        .and_then(|summary| summary.billing_mode.as_ref());
    let restorable = backups
        .and_then(|backups| backups.point_in_time_recovery_description.as_ref())
        .and_then(|recovery| recovery.point_in_time_recovery_status.as_ref());
    let stream = table.and_then(|t| t.stream_specification.as_ref());
    let view = stream
        .filter(|stream| stream.stream_enabled)
        .and_then(|stream| stream.stream_view_type.as_ref());
    let encryption = table
        .and_then(|t| t.sse_description.as_ref())
        .filter(|sse| sse.sse_type == Some(SseType::Kms));
    let key = encryption.and_then(|sse| sse.kms_master_key_arn.clone());
    let encrypted = key.as_deref().is_some_and(|key| is_key(key, key_id));
    let wanted = format!("key {key_id}");
    vec![
        subject.equal(
            2,
            "billing",
            "billing mode",
            "PAY_PER_REQUEST",
            mode.map(|mode| mode.as_str()),
        ),
        subject.equal(
            2,
            "pointInTimeRecovery",
            "point-in-time recovery",
            "ENABLED",
            restorable.map(|r| r.as_str()),
        ),
        subject.equal(
            2,
            "stream",
            "stream",
            "NEW_AND_OLD_IMAGES",
            view.map(|view| view.as_str()),
        ),
        subject.equal(
            2,
            "partitionKey",
            "partition key",
            "paymentId (S)",
            attribute(table, &KeyType::Hash),
        ),
        subject.equal(
            2,
            "sortKey",
            "sort key",
            "timestamp (N)",
            attribute(table, &KeyType::Range),
        ),
        subject.judged(2, "key", "encryption", &wanted, key.clone(), encrypted),
        subject.judged(3, "key", "encryption", &wanted, key, encrypted),
    ]
}

/// `paymentId (S)`.
fn attribute(table: Option<&TableDescription>, role: &KeyType) -> Option<String> {
    let table = table?;
    let name = &table
        .key_schema()
        .iter()
        .find(|element| element.key_type == *role)?
        .attribute_name;
    let kind: &ScalarAttributeType = &table
        .attribute_definitions()
        .iter()
        .find(|definition| definition.attribute_name == *name)?
        .attribute_type;
    Some(format!("{name} ({})", kind.as_str()))
}
