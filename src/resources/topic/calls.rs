use super::{Topic, settings};
use crate::graph::Input;
use crate::resources::key::arn_of;
use crate::resources::tags::{self, Retag};
use crate::resources::{
    At, Aws, Class, CloudError, Delete, During, Live, Observed, Put, Resource, Tags,
};
use async_trait::async_trait;
use aws_sdk_sns::types::{Subscription, Tag};

const KEY: &str = "KmsMasterKeyId";
/// What stands in place of a subscription's ARN until its owner has confirmed it.
const PENDING: &str = "PendingConfirmation";

#[async_trait]
impl Live for Topic {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let arn = at.properties.arn(&aws.given);
        let (shown, tags, subscriptions) = tokio::join!(
            aws.sns.get_topic_attributes().topic_arn(&arn).send(),
            aws.sns.list_tags_for_resource().resource_arn(&arn).send(),
            emails(aws, &arn),
        );
        let Some(shown) = shown.or_absent("sns:GetTopicAttributes")? else {
            return Ok(None);
        };
        let tags = tags.during("sns:ListTagsForResource")?;
        let shown = shown.attributes.unwrap_or_default();
        let key = shown.get(KEY).map(String::as_str).unwrap_or_default();
        let properties = Self {
            name: at.properties.name.clone(),
            key: Input::known(arn_of(&aws.given, key)),
            email: shown_email(&subscriptions?, at.properties.email.as_deref()),
            unmanaged: settings::found(&aws.given, &shown),
        };
        let outputs = properties.predicted(&aws.given);
        let listed = tags.tags.into_iter().flatten();
        let tags = tags::collect(listed.map(|tag| (tag.key, tag.value)));
        Ok(Some(Observed::settled(properties, outputs, Some(tags))))
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
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let call = aws.sns.delete_topic();
        let call = call.topic_arn(at.properties.arn(&aws.given));
        call.send().await.or_absent("sns:DeleteTopic")?;
        Ok(Delete::Gone)
    }
}

/// Subscriptions by e-mail; none where the topic is not there.
async fn emails(aws: &Aws, arn: &str) -> Result<Vec<Subscription>, CloudError> {
    let pages = aws.sns.list_subscriptions_by_topic().topic_arn(arn);
    let listed: Option<Vec<_>> = pages
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .or_absent("sns:ListSubscriptionsByTopic")?;
    let by_mail = |s: &Subscription| s.protocol() == Some("email");
    Ok(listed.into_iter().flatten().filter(by_mail).collect())
}

/// The wanted address if it is subscribed, confirmed or not; else another one that is.
///
/// Unconfirmed others cannot be unsubscribed and go away by themselves, so they are not seen.
fn shown_email(subscriptions: &[Subscription], wanted: Option<&str>) -> Option<String> {
    let confirmed = subscriptions.iter().filter(|s| is_confirmed(s));
    let is_wanted = |s: &&Subscription| s.endpoint() == wanted && wanted.is_some();
    let found = subscriptions.iter().find(is_wanted);
    let found = found.or_else(|| confirmed.into_iter().next());
    found?.endpoint().map(str::to_owned)
}

fn is_confirmed(subscription: &Subscription) -> bool {
    let arn = subscription.subscription_arn().unwrap_or(PENDING);
    arn.starts_with("arn:")
}

async fn create(aws: &Aws, at: &At<Topic>) -> Result<(), CloudError> {
    aws.sns
        .create_topic()
        .name(&at.properties.name)
        .attributes(KEY, at.properties.key.get()?)
        .set_tags(Some(sdk_tags(&at.tags)?))
        .send()
        .await
        .during("sns:CreateTopic")?;
    match &at.properties.email {
        Some(email) => subscribe(aws, at, email).await,
        None => Ok(()),
    }
}

async fn update(aws: &Aws, at: &At<Topic>, observed: &Observed<Topic>) -> Result<(), CloudError> {
    let (wanted, is) = (&at.properties, &observed.properties);
    let arn = wanted.arn(&aws.given);
    let mut attributes = settings::resets(&aws.given, &arn, &is.unmanaged);
    if is.key != wanted.key {
        attributes.push((KEY, wanted.key.get()?));
    }
    for (name, value) in attributes {
        let call = aws.sns.set_topic_attributes().topic_arn(&arn);
        let call = call.attribute_name(name).attribute_value(value);
        call.send().await.during("sns:SetTopicAttributes")?;
    }
    if is.email != wanted.email {
        if let Some(email) = &wanted.email {
            subscribe(aws, at, email).await?;
        }
        if let Some(email) = &is.email {
            unsubscribe(aws, &arn, email).await?;
        }
    }
    let retag = Retag::between(observed.tags.as_ref(), &at.tags);
    if !retag.set.is_empty() {
        let call = aws.sns.tag_resource().resource_arn(&arn);
        let call = call.set_tags(Some(sdk_tags(&retag.set)?));
        call.send().await.during("sns:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.sns.untag_resource().resource_arn(&arn);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("sns:UntagResource")?;
    }
    Ok(())
}

/// Asks the owner of an address to confirm; nothing waits for the answer.
async fn subscribe(aws: &Aws, at: &At<Topic>, email: &str) -> Result<(), CloudError> {
    let call = aws.sns.subscribe();
    let call = call.topic_arn(at.properties.arn(&aws.given));
    let call = call.protocol("email").endpoint(email);
    call.send().await.during("sns:Subscribe")?;
    Ok(())
}

async fn unsubscribe(aws: &Aws, arn: &str, email: &str) -> Result<(), CloudError> {
    let subscriptions = emails(aws, arn).await?;
    let same = |s: &&Subscription| s.endpoint() == Some(email) && is_confirmed(s);
    for subscription in subscriptions.iter().filter(same) {
        let call = aws.sns.unsubscribe();
        let call = call.set_subscription_arn(subscription.subscription_arn.clone());
        call.send().await.or_absent("sns:Unsubscribe")?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| CloudError::new("sns", Class::Invalid, "bad-tag", error.to_string()))
}
