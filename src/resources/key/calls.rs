use super::{Key, policy};
use crate::resources::tags::{self, Retag, tag};
use crate::resources::{
    At, Aws, Class, CloudError, Condition, Delete, During, Live, Observed, Outputs, Put, Resource,
    Tags,
};
use async_trait::async_trait;
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use futures_util::stream::{self, StreamExt};

/// The only name a key policy can have.
const POLICY: &str = "default";
/// How many keys are asked for their tags at once while a lost key is looked for.
const LOOKUP_WIDTH: usize = 16;

#[async_trait]
impl Live for Key {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        if let Some(id) = at.outputs.get("keyId")
            && let Some(observed) = read_by_id(aws, at, id).await?
        {
            return Ok(Some(observed));
        }
        // Also when a recorded key is gone: a later create may have succeeded without its answer being recorded.
        match find(aws, &at.tags).await? {
            Some(id) => read_by_id(aws, at, &id).await,
            None => Ok(None),
        }
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        match observed {
            None => create(aws, at).await,
            Some(observed) => update(aws, at, observed).await,
        }
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let scheduled = aws
            .kms
            .schedule_key_deletion()
            .set_key_id(observed.outputs.get("keyId").cloned())
            .pending_window_in_days(at.properties.deletion_window_days.into())
            .send()
            .await
            .or_absent("kms:ScheduleKeyDeletion");
        match scheduled {
            // The same code for every state in which a key takes no schedule: the key itself says which it is.
            Err(error) if error.code == "KMSInvalidStateException" => {
                match observed.outputs.get("keyId") {
                    Some(id) if is_live_key(aws, id).await? => Err(error),
                    _ => Ok(Delete::Gone),
                }
            }
            other => other.map(|_| Delete::Gone),
        }
    }
}

async fn create(aws: &Aws, at: &At<Key>) -> Result<Put, CloudError> {
    let wanted = at.properties.clone().canonical();
    let created = aws
        .kms
        .create_key()
        .description(&wanted.description)
        .policy(policy::write(&aws.given, &wanted.services)?)
        .set_tags(Some(sdk_tags(&at.tags)?))
        .send()
        .await
        .during("kms:CreateKey")?;
    let metadata = created.key_metadata.ok_or_else(|| {
        let what = "the answer names no key; run again, it will be found by its tags";
        CloudError::new("kms:CreateKey", Class::Unavailable, "no-key", what)
    })?;
    Ok(Put::Made(outputs(&metadata)))
}

async fn update(aws: &Aws, at: &At<Key>, observed: &Observed<Key>) -> Result<Put, CloudError> {
    let wanted = at.properties.clone().canonical();
    let is = observed.properties.clone().canonical();
    let id = observed.outputs.get("keyId").cloned().unwrap_or_default();
    // A disabled key refuses every other change.
    if observed.condition != Condition::Settled {
        let call = aws.kms.enable_key().key_id(&id);
        call.send().await.during("kms:EnableKey")?;
    }
    if is.services != wanted.services {
        let text = policy::write(&aws.given, &wanted.services)?;
        let call = aws.kms.put_key_policy().key_id(&id);
        let call = call.policy_name(POLICY).policy(text);
        call.send().await.during("kms:PutKeyPolicy")?;
    }
    if is.description != wanted.description {
        let call = aws.kms.update_key_description().key_id(&id);
        let call = call.description(&wanted.description);
        call.send().await.during("kms:UpdateKeyDescription")?;
    }
    rotate(aws, &id, &is, &wanted).await?;
    retag(aws, &id, Retag::between(observed.tags.as_ref(), &at.tags)).await?;
    Ok(Put::Done(observed.outputs.clone()))
}

async fn rotate(aws: &Aws, id: &str, is: &Key, wanted: &Key) -> Result<(), CloudError> {
    if (is.rotation, is.rotation_period_days) == (wanted.rotation, wanted.rotation_period_days) {
        return Ok(());
    }
    if wanted.rotation {
        let days = wanted.rotation_period_days.into();
        let call = aws.kms.enable_key_rotation().key_id(id);
        let call = call.rotation_period_in_days(days);
        call.send().await.during("kms:EnableKeyRotation")?;
    } else {
        let call = aws.kms.disable_key_rotation().key_id(id);
        call.send().await.during("kms:DisableKeyRotation")?;
    }
    Ok(())
}

