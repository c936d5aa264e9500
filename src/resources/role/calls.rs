use super::{Role, trust};
use crate::resources::policy::document;
use crate::resources::tags::{self, Retag};
use crate::resources::unmanaged::collected;
use crate::resources::{
    At, Aws, Class, CloudError, Delete, During, Live, Observed, Outputs, Put, Resource, Tags,
    Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_iam::types::{Role as Shown, Tag};
use percent_encoding::percent_decode_str;

const BOUNDARY: &str = "permissionsBoundary";
const SESSION: &str = "maxSessionDuration";
/// Seconds that a session may last unless somebody says otherwise; facts: section 4.
const SESSION_SECONDS: i32 = 3_600;

#[async_trait]
impl Live for Role {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        let policy = aws.iam.get_role_policy().role_name(name);
        let policy = policy.policy_name(Role::POLICY);
        let (role, policy, others) = tokio::join!(
            aws.iam.get_role().role_name(name).send(),
            policy.send(),
            other_policies(aws, name),
        );
        let role = role.or_absent("iam:GetRole")?.and_then(|got| got.role);
        let Some(role) = role else {
            return Ok(None);
        };
        let policy = policy.or_absent("iam:GetRolePolicy")?;
        let statements = policy.map(|p| document::statements(&decoded(&p.policy_document)));
        let trust = role.assume_role_policy_document().unwrap_or_default();
        let properties = Self {
            name: name.clone(),
            description: role.description().unwrap_or_default().to_owned(),
            trust: trust::read(&decoded(trust)),
            statements: statements.iter().flatten().map(document::read).collect(),
            other_policies: others?,
            unmanaged: unmanaged(&role),
        };
        let outputs = outputs(aws, &properties, &role);
        let listed = role.tags.into_iter().flatten();
        let tags = tags::collect(listed.map(|tag| (tag.key, tag.value)));
        Ok(Some(Observed::settled(
            properties.canonical(),
            outputs,
            Some(tags),
        )))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let wanted = at.properties.clone().canonical();
        match observed {
            None => create(aws, &wanted, &at.tags).await,
            Some(observed) => update(aws, &wanted, &at.tags, observed).await,
        }
    }

    async fn delete(
        aws: &Aws,
        _at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let role = &observed.properties;
        // IAM deletes a role only once nothing is attached to it.
        if !role.statements.is_empty() {
            remove_policy(aws, &role.name, Role::POLICY).await?;
        }
        for policy in &role.other_policies {
            remove_policy(aws, &role.name, policy).await?;
        }
        let call = aws.iam.delete_role().role_name(&role.name);
        call.send().await.or_absent("iam:DeleteRole")?;
        Ok(Delete::Gone)
    }
}

fn unmanaged(role: &Shown) -> Unmanaged {
    let boundary = role
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn());
    let session = role.max_session_duration();
    collected([
        (BOUNDARY, boundary.map(Into::into)),
        (
            SESSION,
            session
                .filter(|seconds| *seconds != SESSION_SECONDS)
                .map(Into::into),
        ),
    ])
}

// IAM returns documents percent-encoded.
fn decoded(document: &str) -> String {
    percent_decode_str(document)
        .decode_utf8_lossy()
        .into_owned()
}

fn outputs(aws: &Aws, role: &Role, shown: &Shown) -> Outputs {
    let mut outputs = role.predicted(&aws.given);
    outputs.insert("roleId".to_owned(), shown.role_id().to_owned());
    outputs
}

/// Names of inline policies other than ours, and ARNs of managed ones; empty when there is no role.
async fn other_policies(aws: &Aws, role: &str) -> Result<Vec<String>, CloudError> {
    let (inline, managed) = tokio::join!(
        aws.iam
            .list_role_policies()
            .role_name(role)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>(),
        aws.iam
            .list_attached_role_policies()
            .role_name(role)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>(),
    );
    let inline = inline.or_absent("iam:ListRolePolicies")?;
    let managed = managed.or_absent("iam:ListAttachedRolePolicies")?;
    let managed = managed.into_iter().flatten().filter_map(|p| p.policy_arn);
    let inline = inline.into_iter().flatten().filter(|p| p != Role::POLICY);
    Ok(inline.chain(managed).collect())
}

