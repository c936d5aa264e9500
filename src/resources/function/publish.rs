//! Publishing: a version of what is configured, and the alias `live` that points at it.

use super::Function;
use super::shape::{LIVE, NOTE, TRAFFIC};
use crate::resources::{At, Aws, Class, CloudError, During, Put, Resource};
use aws_sdk_lambda::types::{AliasRoutingConfiguration, LastUpdateStatus, State};
use std::collections::HashMap;

/// Versions kept besides the one behind `live`, for a quick way back.
const KEPT: usize = 3;

/// Moves `live` to a version of what the function now is.
///
/// Without a change since the last one Lambda returns that one, so that a repeated call makes nothing new.
pub(super) async fn publish(
    aws: &Aws,
    at: &At<Function>,
    is: &Function,
) -> Result<Put, CloudError> {
    let name = &at.properties.name;
    let call = aws.lambda.publish_version().function_name(name);
    let published = call.code_sha256(at.properties.code.get()?).send().await;
    let published = published.during("lambda:PublishVersion")?;
    match (&published.state, &published.last_update_status) {
        (Some(State::Failed), _) | (_, Some(LastUpdateStatus::Failed)) => {
            let why = published
                .state_reason
                .or(published.last_update_status_reason);
            let why = why.unwrap_or_else(|| "Lambda gives no reason".to_owned());
            let call = "lambda:PublishVersion";
            return Err(CloudError::new(call, Class::Failed, "version-failed", why));
        }
        // Requests that reach a version in the making fail.
        (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => {
            return Ok(Put::Waiting("the new version to become active"));
        }
        _ => {}
    }
    let version = published.version.unwrap_or_default();
    let missing = is.unmanaged.get(LIVE) == Some(&"missing".into());
    // Where the answer to an earlier try was lost, the alias is there although it was missing.
    if !missing || !create_alias(aws, name, &version).await? {
        move_alias(aws, is, &version).await?;
        prune(aws, name, &version).await?;
    }
    let mut outputs = at.properties.predicted(&aws.given);
    outputs.insert("version".to_owned(), version);
    Ok(Put::Done(outputs))
}

/// Whether it was not there yet.
async fn create_alias(aws: &Aws, name: &str, version: &str) -> Result<bool, CloudError> {
    let call = aws.lambda.create_alias().function_name(name);
    let call = call.name(Function::ALIAS).function_version(version);
    match call.send().await.during("lambda:CreateAlias") {
        Ok(_) => Ok(true),
        Err(error) if error.class == Class::Conflict && error.message.contains("already exist") => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

async fn move_alias(aws: &Aws, is: &Function, version: &str) -> Result<(), CloudError> {
    let no_shares = AliasRoutingConfiguration::builder()
        .set_additional_version_weights(Some(HashMap::new()))
        .build();
    let call = aws.lambda.update_alias().function_name(&is.name);
    let call = call.name(Function::ALIAS).function_version(version);
    let shares = is.unmanaged.contains_key(TRAFFIC).then_some(no_shares);
    let no_note = is.unmanaged.contains_key(NOTE).then(String::new);
    let call = call.set_routing_config(shares).set_description(no_note);
    call.send().await.during("lambda:UpdateAlias")?;
    Ok(())
}

/// Deletes all but the newest versions; those that another alias uses stay.
async fn prune(aws: &Aws, name: &str, live: &str) -> Result<(), CloudError> {
    let mut versions = versions(aws, name).await?;
    versions.retain(|version| version.to_string() != live);
    versions.sort_unstable();
    let surplus = versions.len().saturating_sub(KEPT);
    for version in &versions[..surplus] {
        let call = aws.lambda.delete_function().function_name(name);
        let deleted = call.qualifier(version.to_string()).send().await;
        match deleted.or_absent("lambda:DeleteFunction") {
            Err(error) if error.class != Class::Conflict => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

async fn versions(aws: &Aws, name: &str) -> Result<Vec<u64>, CloudError> {
    let mut found = Vec::new();
    let mut marker = None;
    loop {
        let call = aws.lambda.list_versions_by_function().function_name(name);
        let page = call.set_marker(marker).send().await;
        let page = page.during("lambda:ListVersionsByFunction")?;
        let listed = page.versions.unwrap_or_default();
        // $LATEST is listed too and is no number.
        found.extend(
            listed
                .iter()
                .filter_map(|v| v.version()?.parse::<u64>().ok()),
        );
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(found);
        }
    }
}
