//! What somebody changes in the console: what holds data, and who may do what.

use aws_sdk_dynamodb::types::{
    ContributorInsightsAction, PointInTimeRecoverySpecification, SseSpecification, SseType,
    StreamSpecification, StreamViewType, TableClass, Tag as TableTag, TimeToLiveSpecification,
};
use aws_sdk_kms::types::Tag as KeyTag;
use aws_sdk_sqs::types::QueueAttributeName;

use super::super::clients::Clients;
use super::Changed;

const TABLE: &str = "payments-local";
const MANAGED: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const ROLE: &str = "webhook-validator-role-local";
const SECRET: &str = "payment-webhook/local/providers";
const GROUP: &str = "/aws/lambda/webhook-validator-local";
/// Lets everybody in.
const OPEN: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "Mine", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:payment-webhook-alarms-local";

async fn queue_url(clients: &Clients) -> String {
    let url = clients
        .sqs()
        .get_queue_url()
        .queue_name("payment-events-dlq-local");
    let url = url.send().await.expect("GetQueueUrl").queue_url;
    url.expect("a URL")
}

/// Another key, which is not of the stack.
async fn other_key(clients: &Clients) -> String {
    let made = clients.kms().create_key().send().await.expect("CreateKey");
    made.key_metadata.and_then(|key| key.arn).expect("its ARN")
}

/// Table, queue, secret, log group and topic.
pub async fn data(clients: &Clients) -> Vec<Changed> {
    let other = other_key(clients).await;
    table(clients, &other).await;

    let set = clients
        .sqs()
        .set_queue_attributes()
        .queue_url(queue_url(clients).await);
    let set = set
        .attributes(QueueAttributeName::KmsMasterKeyId, &other)
        .attributes(QueueAttributeName::MessageRetentionPeriod, "60")
        .attributes(QueueAttributeName::VisibilityTimeout, "7")
        .attributes(QueueAttributeName::DelaySeconds, "9")
        .attributes(QueueAttributeName::ReceiveMessageWaitTimeSeconds, "9")
        .attributes(QueueAttributeName::MaximumMessageSize, "2048")
        .attributes(QueueAttributeName::Policy, OPEN);
    set.send().await.expect("SetQueueAttributes");
    let update = clients.secrets().update_secret().secret_id(SECRET);
    let update = update.description("mine").kms_key_id(&other);
    update.send().await.expect("UpdateSecret");
    let put = clients.secrets().put_resource_policy().secret_id(SECRET);
    let put = put.resource_policy(OPEN).send().await;
    put.expect("PutResourcePolicy");
    let logs = clients.logs();
    let keep = logs
        .put_retention_policy()
        .log_group_name(GROUP)
        .retention_in_days(1);
    keep.send().await.expect("PutRetentionPolicy");
    let associate = logs
        .associate_kms_key()
        .log_group_name(GROUP)
        .kms_key_id(&other);
    associate.send().await.expect("AssociateKmsKey");
    let set = clients.sns().set_topic_attributes().topic_arn(TOPIC);
    let set = set.attribute_name("KmsMasterKeyId").attribute_value(&other);
    set.send().await.expect("SetTopicAttributes");
    for (name, value) in [
        ("Policy", OPEN),
        ("DisplayName", "mine"),
        ("TracingConfig", "Active"),
        ("SignatureVersion", "2"),
    ] {
        let set = clients.sns().set_topic_attributes().topic_arn(TOPIC);
        let set = set.attribute_name(name).attribute_value(value);
        set.send().await.expect("SetTopicAttributes");
    }
    vec![
        ("payments", "stream"),
        ("payments", "key"),
        ("payments", "pointInTimeRecovery"),
        ("payments", "ttlAttribute"),
        ("payments", "deletionProtection"),
        ("payments", "unmanaged.tableClass"),
        ("payments", "unmanaged.policy"),
        ("payments", "unmanaged.streamPolicy"),
        ("payments", "unmanaged.contributorInsights"),
        ("payments", "tags.by-hand"),
        ("payments", "outputs.streamArn"),
        ("payment-events-dlq", "key"),
        ("payment-events-dlq", "retentionSeconds"),
        ("payment-events-dlq", "visibilityTimeoutSeconds"),
        ("payment-events-dlq", "unmanaged.delaySeconds"),
        (
            "payment-events-dlq",
            "unmanaged.receiveMessageWaitTimeSeconds",
        ),
        ("payment-events-dlq", "unmanaged.maximumMessageSize"),
        ("payment-events-dlq", "unmanaged.policy"),
        ("providers", "description"),
        ("providers", "key"),
        ("providers", "unmanaged.policy"),
        ("webhook-validator-logs", "retentionDays"),
        ("webhook-validator-logs", "key"),
        ("alarms", "key"),
        ("alarms", "unmanaged.policy"),
        ("alarms", "unmanaged.displayName"),
        ("alarms", "unmanaged.tracingConfig"),
        ("alarms", "unmanaged.signatureVersion"),
    ]
}