async fn create(aws: &Aws, wanted: &Role, tags: &Tags) -> Result<Put, CloudError> {
    let created = aws
        .iam
        .create_role()
        .role_name(&wanted.name)
        .description(&wanted.description)
        .assume_role_policy_document(trust::write(&wanted.trust)?)
        .set_tags(Some(sdk_tags(tags)?))
        .send()
        .await
        .during("iam:CreateRole")?;
    if !wanted.statements.is_empty() {
        put_policy(aws, wanted).await?;
    }
    Ok(match &created.role {
        Some(role) => Put::Done(outputs(aws, wanted, role)),
        None => Put::Waiting("role to be visible to IAM"),
    })
}

async fn update(
    aws: &Aws,
    wanted: &Role,
    tags: &Tags,
    observed: &Observed<Role>,
) -> Result<Put, CloudError> {
    let is = observed.properties.clone().canonical();
    let name = &wanted.name;
    if is.trust != wanted.trust {
        let call = aws.iam.update_assume_role_policy().role_name(name);
        let call = call.policy_document(trust::write(&wanted.trust)?);
        call.send().await.during("iam:UpdateAssumeRolePolicy")?;
    }
    let session = is.unmanaged.contains_key(SESSION);
    if is.description != wanted.description || session {
        let call = aws.iam.update_role().role_name(name);
        let call = call
            .description(&wanted.description)
            .set_max_session_duration(session.then_some(SESSION_SECONDS));
        call.send().await.during("iam:UpdateRole")?;
    }
    if is.unmanaged.contains_key(BOUNDARY) {
        let call = aws.iam.delete_role_permissions_boundary().role_name(name);
        call.send()
            .await
            .or_absent("iam:DeleteRolePermissionsBoundary")?;
    }
    if is.statements != wanted.statements {
        // IAM refuses a document without statements.
        match wanted.statements.is_empty() {
            true => remove_policy(aws, name, Role::POLICY).await?,
            false => put_policy(aws, wanted).await?,
        }
    }
    for policy in &is.other_policies {
        if !wanted.other_policies.contains(policy) {
            remove_policy(aws, name, policy).await?;
        }
    }
    retag(aws, name, Retag::between(observed.tags.as_ref(), tags)).await?;
    Ok(Put::Done(observed.outputs.clone()))
}

async fn put_policy(aws: &Aws, role: &Role) -> Result<(), CloudError> {
    let statements = role.statements.iter().map(document::write);
    let document = document::document(statements.collect::<Result<_, _>>()?);
    aws.iam
        .put_role_policy()
        .role_name(&role.name)
        .policy_name(Role::POLICY)
        .policy_document(document.to_string())
        .send()
        .await
        .during("iam:PutRolePolicy")?;
    Ok(())
}

/// Deletes an inline policy or detaches a managed one, whichever the reference is.
async fn remove_policy(aws: &Aws, role: &str, policy: &str) -> Result<(), CloudError> {
    if policy.starts_with("arn:") {
        let call = aws.iam.detach_role_policy().role_name(role);
        let call = call.policy_arn(policy);
        call.send().await.or_absent("iam:DetachRolePolicy")?;
    } else {
        let call = aws.iam.delete_role_policy().role_name(role);
        let call = call.policy_name(policy);
        call.send().await.or_absent("iam:DeleteRolePolicy")?;
    }
    Ok(())
}

async fn retag(aws: &Aws, role: &str, retag: Retag) -> Result<(), CloudError> {
    if !retag.set.is_empty() {
        let call = aws.iam.tag_role().role_name(role);
        let call = call.set_tags(Some(sdk_tags(&retag.set)?));
        call.send().await.during("iam:TagRole")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.iam.untag_role().role_name(role);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("iam:UntagRole")?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| CloudError::new("iam", Class::Invalid, "bad-tag", error.to_string()))
}
