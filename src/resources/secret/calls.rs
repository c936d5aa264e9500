use super::Secret;
use crate::graph::Input;
use crate::resources::key::arn_of;
use crate::resources::tags::{self, Retag, tag};
use crate::resources::unmanaged::{collected, parsed};
use crate::resources::{
    At, Aws, Class, CloudError, Delete, During, Live, Observed, Outputs, Put, Tags, Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::Tag;

const CREATE: &str = "secretsmanager:CreateSecret";
/// Among others the code for a secret that is to be deleted; whether it is, the secret itself says.
const WRONG_STATE: &str = "InvalidRequestException";
const POLICY: &str = "policy";
const ROTATION: &str = "rotation";
const REPLICAS: &str = "replicaRegions";

#[async_trait]
impl Live for Secret {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        let policy = aws.secrets.get_resource_policy().secret_id(name);
        let (shown, policy) = tokio::join!(describe(aws, name), policy.send());
        let Some(shown) = shown?.filter(|shown| shown.deleted_date().is_none()) else {
            return Ok(None);
        };
        let key = arn_of(&aws.given, shown.kms_key_id().unwrap_or_default());
        let properties = Self {
            name: at.properties.name.clone(),
            description: shown.description().unwrap_or_default().to_owned(),
            key: Input::known(key),
            recovery_window_days: at.properties.recovery_window_days,
            unmanaged: unmanaged(
                &shown,
                policy
                    .or_absent("secretsmanager:GetResourcePolicy")?
                    .and_then(|policy| policy.resource_policy)
                    .as_deref(),
            ),
        };
        let outputs = outputs(shown.arn());
        let tags = Some(tags_of(shown));
        Ok(Some(Observed::settled(properties, outputs, tags)))
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
        let call = aws.secrets.delete_secret().secret_id(id(at, observed));
        let call = match at.properties.recovery_window_days {
            0 => call.force_delete_without_recovery(true),
            days => call.recovery_window_in_days(days.into()),
        };
        match call.send().await.or_absent("secretsmanager:DeleteSecret") {
            Err(error) if error.code == WRONG_STATE => {
                let shown = describe(aws, &id(at, observed)).await?;
                match shown.is_some_and(|shown| shown.deleted_date().is_none()) {
                    true => Err(error),
                    false => Ok(Delete::Gone),
                }
            }
            other => other.map(|_| Delete::Gone),
        }
    }
}

async fn describe(aws: &Aws, name: &str) -> Result<Option<DescribeSecretOutput>, CloudError> {
    let call = aws.secrets.describe_secret().secret_id(name);
    call.send().await.or_absent("secretsmanager:DescribeSecret")
}

fn unmanaged(shown: &DescribeSecretOutput, policy: Option<&str>) -> Unmanaged {
    let rotation = (shown.rotation_enabled() == Some(true))
        .then(|| shown.rotation_lambda_arn().unwrap_or("managed").into());
    let replicas = shown.replication_status().iter();
    let replicas: Vec<&str> = replicas.filter_map(|replica| replica.region()).collect();
    let policy = policy.filter(|text| !matches!(text.trim(), "" | "{}"));
    collected([
        (POLICY, policy.map(parsed)),
        (ROTATION, rotation),
        (REPLICAS, (!replicas.is_empty()).then(|| replicas.into())),
    ])
}

/// Takes back what was set by hand.
async fn reset(aws: &Aws, id: &str, found: &Unmanaged) -> Result<(), CloudError> {
    if found.contains_key(POLICY) {
        let call = aws.secrets.delete_resource_policy().secret_id(id);
        call.send()
            .await
            .during("secretsmanager:DeleteResourcePolicy")?;
    }
    if found.contains_key(ROTATION) {
        let call = aws.secrets.cancel_rotate_secret().secret_id(id);
        call.send()
            .await
            .during("secretsmanager:CancelRotateSecret")?;
    }
    let regions = found.get(REPLICAS).and_then(|regions| regions.as_array());
    let regions = regions.into_iter().flatten();
    let regions: Vec<String> = regions
        .filter_map(|region| region.as_str().map(str::to_owned))
        .collect();
    if !regions.is_empty() {
        let call = aws.secrets.remove_regions_from_replication().secret_id(id);
        let call = call.set_remove_replica_regions(Some(regions));
        call.send()
            .await
            .during("secretsmanager:RemoveRegionsFromReplication")?;
    }
    Ok(())
}