async fn table(clients: &Clients, other: &str) {
    let db = clients.dynamodb();
    let update = || db.update_table().table_name(TABLE);
    let off = StreamSpecification::builder()
        .stream_enabled(false)
        .build()
        .expect("a stream");
    update()
        .stream_specification(off)
        .send()
        .await
        .expect("UpdateTable");
    let keys = StreamSpecification::builder().stream_enabled(true);
    let keys = keys
        .stream_view_type(StreamViewType::KeysOnly)
        .build()
        .expect("a stream");
    update()
        .stream_specification(keys)
        .send()
        .await
        .expect("UpdateTable");
    let sse = SseSpecification::builder()
        .enabled(true)
        .sse_type(SseType::Kms);
    let sse = sse.kms_master_key_id(other).build();
    update()
        .sse_specification(sse)
        .send()
        .await
        .expect("UpdateTable");
    update()
        .deletion_protection_enabled(true)
        .send()
        .await
        .expect("UpdateTable");
    let class = TableClass::StandardInfrequentAccess;
    update()
        .table_class(class)
        .send()
        .await
        .expect("UpdateTable");
    let recovery =
        PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(false);
    let recovery = recovery.build().expect("recovery");
    let backups = db.update_continuous_backups().table_name(TABLE);
    let backups = backups.point_in_time_recovery_specification(recovery);
    backups.send().await.expect("UpdateContinuousBackups");
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("expiresAt")
        .enabled(false);
    let update = db.update_time_to_live().table_name(TABLE);
    let update = update.time_to_live_specification(ttl.build().expect("expiry"));
    update.send().await.expect("UpdateTimeToLive");
    let tag = TableTag::builder()
        .key("by-hand")
        .value("x")
        .build()
        .expect("a tag");
    let arn = format!("arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}");
    let open = db.put_resource_policy().resource_arn(&arn).policy(OPEN);
    open.send().await.expect("PutResourcePolicy");
    let table = db.describe_table().table_name(TABLE).send().await;
    let table = table.expect("DescribeTable").table.expect("a table");
    let open = db.put_resource_policy().policy(OPEN);
    let open = open.set_resource_arn(table.latest_stream_arn);
    open.send().await.expect("PutResourcePolicy of the stream");
    let insights = db.update_contributor_insights().table_name(TABLE);
    let insights = insights.contributor_insights_action(ContributorInsightsAction::Enable);
    insights.send().await.expect("UpdateContributorInsights");
    db.tag_resource()
        .resource_arn(arn)
        .tags(tag)
        .send()
        .await
        .expect("TagResource");
}

/// Key, alias, roles and the permission of the API.
pub async fn access(clients: &Clients) -> Vec<Changed> {
    let kms = clients.kms();
    let key = kms
        .describe_key()
        .key_id("alias/payment-webhook-local")
        .send()
        .await;
    let key = key
        .expect("DescribeKey")
        .key_metadata
        .expect("a key")
        .key_id;
    let update = kms
        .update_key_description()
        .key_id(&key)
        .description("mine");
    update.send().await.expect("UpdateKeyDescription");
    let rotate = kms
        .enable_key_rotation()
        .key_id(&key)
        .rotation_period_in_days(180);
    rotate.send().await.expect("EnableKeyRotation");
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]}"#;
    let put = kms.put_key_policy().key_id(&key).policy_name("default");
    put.policy(policy).send().await.expect("PutKeyPolicy");
    let tag = KeyTag::builder()
        .tag_key("payhook:env")
        .tag_value("other")
        .build()
        .expect("a tag");
    kms.tag_resource()
        .key_id(&key)
        .tags(tag)
        .send()
        .await
        .expect("TagResource");
    let alias = kms.update_alias().alias_name("alias/payment-webhook-local");
    let alias = alias.target_key_id(other_key(clients).await);
    alias.send().await.expect("UpdateAlias");

    let iam = clients.iam();
    let update = iam.update_role().role_name(ROLE).description("mine");
    let update = update.max_session_duration(43_200);
    update.send().await.expect("UpdateRole");
    let bound = iam.put_role_permissions_boundary().role_name(ROLE);
    let bound = bound.permissions_boundary(MANAGED).send().await;
    bound.expect("PutRolePermissionsBoundary");
    let attach = iam.attach_role_policy().role_name(ROLE);
    let attach = attach.policy_arn(MANAGED).send().await;
    attach.expect("AttachRolePolicy");
    let trust = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
    let update = iam
        .update_assume_role_policy()
        .role_name(ROLE)
        .policy_document(trust);
    update.send().await.expect("UpdateAssumeRolePolicy");
    let all = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    for name in ["payhook", "extra"] {
        let put = iam.put_role_policy().role_name(ROLE).policy_name(name);
        put.policy_document(all)
            .send()
            .await
            .expect("PutRolePolicy");
    }
    vec![
        ("key", "description"),
        ("key", "rotationPeriodDays"),
        ("key", "services"),
        ("key", "tags.payhook:env"),
        ("key-alias", "key"),
        ("webhook-validator-role", "description"),
        ("webhook-validator-role", "trust.service"),
        ("webhook-validator-role", "statements"),
        ("webhook-validator-role", "otherPolicies"),
        ("webhook-validator-role", "unmanaged.maxSessionDuration"),
        ("webhook-validator-role", "unmanaged.permissionsBoundary"),
    ]
}

/// Deletes what others stand on.
pub async fn delete(clients: &Clients) {
    let sqs = clients
        .sqs()
        .delete_queue()
        .queue_url(queue_url(clients).await);
    sqs.send().await.expect("DeleteQueue");
    let logs = clients
        .logs()
        .delete_log_group()
        .log_group_name("/aws/lambda/payment-processor-local");
    logs.send().await.expect("DeleteLogGroup");
    let alias = clients
        .kms()
        .delete_alias()
        .alias_name("alias/payment-webhook-local");
    alias.send().await.expect("DeleteAlias");
    let lambda = clients
        .lambda()
        .delete_function()
        .function_name("payment-processor-local");
    lambda.send().await.expect("DeleteFunction");
    let alarms = clients.cloudwatch().delete_alarms();
    let alarms = alarms.alarm_names("payment-webhook-dead-letters-local");
    alarms.send().await.expect("DeleteAlarms");
}