async fn retag(aws: &Aws, id: &str, retag: Retag) -> Result<(), CloudError> {
    if !retag.set.is_empty() {
        let call = aws.kms.tag_resource().key_id(id);
        let call = call.set_tags(Some(sdk_tags(&retag.set)?));
        call.send().await.during("kms:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.kms.untag_resource().key_id(id);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("kms:UntagResource")?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| CloudError::new("kms", Class::Invalid, "bad-tag", error.to_string()))
}

fn outputs(metadata: &KeyMetadata) -> Outputs {
    let arn = metadata.arn().unwrap_or_default();
    Outputs::from([
        ("keyId".to_owned(), metadata.key_id().to_owned()),
        ("keyArn".to_owned(), arn.to_owned()),
    ])
}

async fn read_by_id(
    aws: &Aws,
    at: &At<Key>,
    id: &str,
) -> Result<Option<Observed<Key>>, CloudError> {
    let get_policy = aws.kms.get_key_policy().key_id(id).policy_name(POLICY);
    let (metadata, policy, rotation, tags) = tokio::join!(
        aws.kms.describe_key().key_id(id).send(),
        get_policy.send(),
        aws.kms.get_key_rotation_status().key_id(id).send(),
        tags_of(aws, id),
    );
    // The description decides first: the other reads of a key about to be deleted may be refused.
    let described = metadata.or_absent("kms:DescribeKey")?;
    let Some(metadata) = described.and_then(|d| d.key_metadata).filter(is_live) else {
        return Ok(None);
    };
    let policy = policy.during("kms:GetKeyPolicy")?;
    let rotation = rotation.during("kms:GetKeyRotationStatus")?;
    let days = rotation.rotation_period_in_days();
    let properties = Key {
        description: metadata.description().unwrap_or_default().to_owned(),
        rotation: rotation.key_rotation_enabled(),
        rotation_period_days: days
            .and_then(|days| u16::try_from(days).ok())
            .unwrap_or(Key::DEFAULT_ROTATION_DAYS),
        services: policy::read(&aws.given, policy.policy().unwrap_or_default()),
        deletion_window_days: at.properties.deletion_window_days,
    };
    Ok(Some(Observed {
        condition: condition(&metadata),
        ..Observed::settled(properties.canonical(), outputs(&metadata), Some(tags?))
    }))
}

fn is_live(metadata: &KeyMetadata) -> bool {
    let dying = [KeyState::PendingDeletion, KeyState::PendingReplicaDeletion];
    metadata
        .key_state()
        .is_none_or(|state| !dying.contains(state))
}

fn condition(metadata: &KeyMetadata) -> Condition {
    match metadata.key_state() {
        Some(KeyState::Creating | KeyState::Updating) => Condition::Settling("key to be usable"),
        None | Some(KeyState::Enabled) => Condition::Settled,
        Some(state) => Condition::Failed(format!("the key is {}", state.as_str().to_lowercase())),
    }
}

/// A key's tags.
pub async fn tags_of(aws: &Aws, id: &str) -> Result<Tags, CloudError> {
    let pages = aws.kms.list_resource_tags().key_id(id).into_paginator();
    let listed: Vec<Tag> = pages
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .during("kms:ListResourceTags")?;
    let pairs = listed.into_iter().map(|tag| (tag.tag_key, tag.tag_value));
    Ok(tags::collect(pairs))
}

/// Finds a key by its ownership tags.
///
/// Keys whose policy keeps us out cannot be ours. When all of them do, it is we who may not read tags, and a second key
/// would be made if that passed for "none".
async fn find(aws: &Aws, wanted: &Tags) -> Result<Option<String>, CloudError> {
    let pages = aws.kms.list_keys().into_paginator();
    let keys: Vec<_> = pages
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .during("kms:ListKeys")?;
    let ids = keys.into_iter().filter_map(|key| key.key_id);
    let mut asked = stream::iter(ids)
        .map(|id| async move { (tags_of(aws, &id).await, id) })
        .buffered(LOOKUP_WIDTH);
    let mut denied = None;
    let mut readable = false;
    while let Some((tags, id)) = asked.next().await {
        match tags {
            Ok(tags) => {
                readable = true;
                if is_owned(&tags, wanted) && is_live_key(aws, &id).await? {
                    return Ok(Some(id));
                }
            }
            Err(error) if error.class == Class::Denied => denied = Some(error),
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
    }
    match denied {
        Some(error) if !readable => Err(error),
        _ => Ok(None),
    }
}

fn is_owned(tags: &Tags, wanted: &Tags) -> bool {
    [tag::STACK, tag::ENV, tag::RESOURCE]
        .into_iter()
        .all(|key| tags.contains_key(key) && tags.get(key) == wanted.get(key))
}

async fn is_live_key(aws: &Aws, id: &str) -> Result<bool, CloudError> {
    let described = aws.kms.describe_key().key_id(id).send().await;
    let described = described.or_absent("kms:DescribeKey")?;
    Ok(described
        .and_then(|d| d.key_metadata)
        .is_some_and(|metadata| is_live(&metadata)))
}
