//! What payhook leaves as SNS makes it, and what was found set in its place.

use crate::resources::policy::document;
use crate::resources::unmanaged::parsed;
use crate::resources::{Given, Unmanaged};
use serde_json::{Value, json};
use std::collections::HashMap;

const POLICY: &str = "Policy";
/// The attribute, its name in plans, and the value that SNS gives by itself (facts: section 16).
const LEFT: [(&str, &str, &str); 4] = [
    ("DisplayName", "displayName", ""),
    ("DeliveryPolicy", "deliveryPolicy", ""),
    ("TracingConfig", "tracingConfig", "PassThrough"),
    ("SignatureVersion", "signatureVersion", "1"),
];
/// The actions of the policy that SNS gives every topic; emulators give fewer.
const OWN_ACTIONS: [&str; 9] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
    "SNS:Receive",
];

/// Settings away from SNS's own.
pub(super) fn found(given: &Given, shown: &HashMap<String, String>) -> Unmanaged {
    let set = LEFT.iter().filter_map(|(attribute, name, own)| {
        let value = shown.get(*attribute).filter(|value| value != own)?;
        Some(((*name).to_owned(), parsed(value)))
    });
    let policy = shown.get(POLICY).filter(|text| !is_own(given, text));
    let policy = policy.map(|text| ("policy".to_owned(), parsed(text)));
    set.chain(policy).collect()
}

/// The attributes that take what was found back, each with the value that SNS gives by itself.
pub(super) fn resets(given: &Given, arn: &str, found: &Unmanaged) -> Vec<(&'static str, String)> {
    let set = LEFT.iter().filter(|(_, name, _)| found.contains_key(*name));
    let mut resets: Vec<_> = set
        .map(|(attribute, _, own)| (*attribute, (*own).to_owned()))
        .collect();
    // An empty policy is ignored, so its own is written out.
    if found.contains_key("policy") {
        resets.push((POLICY, own(given, arn)));
    }
    resets
}

fn own(given: &Given, arn: &str) -> String {
    let actions = &OWN_ACTIONS[..OWN_ACTIONS.len() - 1];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": given.account}},
        }],
    })
    .to_string()
}

/// Whether a policy lets in nobody but the account itself, in the form that SNS writes.
fn is_own(given: &Given, text: &str) -> bool {
    let [statement] = &document::statements(text)[..] else {
        return false;
    };
    let whose = &statement["Condition"]["StringEquals"]["AWS:SourceOwner"];
    let conditions = statement["Condition"].as_object();
    let actions = match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        action => vec![action.clone()],
    };
    let known = |action: &Value| {
        let action = action.as_str().unwrap_or_default();
        OWN_ACTIONS
            .iter()
            .any(|own| own.eq_ignore_ascii_case(action))
    };
    statement["Effect"] == "Allow"
        && *whose == given.account
        && conditions.is_some_and(|all| all.len() == 1)
        && statement["Condition"]["StringEquals"]
            .as_object()
            .is_some_and(|all| all.len() == 1)
        && actions.iter().all(known)
}
