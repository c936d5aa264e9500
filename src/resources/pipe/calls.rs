//! The calls that read, write and delete a pipe.

use super::{Pipe, shape};
use crate::resources::tags::{Retag, collect};
use crate::resources::{
    At, Aws, Class, CloudError, Condition, Delete, During, Live, Observed, Outputs, Put, Resource,
    Settle, Tags,
};
use async_trait::async_trait;
use aws_sdk_pipes::types::PipeLogConfigurationParameters;
use std::time::Duration;

/// What a deleted pipe is waited for.
pub(super) const GOING: &str = "pipe to be deleted";

/// How long a pipe that AWS could not make is made again: role and stream may take minutes to reach Pipes, and the
/// same words also tell of a permission that is really missing.
const REPAIR: Duration = Duration::from_secs(300);

/// Part of a reason that may also mean that a role has not reached Pipes yet; as a refusal of a call it is final.
const NOT_ALLOWED: &str = "not authorized";

#[async_trait]
impl Live for Pipe {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let describe = aws.pipes.describe_pipe().name(&at.properties.name);
        let Some(shown) = describe.send().await.or_absent("pipes:DescribePipe")? else {
            return Ok(None);
        };
        let (properties, unseen) = shape::properties(at, &shown, aws.emulated);
        let arn = shown.arn().unwrap_or_default().to_owned();
        let condition = shape::condition(&shown);
        let tags = shown.tags.unwrap_or_default();
        Ok(Some(Observed {
            properties: properties.canonical(),
            outputs: Outputs::from([("pipeArn".to_owned(), arn)]),
            tags: Some(collect(tags)),
            condition,
            unseen,
        }))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let Some(observed) = observed else {
            return create(aws, at).await;
        };
        match &observed.condition {
            Condition::Settling(what) => return Ok(Put::Waiting(what)),
            Condition::Failed(reason) => return repair(aws, at, reason).await,
            Condition::Settled => {}
        }
        retag(aws, observed, &at.tags).await?;
        if at.properties.clone().canonical() == observed.properties.clone().canonical() {
            return Ok(Put::Done(observed.outputs.clone()));
        }
        update(aws, at, &observed.properties).await?;
        Ok(Put::Waiting("pipe to be updated"))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        if observed.condition == Condition::Settling(GOING) {
            return Ok(Delete::Waiting(GOING));
        }
        match send_delete(aws, &at.properties.name).await? {
            Some(()) => Ok(Delete::Waiting(GOING)),
            None => Ok(Delete::Gone),
        }
    }
}

async fn create(aws: &Aws, at: &At<Pipe>) -> Result<Put, CloudError> {
    let pipe = &at.properties;
    aws.pipes
        .create_pipe()
        .name(&pipe.name)
        .description(&pipe.description)
        .desired_state(shape::requested(pipe))
        .source(pipe.source.get()?)
        .source_parameters(shape::source(pipe)?)
        .target(pipe.target.get()?)
        .target_parameters(shape::target(pipe))
        .role_arn(pipe.role.get()?)
        .set_tags(Some(at.tags.clone().into_iter().collect()))
        .send()
        .await
        .during("pipes:CreatePipe")?;
    aws.attempts.begin(&attempt(pipe));
    Ok(Put::Waiting("pipe to run"))
}

async fn update(aws: &Aws, at: &At<Pipe>, observed: &Pipe) -> Result<(), CloudError> {
    let pipe = &at.properties;
    let found = |setting: &str| observed.unmanaged.contains_key(setting);
    let off = PipeLogConfigurationParameters::builder()
        .level(aws_sdk_pipes::types::LogLevel::Off)
        .build();
    let reset = |setting| found(setting).then(String::new);
    aws.pipes
        .update_pipe()
        .name(&pipe.name)
        .description(&pipe.description)
        .desired_state(shape::requested(pipe))
        .source_parameters(shape::new_source(pipe)?)
        .target(pipe.target.get()?)
        .target_parameters(shape::target(pipe))
        .role_arn(pipe.role.get()?)
        .set_enrichment(reset("enrichment"))
        .set_kms_key_identifier(reset("kmsKeyIdentifier"))
        .set_log_configuration(found("logLevel").then(|| off.ok()).flatten())
        .send()
        .await
        .during("pipes:UpdatePipe")?;
    aws.attempts.begin(&attempt(pipe));
    Ok(())
}

/// A failed pipe is made anew: it holds nothing but its place in the stream, and its consumer takes a record twice
/// without harm. One that failed in this run is only tried again while its reason may still pass.
async fn repair(aws: &Aws, at: &At<Pipe>, reason: &str) -> Result<Put, CloudError> {
    // The reason of a failed pipe has no code.
    let passes = |rule: &Settle| rule.tells(reason);
    let may_pass = Pipe::SETTLE.iter().any(passes) || reason.contains(NOT_ALLOWED);
    match aws.attempts.since(&attempt(&at.properties)) {
        Some(since) if !may_pass || since > REPAIR => {
            let advice = match may_pass {
                true => format!(
                    "{reason} (still so after {} s: check the permissions of the pipe's role and its key)",
                    since.as_secs()
                ),
                false => reason.to_owned(),
            };
            Err(CloudError::new(
                "pipes:CreatePipe",
                Class::Failed,
                "pipe-failed",
                advice,
            ))
        }
        _ => {
            send_delete(aws, &at.properties.name).await?;
            Ok(Put::Waiting(
                "failed pipe to be deleted before it is made again",
            ))
        }
    }
}

fn attempt(pipe: &Pipe) -> String {
    format!("pipe {}", pipe.name)
}

async fn send_delete(aws: &Aws, name: &str) -> Result<Option<()>, CloudError> {
    let delete = aws.pipes.delete_pipe().name(name).send().await;
    Ok(delete.or_absent("pipes:DeletePipe")?.map(|_| ()))
}

async fn retag(aws: &Aws, observed: &Observed<Pipe>, wanted: &Tags) -> Result<(), CloudError> {
    let Some(arn) = observed.outputs.get("pipeArn") else {
        return Ok(());
    };
    let Retag { set, remove } = Retag::between(observed.tags.as_ref(), wanted);
    if !set.is_empty() {
        let tag = aws.pipes.tag_resource().resource_arn(arn);
        let tagged = tag.set_tags(Some(set.into_iter().collect())).send().await;
        tagged.during("pipes:TagResource")?;
    }
    if !remove.is_empty() {
        let untag = aws.pipes.untag_resource().resource_arn(arn);
        let untagged = untag.set_tag_keys(Some(remove)).send().await;
        untagged.during("pipes:UntagResource")?;
    }
    Ok(())
}