fn tags_of(shown: DescribeSecretOutput) -> Tags {
    let listed = shown.tags.into_iter().flatten();
    tags::collect(listed.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))))
}

fn outputs(arn: Option<&str>) -> Outputs {
    let arn = arn.map(|arn| ("secretArn".to_owned(), arn.to_owned()));
    arn.into_iter().collect()
}

// The ARN, where known: a name that ends like an ARN's suffix may be taken for another secret's.
fn id(at: &At<Secret>, observed: &Observed<Secret>) -> String {
    let arn = observed.outputs.get("secretArn");
    arn.unwrap_or(&at.properties.name).clone()
}

async fn create(aws: &Aws, at: &At<Secret>) -> Result<Put, CloudError> {
    let created = aws
        .secrets
        .create_secret()
        .name(&at.properties.name)
        .description(&at.properties.description)
        .kms_key_id(at.properties.key.get()?)
        .set_tags(Some(sdk_tags(&at.tags)))
        .send()
        .await
        .during(CREATE);
    match created {
        Ok(created) => Ok(Put::Done(outputs(created.arn()))),
        Err(error) if error.code == WRONG_STATE || error.class == Class::Conflict => {
            restore(aws, at, error).await
        }
        Err(error) => Err(error),
    }
}

/// Takes back a secret of ours that an earlier destroy left to be deleted; it then lacks only what changed since.
async fn restore(aws: &Aws, at: &At<Secret>, held: CloudError) -> Result<Put, CloudError> {
    let name = &at.properties.name;
    let shown = describe(aws, name).await?;
    // None: deleted by force, and the name is free in a moment. Without a date: made or restored just now.
    let Some(shown) = shown.filter(|shown| shown.deleted_date().is_some()) else {
        return Err(held);
    };
    if !is_owned(&tags_of(shown), &at.tags) {
        return Err(taken(name));
    }
    let call = aws.secrets.restore_secret().secret_id(name);
    call.send().await.during("secretsmanager:RestoreSecret")?;
    Ok(Put::Waiting("secret to be restored"))
}

fn is_owned(tags: &Tags, wanted: &Tags) -> bool {
    [tag::STACK, tag::ENV, tag::RESOURCE]
        .into_iter()
        .all(|key| tags.contains_key(key) && tags.get(key) == wanted.get(key))
}

fn taken(name: &str) -> CloudError {
    let what = format!(
        "the name `{name}` is held by a secret that is not of this stack and is scheduled for deletion; restore and \
         rename it, or delete it without recovery, then deploy again"
    );
    CloudError::new(CREATE, Class::Invalid, "name-held", what)
}

async fn update(
    aws: &Aws,
    at: &At<Secret>,
    observed: &Observed<Secret>,
) -> Result<Put, CloudError> {
    let (wanted, is) = (&at.properties, &observed.properties);
    let id = id(at, observed);
    let key = (is.key != wanted.key)
        .then(|| wanted.key.get())
        .transpose()?;
    let description = (is.description != wanted.description).then(|| wanted.description.clone());
    if key.is_some() || description.is_some() {
        let call = aws.secrets.update_secret().secret_id(&id);
        let call = call.set_kms_key_id(key).set_description(description);
        call.send().await.during("secretsmanager:UpdateSecret")?;
    }
    reset(aws, &id, &is.unmanaged).await?;
    let retag = Retag::between(observed.tags.as_ref(), &at.tags);
    if !retag.set.is_empty() {
        let call = aws.secrets.tag_resource().secret_id(&id);
        let call = call.set_tags(Some(sdk_tags(&retag.set)));
        call.send().await.during("secretsmanager:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.secrets.untag_resource().secret_id(&id);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("secretsmanager:UntagResource")?;
    }
    Ok(Put::Done(observed.outputs.clone()))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}
