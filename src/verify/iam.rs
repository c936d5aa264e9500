//! Constraint 8: what the roles really allow.

use super::Check;
use super::report::{Subject, unreadable};
use crate::resources::policy::UNSCOPED;
use crate::resources::{Aws, CloudError, During};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The checks of a role by its ARN.
pub(super) async fn role(aws: &Aws, arn: Option<&str>) -> Vec<Check> {
    let Some(name) = arn.and_then(|arn| arn.rsplit('/').next()) else {
        return Vec::new();
    };
    let subject = Subject {
        kind: "iam-role",
        name,
        emulated: aws.emulated,
    };
    match read(aws, name).await {
        Ok((attached, documents)) => checks(&subject, &attached, &documents),
        Err(error) => unreadable(&subject, &[8], &error),
    }
}

/// Attached managed policies, and the documents of the role's own.
async fn read(aws: &Aws, role: &str) -> Result<(Vec<String>, Vec<Value>), CloudError> {
    let iam = &aws.iam;
    let (attached, named) = tokio::join!(
        iam.list_attached_role_policies().role_name(role).send(),
        iam.list_role_policies().role_name(role).send(),
    );
    let attached = attached.during("iam:ListAttachedRolePolicies")?;
    let named = named.during("iam:ListRolePolicies")?;
    let mut documents = Vec::new();
    for policy in named.policy_names() {
        let request = iam.get_role_policy().role_name(role).policy_name(policy);
        let answer = request.send().await.during("iam:GetRolePolicy")?;
        let text = percent_decode_str(answer.policy_document()).decode_utf8_lossy();
        documents.push(serde_json::from_str(&text).unwrap_or(Value::Null));
    }
    let attached = attached
        .attached_policies()
        .iter()
        .filter_map(|policy| policy.policy_arn());
    Ok((attached.map(str::to_owned).collect(), documents))
}

pub(super) fn checks(
    subject: &Subject<'_>,
    attached: &[String],
    documents: &[Value],
) -> Vec<Check> {
    let broad = broad_actions(documents);
    let open = open_resources(documents);
    let check = |what, wanted, found: Vec<String>| {
        let right = found.is_empty();
        let seen = if right {
            "none".to_owned()
        } else {
            found.join(", ")
        };
        subject.judged(8, "statements", what, wanted, Some(seen), right)
    };
    vec![
        check("attached managed policies", "none", attached.to_vec()),
        check("actions with a wildcard", "none", broad),
        check(
            "actions on all resources",
            "only those that AWS offers on nothing else",
            open,
        ),
    ]
}

fn allowing(documents: &[Value]) -> impl Iterator<Item = &Value> {
    let statements = documents
        .iter()
        .flat_map(|document| match &document["Statement"] {
            Value::Array(statements) => statements.iter().collect(),
            one => vec![one],
        });
    statements.filter(|statement| statement["Effect"] != "Deny")
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// Actions with wildcards; a statement without a list of actions allows more than anybody can say.
fn broad_actions(documents: &[Value]) -> Vec<String> {
    let mut broad = Vec::new();
    for statement in allowing(documents) {
        let actions = texts(&statement["Action"]);
        if actions.is_empty() {
            broad.push(statement.to_string());
        }
        broad.extend(
            actions
                .into_iter()
                .filter(|action| action.contains(['*', '?']))
                .map(str::to_owned),
        );
    }
    broad
}

/// Actions allowed on `*` although AWS lets them be narrowed.
fn open_resources(documents: &[Value]) -> Vec<String> {
    let narrowable = |action: &&str| !UNSCOPED.iter().any(|unscoped| unscoped.action == *action);
    allowing(documents)
        .filter(|statement| {
            let resources = texts(&statement["Resource"]);
            resources.is_empty()
                || resources
                    .iter()
                    .any(|resource| resource.trim_matches('*').is_empty())
        })
        .flat_map(|statement| texts(&statement["Action"]))
        .filter(narrowable)
        .map(str::to_owned)
        .collect()
}
