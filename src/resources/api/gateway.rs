//! What all kinds of API Gateway have in common: patches, tags and the rule for concurrent changes.

use crate::resources::tags::{Retag, collect};
use crate::resources::{Aws, CloudError, During, Given, Of, Schedule, Settle, Tags};
use aws_sdk_apigateway::types::{Op, PatchOperation};

/// Any two changes of one API get in each other's way.
pub const CONCURRENT: Settle = Settle {
    name: "another change of the API to end",
    of: Of::Itself,
    codes: &["ConflictException"],
    messages: &["concurrent modification"],
    schedule: Schedule::PROPAGATION,
    budget_seconds: 120,
    otherwise: "something else keeps changing the API, perhaps another tool",
    source: "terraform-provider-aws, internal/service/apigateway/service_package.go",
};

/// The ARN by which an API or one of its stages is tagged; it names no account.
pub fn arn(given: &Given, api: &str, stage: Option<&str>) -> String {
    let Given {
        partition, region, ..
    } = given;
    let below = stage.map(|s| format!("/stages/{s}")).unwrap_or_default();
    format!("arn:{partition}:apigateway:{region}::/restapis/{api}{below}")
}

/// Sets one property; API Gateway takes every value as text.
pub fn set(path: &str, value: impl ToString) -> PatchOperation {
    PatchOperation::builder()
        .op(Op::Replace)
        .path(path)
        .value(value.to_string())
        .build()
}

/// Puts a member into a set.
pub fn add(path: &str) -> PatchOperation {
    PatchOperation::builder().op(Op::Add).path(path).build()
}

/// Sets one property to nothing.
pub fn clear(path: &str) -> PatchOperation {
    PatchOperation::builder().op(Op::Replace).path(path).build()
}

/// Takes one property away.
pub fn remove(path: &str) -> PatchOperation {
    PatchOperation::builder().op(Op::Remove).path(path).build()
}

/// A piece of a patch's path: `~` and `/` are escaped.
pub fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// The tags of an API or stage.
///
/// The emulator keeps the tags given at creation in one place and later ones in another; once the second holds any,
/// it holds all, since [`retag`] always sends the whole set.
pub async fn tags(
    aws: &Aws,
    arn: &str,
    shown: Option<std::collections::HashMap<String, String>>,
) -> Result<Tags, CloudError> {
    let mut tags = shown.unwrap_or_default();
    if aws.emulated {
        let asked = aws.apigateway.get_tags().resource_arn(arn).send().await;
        let later = asked.or_absent("apigateway:GetTags")?;
        if let Some(later) = later.and_then(|l| l.tags).filter(|l| !l.is_empty()) {
            tags = later;
        }
    }
    Ok(collect(tags))
}

/// Brings the tags to what is wanted.
pub async fn retag(aws: &Aws, arn: &str, wanted: &Tags, observed: &Tags) -> Result<(), CloudError> {
    let Retag { set, remove } = Retag::between(Some(observed), wanted);
    if !set.is_empty() {
        aws.apigateway
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(wanted.clone().into_iter().collect()))
            .send()
            .await
            .during("apigateway:TagResource")?;
    }
    if !remove.is_empty() {
        aws.apigateway
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(remove))
            .send()
            .await
            .during("apigateway:UntagResource")?;
    }
    Ok(())
}
