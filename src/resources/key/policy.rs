//! The key policy: the account's root delegates to IAM, and services that act in their own name are named.

use super::ServiceUse;
use crate::graph::{Input, Unresolved};
use crate::resources::Given;
use crate::resources::policy::document::{self, Fields, add_conditions, foreign, list};
use serde_json::{Value, json};

/// What stands in place of a sid for statements that are not payhook's, and for payhook's own one when it is missing.
const FOREIGN: &str = "not of payhook";
const MISSING: &str = "missing";

fn root(given: &Given) -> String {
    format!("arn:{}:iam::{}:root", given.partition, given.account)
}

/// The policy text. Without the root statement IAM policies on roles would have no effect on the key, and naming roles
/// instead would wait in a circle with their creation.
pub fn write(given: &Given, services: &[ServiceUse]) -> Result<String, Unresolved> {
    let mut statements = vec![json!({
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": { "AWS": root(given) },
        "Action": "kms:*",
        "Resource": "*",
    })];
    for service in services {
        let mut statement = json!({
            "Sid": service.sid,
            "Effect": "Allow",
            "Principal": { "Service": service.principal.get()? },
            "Action": service.actions,
            "Resource": "*",
        });
        add_conditions(&mut statement, &service.conditions)?;
        statements.push(statement);
    }
    Ok(document::document(statements).to_string())
}

/// The services that a policy text names. A statement of another form, or the lack of the root statement, comes back as
/// a service of its own, so that it shows as a difference.
pub fn read(given: &Given, text: &str) -> Vec<ServiceUse> {
    let mut delegated = false;
    let mut services = Vec::new();
    for statement in document::statements(text) {
        if !delegated && delegates(given, &statement) {
            delegated = true;
        } else {
            services.push(service(&statement).unwrap_or_else(|| odd(&statement)));
        }
    }
    if !delegated {
        services.push(odd(&Value::from(format!(
            "{MISSING}: kms:* for {}",
            root(given)
        ))));
    }
    services
}

fn odd(statement: &Value) -> ServiceUse {
    ServiceUse {
        sid: FOREIGN.to_owned(),
        principal: Input::known(foreign(statement)),
        actions: vec![],
        conditions: vec![],
    }
}

fn delegates(given: &Given, statement: &Value) -> bool {
    let whole = || {
        let fields = Fields::of(statement, &["Principal", "Action", "Resource"])?;
        let principal = fields.get("Principal")?.as_object()?;
        let account = list(principal.get("AWS")?)?;
        // KMS takes the bare account number for its root.
        let ours = account == [root(given)] || account == [given.account.clone()];
        let actions = list(fields.get("Action")?)?;
        let resources = list(fields.get("Resource")?)?;
        Some(
            ours && principal.len() == 1
                && actions == ["kms:*"]
                && resources == ["*"]
                && fields.conditions()?.is_empty(),
        )
    };
    whole().unwrap_or(false)
}

fn service(statement: &Value) -> Option<ServiceUse> {
    let fields = Fields::of(statement, &["Principal", "Action", "Resource"])?;
    if list(fields.get("Resource")?)? != ["*"] {
        return None;
    }
    Some(ServiceUse {
        sid: fields.get("Sid")?.as_str()?.to_owned(),
        principal: Input::known(fields.service()?),
        actions: list(fields.get("Action")?)?,
        conditions: fields.conditions()?,
    })
}
