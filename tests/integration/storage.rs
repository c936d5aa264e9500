//! The table and the key.

use aws_sdk_dynamodb::types::{
    BillingMode, ContinuousBackupsStatus, IndexStatus, KeyType, PointInTimeRecoveryStatus,
    ProjectionType, ScalarAttributeType, SseStatus, SseType, StreamViewType, TimeToLiveStatus,
};
use aws_sdk_kms::types::{KeyManagerType, KeySpec, KeyState, KeyUsageType};

use super::deployed::{Deployed, deployed};

async fn table(stack: &Deployed) -> aws_sdk_dynamodb::types::TableDescription {
    let dynamodb = stack.clients().await.dynamodb();
    let table = dynamodb
        .describe_table()
        .table_name(stack.output("paymentsTableName"));
    table
        .send()
        .await
        .expect("DescribeTable")
        .table
        .expect("a table")
}

#[tokio::test]
async fn the_table_is_keyed_by_payment_and_time() {
    let table = table(deployed()).await;
    let keys: Vec<_> = table
        .key_schema()
        .iter()
        .map(|key| (key.attribute_name(), key.key_type().clone()))
        .collect();
    assert_eq!(
        keys,
        [("paymentId", KeyType::Hash), ("timestamp", KeyType::Range)]
    );
    let mut kinds: Vec<_> = table
        .attribute_definitions()
        .iter()
        .map(|attribute| {
            (
                attribute.attribute_name(),
                attribute.attribute_type().clone(),
            )
        })
        .collect();
    kinds.sort_by_key(|(name, _)| *name);
    assert_eq!(
        kinds,
        [
            ("attention", ScalarAttributeType::S),
            ("attentionState", ScalarAttributeType::S),
            ("paymentId", ScalarAttributeType::S),
            ("timestamp", ScalarAttributeType::N)
        ]
    );
}

#[tokio::test]
async fn the_index_of_what_needs_attention_holds_keys_alone() {
    let table = table(deployed()).await;
    let [index] = table.global_secondary_indexes() else {
        panic!("{:?}", table.global_secondary_indexes());
    };
    assert_eq!(index.index_name(), Some("needs-attention"));
    assert_eq!(index.index_status(), Some(&IndexStatus::Active));
    let keys: Vec<_> = index
        .key_schema()
        .iter()
        .map(|key| (key.attribute_name(), key.key_type().clone()))
        .collect();
    assert_eq!(
        keys,
        [
            ("attention", KeyType::Hash),
            ("attentionState", KeyType::Range)
        ]
    );
    let projection = index.projection().and_then(|p| p.projection_type());
    assert_eq!(projection, Some(&ProjectionType::KeysOnly));
}

#[tokio::test]
async fn the_table_is_billed_on_demand_and_streams_both_images() {
    let table = table(deployed()).await;
    let billing = table
        .billing_mode_summary()
        .and_then(|summary| summary.billing_mode());
    assert_eq!(billing, Some(&BillingMode::PayPerRequest));
    let stream = table.stream_specification().expect("a stream");
    assert!(stream.stream_enabled());
    assert_eq!(
        stream.stream_view_type(),
        Some(&StreamViewType::NewAndOldImages)
    );
}

#[tokio::test]
async fn the_table_is_encrypted_with_the_stacks_own_key() {
    let stack = deployed();
    let table = table(stack).await;
    let encryption = table.sse_description().expect("an encryption");
    assert_eq!(encryption.status(), Some(&SseStatus::Enabled));
    assert_eq!(encryption.sse_type(), Some(&SseType::Kms));
    assert_eq!(
        encryption.kms_master_key_arn(),
        Some(stack.key_arn().await.as_str())
    );
}

#[tokio::test]
async fn the_table_can_be_restored_to_any_point_in_time_and_forgets_expired_items() {
    let stack = deployed();
    let dynamodb = stack.clients().await.dynamodb();
    let name = stack.output("paymentsTableName");
    let backups = dynamodb
        .describe_continuous_backups()
        .table_name(name)
        .send()
        .await;
    let backups = backups
        .expect("DescribeContinuousBackups")
        .continuous_backups_description;
    let backups = backups.expect("backups");
    assert_eq!(
        backups.continuous_backups_status(),
        &ContinuousBackupsStatus::Enabled
    );
    let recovery = backups
        .point_in_time_recovery_description()
        .expect("recovery");
    assert_eq!(
        recovery.point_in_time_recovery_status(),
        Some(&PointInTimeRecoveryStatus::Enabled)
    );
    let expiry = dynamodb
        .describe_time_to_live()
        .table_name(name)
        .send()
        .await;
    let expiry = expiry
        .expect("DescribeTimeToLive")
        .time_to_live_description
        .expect("expiry");
    assert_eq!(
        expiry.time_to_live_status(),
        Some(&TimeToLiveStatus::Enabled)
    );
    assert_eq!(expiry.attribute_name(), Some("expiresAt"));
}

