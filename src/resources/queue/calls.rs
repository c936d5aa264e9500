use super::Queue;
use crate::graph::{Input, Unresolved};
use crate::resources::key::arn_of;
use crate::resources::tags::{self, Retag};
use crate::resources::unmanaged::parsed;
use crate::resources::{
    At, Aws, Class, CloudError, Delete, During, Live, Observed, Outputs, Put, Resource, Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use std::collections::HashMap;

/// What payhook leaves as SQS makes it: the attribute, its name in plans, and the values that SQS gives by itself, the
/// first of which takes a change back (facts: section 12).
const LEFT: [(Name, &str, &[&str]); 7] = [
    (Name::Policy, "policy", &[""]),
    (Name::RedrivePolicy, "redrivePolicy", &[""]),
    (Name::RedriveAllowPolicy, "redriveAllowPolicy", &[""]),
    (Name::DelaySeconds, "delaySeconds", &["0"]),
    (
        Name::ReceiveMessageWaitTimeSeconds,
        "receiveMessageWaitTimeSeconds",
        &["0"],
    ),
    (
        Name::KmsDataKeyReusePeriodSeconds,
        "kmsDataKeyReusePeriodSeconds",
        &["300"],
    ),
    // Since 2025 a queue begins with the first of them.
    (
        Name::MaximumMessageSize,
        "maximumMessageSize",
        &["1048576", "262144"],
    ),
];

#[async_trait]
impl Live for Queue {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let Some(url) = url(aws, at).await? else {
            return Ok(None);
        };
        let call = aws.sqs.get_queue_attributes().queue_url(&url);
        let (shown, tags) = tokio::join!(
            call.attribute_names(Name::All).send(),
            aws.sqs.list_queue_tags().queue_url(&url).send(),
        );
        let shown = shown.or_absent("sqs:GetQueueAttributes")?;
        let tags = tags.or_absent("sqs:ListQueueTags")?;
        let (Some(shown), Some(tags)) = (shown, tags) else {
            return Ok(None);
        };
        let shown = shown.attributes.unwrap_or_default();
        let text = |name: &Name| shown.get(name).map(String::as_str).unwrap_or_default();
        let properties = Self {
            name: at.properties.name.clone(),
            key: Input::known(arn_of(&aws.given, text(&Name::KmsMasterKeyId))),
            retention_seconds: number(text(&Name::MessageRetentionPeriod))?,
            visibility_timeout_seconds: number(text(&Name::VisibilityTimeout))?,
            unmanaged: unmanaged(&shown),
        };
        let outputs = outputs(aws, &properties, url);
        let tags = tags::collect(tags.tags.unwrap_or_default());
        Ok(Some(Observed::settled(properties, outputs, Some(tags))))
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
        _at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let url = observed.outputs.get("queueUrl").cloned();
        let call = aws.sqs.delete_queue().set_queue_url(url);
        let deleted = call.send().await.or_absent("sqs:DeleteQueue")?;
        // It still answers for up to 60 s, and a deploy meanwhile would take it for there.
        Ok(match deleted {
            Some(_) => Delete::Waiting("queue to disappear"),
            None => Delete::Gone,
        })
    }
}

/// The URL on record, or the one that SQS knows for the name.
async fn url(aws: &Aws, at: &At<Queue>) -> Result<Option<String>, CloudError> {
    if let Some(url) = at.outputs.get("queueUrl") {
        return Ok(Some(url.clone()));
    }
    let call = aws.sqs.get_queue_url().queue_name(&at.properties.name);
    let found = call.send().await.or_absent("sqs:GetQueueUrl")?;
    Ok(found.and_then(|found| found.queue_url))
}

fn outputs(aws: &Aws, queue: &Queue, url: String) -> Outputs {
    let mut outputs = queue.predicted(&aws.given);
    outputs.insert("queueUrl".to_owned(), url);
    outputs
}

fn unmanaged(shown: &HashMap<Name, String>) -> Unmanaged {
    let set = LEFT.iter().filter_map(|(attribute, name, own)| {
        let value = shown.get(attribute)?;
        (!own.contains(&value.as_str())).then(|| ((*name).to_owned(), parsed(value)))
    });
    set.collect()
}

fn number(text: &str) -> Result<u32, CloudError> {
    text.parse().map_err(|_| {
        let what = format!("`{text}` stands where SQS always gives a number");
        CloudError::new("sqs:GetQueueAttributes", Class::Invalid, "unreadable", what)
    })
}

fn attributes(queue: &Queue) -> Result<HashMap<Name, String>, Unresolved> {
    let retention = queue.retention_seconds.to_string();
    let visibility = queue.visibility_timeout_seconds.to_string();
    Ok(HashMap::from([
        (Name::KmsMasterKeyId, queue.key.get()?),
        (Name::MessageRetentionPeriod, retention),
        (Name::VisibilityTimeout, visibility),
    ]))
}

async fn create(aws: &Aws, at: &At<Queue>) -> Result<Put, CloudError> {
    let created = aws
        .sqs
        .create_queue()
        .queue_name(&at.properties.name)
        .set_attributes(Some(attributes(&at.properties)?))
        .set_tags(Some(at.tags.clone().into_iter().collect()))
        .send()
        .await
        .during("sqs:CreateQueue")?;
    Ok(match created.queue_url {
        Some(url) => Put::Done(outputs(aws, &at.properties, url)),
        None => Put::Waiting("queue to be visible"),
    })
}

async fn update(aws: &Aws, at: &At<Queue>, observed: &Observed<Queue>) -> Result<Put, CloudError> {
    let url = observed.outputs.get("queueUrl").cloned();
    let is = attributes(&observed.properties)?;
    let mut wanted = attributes(&at.properties)?;
    wanted.retain(|name, value| is.get(name) != Some(value));
    let set = LEFT
        .into_iter()
        .filter(|(_, name, _)| observed.properties.unmanaged.contains_key(*name));
    wanted.extend(set.map(|(attribute, _, own)| (attribute, own[0].to_owned())));
    if !wanted.is_empty() {
        let call = aws.sqs.set_queue_attributes().set_queue_url(url.clone());
        let call = call.set_attributes(Some(wanted));
        call.send().await.during("sqs:SetQueueAttributes")?;
    }
    let retag = Retag::between(observed.tags.as_ref(), &at.tags);
    if !retag.set.is_empty() {
        let call = aws.sqs.tag_queue().set_queue_url(url.clone());
        let call = call.set_tags(Some(retag.set.into_iter().collect()));
        call.send().await.during("sqs:TagQueue")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.sqs.untag_queue().set_queue_url(url);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("sqs:UntagQueue")?;
    }
    Ok(Put::Done(observed.outputs.clone()))
}
