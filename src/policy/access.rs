//! Constraint 8: IAM.

use super::{Breach, each, unless};
use crate::graph::{Graph, Input, Part, Text};
use crate::resources::policy::{Statement, UNSCOPED};
use crate::resources::role::Role;

/// No wildcard in any action; `*` as a resource only for the actions that AWS offers on nothing else.
pub(super) fn least_privilege(graph: &Graph) -> Vec<Breach> {
    each(graph, |role: &Role| {
        let empty = unless(
            !role.statements.is_empty(),
            "it is granted nothing and could go",
        );
        role.statements
            .iter()
            .flat_map(statement)
            .chain(empty)
            .collect()
    })
}

fn statement(statement: &Statement) -> Vec<String> {
    let mut problems = Vec::new();
    for action in &statement.actions {
        if action.contains(['*', '?']) || !action.contains(':') {
            problems.push(format!("action `{action}` is not exact"));
        }
    }
    for resource in &statement.resources {
        if is_everything(resource) {
            let scoped = |action: &&String| !UNSCOPED.iter().any(|u| u.action == action.as_str());
            let scoped = statement.actions.iter().filter(scoped);
            problems
                .extend(scoped.map(|action| format!("`{action}` is allowed on every resource")));
        } else if !is_exact(resource) {
            problems.push(format!("resource {resource:?} is not exact"));
        }
    }
    problems
}

fn is_everything(resource: &Input<Text>) -> bool {
    matches!(resource.parts(), [Part::Text(text)] if text == "*")
}

/// Two names are exact although they end in `*`: that of all log streams below one named group, and that of all objects
/// of one named bucket, which is the stack's own and holds nothing else. AWS has no other name for either.
fn is_exact(resource: &Input<Text>) -> bool {
    let known: String = resource
        .parts()
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Output(_) => "",
        })
        .collect();
    let known = match known.strip_suffix(":*") {
        Some(group) if group.contains(":log-group:") || group.contains("log-group:/") => group,
        _ => known.as_str(),
    };
    let known = match known.strip_suffix("/*") {
        Some(bucket) if bucket.contains(":s3:::") && !bucket.contains('/') => bucket,
        _ => known,
    };
    !known.contains(['*', '?'])
}