#[tokio::test]
async fn the_key_is_enabled_managed_by_the_customer_and_rotates() {
    let stack = deployed();
    let kms = stack.clients().await.kms();
    let id = stack.output("kmsKeyId");
    let key = kms
        .describe_key()
        .key_id(id)
        .send()
        .await
        .expect("DescribeKey");
    let key = key.key_metadata.expect("a key");
    assert_eq!(key.key_state(), Some(&KeyState::Enabled));
    assert_eq!(key.key_manager(), Some(&KeyManagerType::Customer));
    assert_eq!(key.key_spec(), Some(&KeySpec::SymmetricDefault));
    assert_eq!(key.key_usage(), Some(&KeyUsageType::EncryptDecrypt));
    let rotation = kms.get_key_rotation_status().key_id(id).send().await;
    assert!(
        rotation
            .expect("GetKeyRotationStatus")
            .key_rotation_enabled()
    );
    let alias = format!("alias/payment-webhook-{}", stack.output("environment"));
    let named = kms
        .describe_key()
        .key_id(alias)
        .send()
        .await
        .expect("DescribeKey");
    assert_eq!(
        named.key_metadata.map(|key| key.key_id).as_deref(),
        Some(id)
    );
}

#[tokio::test]
async fn bucket_secret_queue_and_log_groups_are_encrypted_with_the_same_key() {
    let stack = deployed();
    let (clients, key) = (stack.clients().await, stack.key_arn().await);
    let env = stack.output("environment");
    let bucket = stack.output("bodiesBucketName");
    let by_default = clients.s3().get_bucket_encryption().bucket(bucket);
    let by_default = by_default.send().await.expect("GetBucketEncryption");
    let rules = by_default.server_side_encryption_configuration;
    let rule = rules.and_then(|it| it.rules.into_iter().next());
    let rule = rule.expect("a rule");
    assert_eq!(rule.bucket_key_enabled(), Some(true));
    let by_default = rule.apply_server_side_encryption_by_default();
    let by_default = by_default.expect("encryption by default");
    assert_eq!(by_default.kms_master_key_id(), Some(key.as_str()));
    let secret = clients
        .secrets()
        .describe_secret()
        .secret_id(stack.output("secretName"));
    let secret = secret.send().await.expect("DescribeSecret");
    let by_secret = secret.kms_key_id().expect("the secret's key");
    assert!(key.ends_with(by_secret), "{by_secret}");

    let sqs = clients.sqs();
    let url = sqs
        .get_queue_url()
        .queue_name(stack.output("deadLetterQueueName"));
    let url = url
        .send()
        .await
        .expect("GetQueueUrl")
        .queue_url
        .expect("its URL");
    let name = aws_sdk_sqs::types::QueueAttributeName::KmsMasterKeyId;
    let queue = sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(name.clone());
    let attributes = queue.send().await.expect("GetQueueAttributes").attributes;
    let by_queue = attributes
        .and_then(|all| all.get(&name).cloned())
        .expect("the queue's key");
    assert!(key.ends_with(&by_queue), "{by_queue}");

    for group in [
        format!("/aws/lambda/webhook-validator-{env}"),
        format!("/aws/lambda/payment-processor-{env}"),
        format!("/aws/vendedlogs/states/payment-processor-{env}"),
        format!("/aws/apigateway/payment-webhook-api-{env}"),
    ] {
        let found = clients
            .logs()
            .describe_log_groups()
            .log_group_name_prefix(&group);
        let found = found.send().await.expect("DescribeLogGroups").log_groups;
        let found = found
            .into_iter()
            .flatten()
            .find(|one| one.log_group_name() == Some(&group));
        let found = found.unwrap_or_else(|| panic!("there is no {group}"));
        assert_eq!(found.kms_key_id(), Some(key.as_str()), "{group}");
        assert!(
            found.retention_in_days().is_some(),
            "{group} keeps its lines for ever"
        );
    }
}
