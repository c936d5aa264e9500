//! The one statement of the bucket's policy, and whatever else stands there.

use crate::resources::policy::document::{document, statements};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a policy says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// Whether requests without TLS are refused.
    pub tls_only: bool,
    /// Statements that are not ours, each always in the same form.
    pub others: Vec<Value>,
}

/// The policy that refuses whatever does not come over TLS.
pub(super) fn tls_only(arn: &str) -> String {
    document(vec![statement(arn)]).to_string()
}

fn statement(arn: &str) -> Value {
    json!({
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })
}

/// Reads a policy of the bucket with this ARN.
pub(super) fn read(policy: &str, arn: &str) -> Shown {
    let ours = plain(&statement(arn));
    let found = statements(policy);
    let (same, others): (Vec<_>, Vec<_>) = found.iter().map(plain).partition(|one| *one == ours);
    Shown {
        tls_only: !same.is_empty(),
        others,
    }
}

/// One form for all equal spellings: lists as sorted texts, `true` as `"true"`, no name, everybody as `*`.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) if *fields == everybody() => plain(&json!("*")),
        Value::Object(fields) => {
            let named = fields.iter().filter(|(name, _)| *name != "Sid");
            let mut plain: Vec<_> = named
                .map(|(name, one)| (name.clone(), plain(one)))
                .collect();
            plain.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(plain.into_iter().collect())
        }
        Value::Array(items) => {
            let texts: BTreeSet<String> = items.iter().map(scalar).collect();
            json!(texts)
        }
        one => json!([scalar(one)]),
    }
}

fn everybody() -> Map<String, Value> {
    Map::from_iter([("AWS".to_owned(), json!("*"))])
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:s3:::b";

    #[test]
    fn a_policy_is_ours_in_every_spelling_and_nothing_else_is() {
        assert!(read(&tls_only(ARN), ARN).tls_only);
        let respelled = json!({"Version": "2012-10-17", "Statement": {
            "Condition": {"Bool": {"aws:SecureTransport": false}},
            "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b"], "Action": ["s3:*"],
            "Principal": {"AWS": "*"}, "Effect": "Deny",
        }});
        let shown = read(&respelled.to_string(), ARN);
        assert_eq!((shown.tls_only, shown.others.len()), (true, 0));

        for (field, value) in [
            ("Effect", json!("Allow")),
            ("Action", json!("s3:GetObject")),
            ("Resource", json!("arn:aws:s3:::b")),
            ("Principal", json!({"AWS": "arn:aws:iam::1:root"})),
            (
                "Condition",
                json!({"Bool": {"aws:SecureTransport": "true"}}),
            ),
        ] {
            let mut changed = statement(ARN);
            changed[field] = value;
            let shown = read(&document(vec![changed]).to_string(), ARN);
            assert_eq!((shown.tls_only, shown.others.len()), (false, 1), "{field}");
        }
    }

    #[test]
    fn a_statement_beside_ours_is_seen() {
        let other =
            json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "x"});
        let both = document(vec![statement(ARN), other]).to_string();
        let shown = read(&both, ARN);
        assert_eq!((shown.tls_only, shown.others.len()), (true, 1));
    }
}
