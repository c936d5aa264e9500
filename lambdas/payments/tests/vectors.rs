//! Every recorded vector gives the stated verdict: directly, and as API Gateway would deliver it.

use std::collections::BTreeSet;

use base64::Engine;
use jiff::Timestamp;
use payments::vectors::{self, Verdict};
use serde_json::{Value, json};

fn vectors() -> Vec<Value> {
    let text = include_str!("../../../tests/vectors/provider-vectors.json");
    serde_json::from_str(text).expect("the vector file is a JSON list")
}

fn verdict(vector: &Value) -> Verdict {
    let text = json!([vector]).to_string();
    let verdicts = vectors::check(&text, Timestamp::UNIX_EPOCH).expect("a vector");
    verdicts.into_iter().next().expect("one verdict")
}

fn expected(vector: &Value) -> BTreeSet<String> {
    let mut kinds = BTreeSet::from([vector["expect"].as_str().expect("expect").to_owned()]);
    for kind in vector["kind_alternatives"].as_array().into_iter().flatten() {
        kinds.insert(kind.as_str().expect("kind").to_owned());
    }
    kinds
}

/// The bytes of the vector's body.
fn body(vector: &Value) -> Vec<u8> {
    match vector["body_base64"].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD
            .decode(text)
            .expect("base64"),
        None => vector["body"]
            .as_str()
            .unwrap_or_default()
            .as_bytes()
            .to_vec(),
    }
}

fn disagreements(change: impl Fn(&Value) -> Option<Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    for vector in &vectors() {
        let Some(changed) = change(vector) else {
            continue;
        };
        let verdict = verdict(&changed);
        let kind = verdict.error.unwrap_or(verdict.result);
        if !expected(vector).contains(kind) {
            wrong.push(format!(
                "{}: {kind}, not {:?}: {}",
                vector["id"],
                expected(vector),
                vector["name"]
            ));
        }
    }
    wrong
}

#[test]
fn every_vector_gives_the_stated_verdict() {
    assert_eq!(
        disagreements(|vector| Some(vector.clone())),
        Vec::<String>::new()
    );
}

#[test]
fn every_vector_gives_the_same_verdict_as_a_base64_proxy_event() {
    for version in ["1.0", "2.0"] {
        let wrapped = |vector: &Value| {
            let mut vector = vector.clone();
            let text = base64::engine::general_purpose::STANDARD.encode(body(&vector));
            vector["apigw"] = json!({"version": version, "isBase64Encoded": true, "body": text});
            Some(vector)
        };
        assert_eq!(disagreements(wrapped), Vec::<String>::new(), "{version}");
    }
}

#[test]
fn every_vector_of_text_gives_the_same_verdict_as_a_plain_proxy_event() {
    for version in ["1.0", "2.0"] {
        let wrapped = |vector: &Value| {
            let text = String::from_utf8(body(vector)).ok()?;
            let mut vector = vector.clone();
            vector["apigw"] = json!({"version": version, "isBase64Encoded": false, "body": text});
            Some(vector)
        };
        assert_eq!(disagreements(wrapped), Vec::<String>::new(), "{version}");
    }
}

#[test]
fn the_verdict_is_a_line_with_id_and_result_only() {
    let vector = &vectors()[1];
    let line = serde_json::to_string(&verdict(vector)).expect("a line");
    assert_eq!(
        line,
        r#"{"id":"stripe-02","result":"invalid","error":"stale_timestamp"}"#
    );
}

#[test]
fn a_vector_that_cannot_be_tried_does_not_stop_the_others() {
    let text = json!([
        {"id": "a", "provider": "nobody", "secret": "s", "headers": {}, "body": ""},
        {"id": "b", "provider": "stripe", "secret": "s", "headers": {}, "body": "", "body_base64": ""},
        {"id": "c", "provider": "stripe", "secret": "s", "headers": {}, "body_repeat": {"text": "ab", "count": 3}},
    ]);
    let verdicts = vectors::check(&text.to_string(), Timestamp::UNIX_EPOCH).expect("vectors");
    let errors: Vec<_> = verdicts.iter().map(|verdict| verdict.error).collect();
    assert_eq!(
        errors,
        [
            Some("unknown_provider"),
            Some("malformed_vector"),
            Some("missing_header")
        ]
    );
}

#[test]
fn a_file_that_is_no_list_of_vectors_is_explained_without_quoting_it() {
    let error = vectors::check(
        r#"[{"id":"a","provider":"stripe","secret":["hunter2"],"now":"hunter2"}]"#,
        Timestamp::UNIX_EPOCH,
    )
    .expect_err("not vectors")
    .to_string();
    assert!(
        error.contains("line 1") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn a_whole_file_gives_one_verdict_per_vector_in_order() {
    let text = include_str!("../../../tests/vectors/provider-vectors.json");
    let verdicts = vectors::check(text, Timestamp::UNIX_EPOCH).expect("vectors");
    let ids: Vec<_> = verdicts.iter().map(|verdict| verdict.id.as_str()).collect();
    let expected = vectors();
    assert_eq!(ids.len(), 174);
    assert!(
        ids.iter()
            .copied()
            .eq(expected.iter().filter_map(|vector| vector["id"].as_str()))
    );
}
