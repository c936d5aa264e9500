//! The calls that read, write and delete a state machine.

use super::shape::{self, ALL_STREAMS, GOING};
use super::{LogLevel, StateMachine, Workflow};
use crate::graph::{Unresolved, references};
use crate::resources::tags::{self, Retag};
use crate::resources::{
    At, Aws, CloudError, Condition, Delete, During, Live, Observed, Put, Resource, Tags,
};
use async_trait::async_trait;
use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, EncryptionConfiguration, EncryptionType, LogDestination,
    LogLevel as Level, LoggingConfiguration, StateMachineType, Tag, TracingConfiguration,
};

#[async_trait]
impl Live for StateMachine {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        let arn = arn(aws, name);
        let (shown, tags) = tokio::join!(
            aws.sfn
                .describe_state_machine()
                .state_machine_arn(&arn)
                .send(),
            aws.sfn.list_tags_for_resource().resource_arn(&arn).send(),
        );
        let shown = shown.or_absent("states:DescribeStateMachine")?;
        let tags = tags.or_absent("states:ListTagsForResource")?;
        let Some(shown) = shown else {
            return Ok(None);
        };
        let mut properties = shape::properties(name, &shown);
        let mut unseen = Vec::new();
        if aws.emulated && shown.tracing_configuration.is_none() {
            properties.tracing = at.properties.tracing;
            unseen.push("tracing");
        }
        let tags = tags
            .and_then(|tags| tags.tags)
            .unwrap_or_default()
            .into_iter();
        let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
        Ok(Some(Observed {
            properties: properties.canonical(),
            outputs: at.properties.predicted(&aws.given),
            tags: Some(tags::collect(tags)),
            condition: shape::condition(&shown),
            unseen,
        }))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let Some(observed) = observed else {
            create(aws, at).await?;
            // A repeated create answers the ARN of what is there and ignores another role or other tags: look again.
            return Ok(Put::Waiting("the state machine to be visible"));
        };
        if let Condition::Settling(what) = observed.condition {
            return Ok(Put::Waiting(what));
        }
        retag(aws, at, observed.tags.as_ref()).await?;
        if at.properties.clone().canonical() == observed.properties {
            return Ok(Put::Done(observed.outputs.clone()));
        }
        update(aws, &at.properties, &observed.properties).await?;
        Ok(Put::Waiting("the state machine's update to be visible"))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        if observed.condition == Condition::Settling(GOING) {
            return Ok(Delete::Waiting(GOING));
        }
        let call = aws.sfn.delete_state_machine();
        let deleted = call.state_machine_arn(arn(aws, &at.properties.name)).send();
        Ok(
            match deleted.await.or_absent("states:DeleteStateMachine")? {
                Some(_) => Delete::Waiting(GOING),
                None => Delete::Gone,
            },
        )
    }
}

fn arn(aws: &Aws, name: &str) -> String {
    aws.given.arn("states", &format!("stateMachine:{name}"))
}

async fn create(aws: &Aws, at: &At<StateMachine>) -> Result<(), CloudError> {
    let machine = &at.properties;
    aws.sfn
        .create_state_machine()
        .name(&machine.name)
        .r#type(match machine.workflow {
            Workflow::Standard => StateMachineType::Standard,
            Workflow::Express => StateMachineType::Express,
        })
        .definition(definition(machine)?)
        .role_arn(machine.role.get()?)
        .logging_configuration(logging(machine)?)
        .tracing_configuration(tracing(machine))
        .set_tags(Some(sdk_tags(&at.tags)))
        .send()
        .await
        .during("states:CreateStateMachine")?;
    Ok(())
}

async fn update(aws: &Aws, machine: &StateMachine, is: &StateMachine) -> Result<(), CloudError> {
    let own_key = EncryptionConfiguration::builder().r#type(EncryptionType::AwsOwnedKey);
    let own_key = is
        .unmanaged
        .contains_key(shape::KEY)
        .then(|| own_key.build().ok());
    aws.sfn
        .update_state_machine()
        .state_machine_arn(arn(aws, &machine.name))
        .definition(definition(machine)?)
        .role_arn(machine.role.get()?)
        .logging_configuration(logging(machine)?)
        .tracing_configuration(tracing(machine))
        .set_encryption_configuration(own_key.flatten())
        .send()
        .await
        .during("states:UpdateStateMachine")?;
    Ok(())
}

fn definition(machine: &StateMachine) -> Result<String, CloudError> {
    match references(&machine.definition).into_iter().next() {
        Some(open) => Err(Unresolved(open).into()),
        None => Ok(machine.definition.to_string()),
    }
}

/// Never with execution data: it is payment data.
fn logging(machine: &StateMachine) -> Result<LoggingConfiguration, CloudError> {
    let level = match machine.log_level {
        LogLevel::All => Level::All,
        LogLevel::Error => Level::Error,
        LogLevel::Fatal => Level::Fatal,
        LogLevel::Off => Level::Off,
    };
    let arn = format!("{}{ALL_STREAMS}", machine.log_group.get()?);
    let group = CloudWatchLogsLogGroup::builder().log_group_arn(arn).build();
    let destination = LogDestination::builder().cloud_watch_logs_log_group(group);
    Ok(LoggingConfiguration::builder()
        .level(level)
        .include_execution_data(false)
        .destinations(destination.build())
        .build())
}

fn tracing(machine: &StateMachine) -> TracingConfiguration {
    TracingConfiguration::builder()
        .enabled(machine.tracing)
        .build()
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

async fn retag(aws: &Aws, at: &At<StateMachine>, tags: Option<&Tags>) -> Result<(), CloudError> {
    let retag = Retag::between(tags, &at.tags);
    let arn = arn(aws, &at.properties.name);
    if !retag.set.is_empty() {
        let call = aws.sfn.tag_resource().resource_arn(&arn);
        let call = call.set_tags(Some(sdk_tags(&retag.set)));
        call.send().await.during("states:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.sfn.untag_resource().resource_arn(&arn);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("states:UntagResource")?;
    }
    Ok(())
}
