//! A statement of a function's resource policy, in the terms of a permission.

use super::Permission;
use crate::graph::Input;
use crate::resources::Unmanaged;
use serde_json::{Map, Value};

pub(super) const ACTION: &str = "lambda:InvokeFunction";

/// Finds the permission's statement in a policy document.
pub(super) fn find(policy: &str, permission: &Permission) -> Option<Permission> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = match policy.get("Statement")? {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let ours = |statement: &&Value| statement["Sid"] == permission.sid.as_str();
    statements.iter().find(ours).map(|s| read(s, permission))
}

fn read(statement: &Value, permission: &Permission) -> Permission {
    let mut unmanaged = Unmanaged::new();
    let mut note = |name: &str, value: Value| drop(unmanaged.insert(name.to_owned(), value));
    for (name, expected) in [("Effect", "Allow"), ("Action", ACTION)] {
        if statement[name] != expected {
            note(name, statement[name].clone());
        }
    }
    let principal = &statement["Principal"];
    let service = only(principal, "Service").unwrap_or_default();
    if service.is_empty() {
        note("Principal", principal.clone());
    }
    let (source, others) = source_arn(&statement["Condition"]);
    if !others.is_empty() {
        note("Condition", Value::Object(others));
    }
    Permission {
        sid: permission.sid.clone(),
        function: permission.function.clone(),
        principal: service,
        source_arn: Input::known(source),
        unmanaged,
    }
}

/// The text under the only key of an object.
fn only(object: &Value, key: &str) -> Option<String> {
    let object = object.as_object().filter(|object| object.len() == 1)?;
    object.get(key)?.as_str().map(str::to_owned)
}

/// The source ARN that a condition demands, and everything else that it demands.
fn source_arn(condition: &Value) -> (String, Map<String, Value>) {
    let mut others = condition.as_object().cloned().unwrap_or_default();
    let source = others
        .get("ArnLike")
        .and_then(|like| only(like, "AWS:SourceArn"));
    match source {
        Some(source) => {
            others.remove("ArnLike");
            (source, others)
        }
        None => (String::new(), others),
    }
}
