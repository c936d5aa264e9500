//! The search by ownership tags: what carries them, and how its ARN leads to it.

use super::{Aws, CloudError, During, Given, Kind, Outputs, Tags, definition, tag, tags};
use crate::graph::LogicalName;
use aws_sdk_resourcegroupstagging::types::{ResourceTagMapping, TagFilter};
use serde_json::{Value, json};

/// The most that one page may hold (docs: Resource Groups Tagging API, GetResources).
const PAGE: i32 = 100;

/// Something that a search by ownership tags lists; whether it still stands, only a read tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    /// Kind.
    pub kind: Kind,
    /// What its tags say that it is called inside the stack.
    pub logical: LogicalName,
    /// Properties that its ARN tells, in the kind's serialised form.
    pub properties: Value,
    /// Outputs that its ARN tells, where AWS chose what it is found by.
    pub outputs: Outputs,
    /// Its tags.
    pub tags: Tags,
}

impl Tagged {
    /// Whether a resource with these properties and outputs is it.
    pub fn is(&self, kind: Kind, properties: &Value, outputs: &Outputs) -> bool {
        let told = self.properties.as_object();
        let mut told = told.into_iter().flatten();
        let mut chosen = self.outputs.iter();
        self.kind == kind
            && told.all(|(name, value)| properties.get(name) == Some(value))
            && chosen.all(|(name, value)| outputs.get(name) == Some(value))
    }

    /// Its name in the cloud, where its ARN tells it.
    pub fn name(&self) -> Option<&str> {
        self.properties.get("name").and_then(Value::as_str)
    }
}

impl Kind {
    /// Whether a search by tags lists it.
    ///
    /// GetResources lists every type of resource with tags except users and roles of IAM (docs: services that support the
    /// Resource Groups Tagging API). IAM's own lists leave tags out, so that finding a role by them takes a call for each
    /// role of the account: roles are found by their names alone. So are dashboards and key aliases, which have no tags;
    /// permissions, snapshots and the account's settings have none either and go with what they are part of.
    pub fn is_listed(self) -> bool {
        definition(self).tagged() && self != Self::Role
    }
}

/// Everything of this account and region that carries the ownership tags of an environment.
///
/// What was deleted a moment ago may still be listed, and what was made a moment ago may not be yet.
pub(super) async fn search(aws: &Aws, stack: &str, env: &str) -> Result<Vec<Tagged>, CloudError> {
    let only = |key: &str, value: &str| TagFilter::builder().key(key).values(value).build();
    let pages = aws
        .tagging
        .get_resources()
        .tag_filters(only(tag::STACK, stack))
        .tag_filters(only(tag::ENV, env))
        .resources_per_page(PAGE)
        .into_paginator();
    let listed = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    match listed.during("tag:GetResources") {
        Err(error) if aws.lacks(&error) => Ok(Vec::new()),
        listed => Ok(listed?
            .into_iter()
            .filter_map(|one| found(&aws.given, one))
            .collect()),
    }
}

fn found(given: &Given, listed: ResourceTagMapping) -> Option<Tagged> {
    let tags = listed.tags.into_iter().flatten();
    let tags = tags::collect(tags.map(|tag| (tag.key, tag.value)));
    let logical = LogicalName::from(tags.get(tag::RESOURCE)?.as_str());
    let (kind, properties, outputs) = located(given, &listed.resource_arn?)?;
    Some(Tagged {
        kind,
        logical,
        properties,
        outputs,
        tags,
    })
}

/// What an ARN tells of a resource of one of our kinds.
fn located(given: &Given, arn: &str) -> Option<(Kind, Value, Outputs)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next()?, parts.nth(2)?);
    let after = |prefix: &str| resource.strip_prefix(prefix).filter(|rest| is_name(rest));
    let named = |kind, name: &str| Some((kind, json!({ "name": name }), Outputs::new()));
    match service {
        "kms" => {
            let id = after("key/")?.to_owned();
            let outputs = [("keyId", id), ("keyArn", arn.to_owned())];
            let outputs = outputs.map(|(name, value)| (name.to_owned(), value));
            Some((Kind::Key, json!({}), outputs.into()))
        }
        // Secrets Manager ends ARNs of its own with a hyphen and six characters.
        "secretsmanager" => {
            let (name, ending) = resource.strip_prefix("secret:")?.rsplit_once('-')?;
            named(Kind::Secret, name).filter(|_| ending.len() == 6)
        }
        "sqs" => named(Kind::Queue, after("")?),
        "sns" => named(Kind::Topic, after("")?),
        "logs" => {
            let name = resource.strip_prefix("log-group:")?;
            named(Kind::LogGroup, name.strip_suffix(":*").unwrap_or(name))
        }
        "dynamodb" => named(Kind::Table, after("table/")?),
        // Our buckets end with account and region.
        "s3" => {
            let ending = format!("-{}-{}", given.account, given.region);
            named(Kind::Bucket, resource.strip_suffix(&ending)?)
        }
        "lambda" => named(Kind::Function, after("function:")?),
        "states" => named(Kind::StateMachine, after("stateMachine:")?),
        "pipes" => named(Kind::Pipe, after("pipe/")?),
        "cloudwatch" => named(Kind::Alarm, resource.strip_prefix("alarm:")?),
        "apigateway" => api(resource.strip_prefix("/restapis/")?),
        _ => None,
    }
}

/// An API by its id, or a stage in it.
fn api(path: &str) -> Option<(Kind, Value, Outputs)> {
    match path.split('/').collect::<Vec<_>>()[..] {
        [id] => {
            let outputs = Outputs::from([("apiId".to_owned(), id.to_owned())]);
            Some((Kind::Api, json!({}), outputs))
        }
        [id, "stages", stage] => {
            let properties = json!({ "name": stage, "api": id });
            Some((Kind::ApiStage, properties, Outputs::new()))
        }
        _ => None,
    }
}

/// Whether it names a resource and nothing below it, such as a version of a function or a subscription of a topic.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/'])
}

#[cfg(test)]
mod tests;
