use super::LogGroup;
use crate::graph::Input;
use crate::resources::key::arn_of;
use crate::resources::tags::{self, Retag, tag};
use crate::resources::unmanaged::collected;
use crate::resources::{
    At, Aws, CloudError, Delete, During, Live, Observed, Put, Resource, Tags, Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::{DataProtectionStatus, LogGroup as Shown};

const PROTECTION: &str = "deletionProtectionEnabled";
const MASKING: &str = "dataProtectionPolicy";

#[async_trait]
impl Live for LogGroup {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let arn = at.properties.arn(&aws.given);
        let (shown, tags) = tokio::join!(
            find(aws, &at.properties.name),
            aws.logs.list_tags_for_resource().resource_arn(&arn).send(),
        );
        let Some(shown) = shown? else {
            return Ok(None);
        };
        let tags = tags.or_absent("logs:ListTagsForResource")?;
        let Some(tags) = tags.map(|t| tags::collect(t.tags.unwrap_or_default())) else {
            return Ok(None);
        };
        let days = shown.retention_in_days().unwrap_or_default();
        let key = arn_of(&aws.given, shown.kms_key_id().unwrap_or_default());
        let properties = Self {
            name: at.properties.name.clone(),
            retention_days: days.try_into().unwrap_or_default(),
            key: Input::known(key),
            unmanaged: unmanaged(&shown),
        };
        let outputs = properties.predicted(&aws.given);
        let tags = Some(ownership(at, tags));
        Ok(Some(Observed::settled(properties, outputs, tags)))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        match observed {
            None => create(aws, at).await?,
            Some(observed) => update(aws, at, observed).await?,
        }
        Ok(Put::Done(at.properties.predicted(&aws.given)))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        if observed.properties.unmanaged.contains_key(PROTECTION) {
            lift_protection(aws, &at.properties.name).await?;
        }
        let call = aws.logs.delete_log_group();
        let call = call.log_group_name(&at.properties.name);
        call.send().await.or_absent("logs:DeleteLogGroup")?;
        Ok(Delete::Gone)
    }
}

/// The group of exactly this name; the API searches by prefix and lists in order, so the exact one comes first.
async fn find(aws: &Aws, name: &str) -> Result<Option<Shown>, CloudError> {
    let call = aws.logs.describe_log_groups().log_group_name_prefix(name);
    let listed = call.send().await.during("logs:DescribeLogGroups")?;
    let mut groups = listed.log_groups.unwrap_or_default().into_iter();
    Ok(groups.find(|group| group.log_group_name() == Some(name)))
}

fn unmanaged(shown: &Shown) -> Unmanaged {
    let masks = shown.data_protection_status() == Some(&DataProtectionStatus::Activated);
    let protected = shown.deletion_protection_enabled() == Some(true);
    collected([
        (MASKING, masks.then(|| "ACTIVATED".into())),
        (PROTECTION, protected.then(|| true.into())),
    ])
}

async fn lift_protection(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let call = aws.logs.put_log_group_deletion_protection();
    let call = call.log_group_identifier(name);
    let lifted = call.deletion_protection_enabled(false).send().await;
    lifted
        .or_absent("logs:PutLogGroupDeletionProtection")
        .map(drop)
}

/// A group without any tag is taken for ours: Lambda and API Gateway make such ghosts when they log once more after a
/// destroy (facts: section 6, log group ghost). One that carries anybody's tag is theirs.
fn ownership(at: &At<LogGroup>, tags: Tags) -> Tags {
    if !tags.is_empty() {
        return tags;
    }
    let ours = [tag::STACK, tag::ENV, tag::RESOURCE]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), at.tags.get(key)?.clone())));
    let marker = (tag::UNTAGGED.to_owned(), String::new());
    ours.chain([marker]).collect()
}

async fn create(aws: &Aws, at: &At<LogGroup>) -> Result<(), CloudError> {
    aws.logs
        .create_log_group()
        .log_group_name(&at.properties.name)
        .kms_key_id(at.properties.key.get()?)
        .set_tags(Some(at.tags.clone().into_iter().collect()))
        .send()
        .await
        .during("logs:CreateLogGroup")?;
    retain(aws, &at.properties, 0).await
}

async fn update(
    aws: &Aws,
    at: &At<LogGroup>,
    observed: &Observed<LogGroup>,
) -> Result<(), CloudError> {
    let (wanted, is) = (&at.properties, &observed.properties);
    if is.key != wanted.key {
        let call = aws.logs.associate_kms_key().log_group_name(&wanted.name);
        let call = call.kms_key_id(wanted.key.get()?);
        call.send().await.during("logs:AssociateKmsKey")?;
    }
    if is.unmanaged.contains_key(MASKING) {
        let call = aws.logs.delete_data_protection_policy();
        let call = call.log_group_identifier(&wanted.name).send().await;
        call.or_absent("logs:DeleteDataProtectionPolicy")?;
    }
    if is.unmanaged.contains_key(PROTECTION) {
        lift_protection(aws, &wanted.name).await?;
    }
    retain(aws, wanted, is.retention_days).await?;
    retag(aws, at, observed.tags.as_ref()).await
}

/// Sets the retention where it is not the one observed.
async fn retain(aws: &Aws, wanted: &LogGroup, observed_days: u32) -> Result<(), CloudError> {
    match wanted.retention_days {
        days if days == observed_days => {}
        0 => {
            let call = aws.logs.delete_retention_policy();
            let call = call.log_group_name(&wanted.name);
            call.send().await.during("logs:DeleteRetentionPolicy")?;
        }
        days => {
            let call = aws.logs.put_retention_policy().log_group_name(&wanted.name);
            let call = call.retention_in_days(days.try_into().unwrap_or(i32::MAX));
            call.send().await.during("logs:PutRetentionPolicy")?;
        }
    }
    Ok(())
}

async fn retag(aws: &Aws, at: &At<LogGroup>, observed: Option<&Tags>) -> Result<(), CloudError> {
    let observed = observed.filter(|tags| !tags.contains_key(tag::UNTAGGED));
    let retag = Retag::between(observed, &at.tags);
    let arn = at.properties.arn(&aws.given);
    if !retag.set.is_empty() {
        let call = aws.logs.tag_resource().resource_arn(&arn);
        let call = call.set_tags(Some(retag.set.into_iter().collect()));
        call.send().await.during("logs:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.logs.untag_resource().resource_arn(&arn);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("logs:UntagResource")?;
    }
    Ok(())
}
