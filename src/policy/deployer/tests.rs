use super::deployer;
use crate::config::Config;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What AWS does in the deployer's name during other calls.
const IN_OUR_NAME: [&str; 8] = [
    "iam:PassRole",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    // A bucket is made with its tags.
    "s3:TagResource",
];

fn policy(account: &str) -> Value {
    let shipped = include_str!("../../../infra.toml");
    let text = shipped
        .replace("#account = \"123456789012\"", account)
        .replace("backend = \"local\"", "backend = \"s3\"");
    deployer(&Config::parse("infra.toml", &text, Some("dev"), None).unwrap())
}

fn statements(policy: &Value) -> &Vec<Value> {
    policy["Statement"].as_array().unwrap()
}

fn allowed(policy: &Value) -> BTreeSet<String> {
    let actions = statements(policy)
        .iter()
        .map(|one| one["Action"].as_array().unwrap());
    actions
        .flatten()
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// Sources below a folder, tests apart.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match path.is_dir() {
            true if !["scripted", "tests", "policy"].contains(&name) => sources(&path, found),
            false if !name.contains("tests") && !name.starts_with("scripted") => found.push(path),
            _ => {}
        }
    }
}

/// The IAM action of a call.
fn action(call: &str) -> String {
    let Some(operation) = call.strip_prefix("apigateway:") else {
        return call.to_owned();
    };
    let method = match operation {
        "TagResource" => "PUT",
        "UntagResource" => "DELETE",
        _ if operation.starts_with("Create") => "POST",
        _ if operation.starts_with("Delete") => "DELETE",
        _ if operation.starts_with("Put") => "PUT",
        _ if operation.starts_with("Update") => "PATCH",
        _ => "GET",
    };
    format!("apigateway:{method}")
}

/// A quoted text such as `service:Operation` at the start of some source.
fn call(source: &str) -> Option<&str> {
    let (call, _) = source.trim_start().strip_prefix('"')?.split_once('"')?;
    let (service, operation) = call.split_once(':')?;
    let named = service
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        && operation.starts_with(|c: char| c.is_ascii_uppercase())
        && operation.chars().all(|c| c.is_ascii_alphanumeric());
    named.then_some(call)
}

/// Every call of the kinds, of the state in a bucket and of `verify`, as they name it in errors.
fn called() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src/resources", "src/state/s3", "src/verify"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join(folder), &mut files);
    }
    let mut calls = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for before in [".during(", ".or_absent(", ": &str ="] {
            let after = text
                .match_indices(before)
                .map(|(at, _)| &text[at + before.len()..]);
            calls.extend(after.filter_map(call).map(action));
        }
    }
    // What permissions and trust policies allow to others.
    for not_ours in ["lambda:InvokeFunction", "sts:AssumeRole"] {
        calls.remove(not_ours);
    }
    calls
}

#[test]
fn the_deployer_may_make_every_call_that_deploying_and_verifying_makes_and_no_other() {
    let mut needed = called();
    assert!(
        needed.len() > 80,
        "the calls are found in the sources: {}",
        needed.len()
    );
    needed.extend(IN_OUR_NAME.map(str::to_owned));
    let policy = policy("");
    let allowed = allowed(&policy);
    let missing: Vec<_> = needed.difference(&allowed).collect();
    let needless: Vec<_> = allowed.difference(&needed).collect();
    assert!(
        missing.is_empty() && needless.is_empty(),
        "missing {missing:?}, needless {needless:?}"
    );
}

#[test]
fn no_action_has_a_wildcard_and_everything_stands_only_where_aws_knows_no_resource() {
    for statement in statements(&policy("")) {
        for action in statement["Action"].as_array().unwrap() {
            assert!(!action.as_str().unwrap().contains(['*', '?']), "{action}");
        }
        let everything = statement["Resource"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one == "*");
        let sid = statement["Sid"].as_str().unwrap();
        assert_eq!(
            everything,
            ["NotOfAResource", "MakeTheKey"].contains(&sid),
            "{sid}"
        );
    }
}

#[test]
fn the_policy_of_an_environment_reads_so() {
    insta::assert_json_snapshot!(policy("account = \"123456789012\""));
}
