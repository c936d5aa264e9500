//! The trust policy: which service may assume the role, and for what.

use super::Trust;
use crate::graph::Unresolved;
use crate::resources::policy::document::{self, Fields, add_conditions, foreign, list};
use serde_json::{Value, json};

const ASSUME: &str = "sts:AssumeRole";

/// The trust policy's text.
pub fn write(trust: &Trust) -> Result<String, Unresolved> {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": trust.service },
        "Action": ASSUME,
    });
    add_conditions(&mut statement, &trust.conditions)?;
    Ok(document::document(vec![statement]).to_string())
}

/// Reads a trust policy; one of any other form is kept whole in place of the service.
pub fn read(text: &str) -> Trust {
    let statements = document::statements(text);
    let known = match statements.as_slice() {
        [only] => simple(only),
        _ => None,
    };
    known.unwrap_or_else(|| Trust {
        service: foreign(&Value::Array(statements)),
        conditions: vec![],
    })
}

fn simple(statement: &Value) -> Option<Trust> {
    let fields = Fields::of(statement, &["Principal", "Action"])?;
    if list(fields.get("Action")?)? != [ASSUME] {
        return None;
    }
    Some(Trust {
        service: fields.service()?,
        conditions: fields.conditions()?,
    })
}
