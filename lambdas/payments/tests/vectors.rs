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
fn the_verdict_is_a_line_with_id_result_and_reason() {
    let vector = &vectors()[1];
    let line = serde_json::to_string(&verdict(vector)).expect("a line");
    assert_eq!(
        line,
        "{\"id\":\"stripe-02\",\"result\":\"invalid\",\"error\":\"stale_timestamp\",\"reason\":\"the signed timestamp is \
         400 s old and 300 s are allowed; a replay, or a clock is wrong\"}"
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
fn what_is_wrong_with_an_entry_is_told_without_quoting_it_and_the_others_are_tried() {
    let text = r#"[{"id":"a","provider":"stripe","secret":["hunter2"],"now":"hunter2"}, {"id": 7}, ["hunter2"],
        {"provider":"hunter-2"}, {"provider":"Authorize.Net","headers":null,"url":null,"config":null,"secret":"k"}]"#;
    let verdicts = vectors::check(text, Timestamp::UNIX_EPOCH).expect("vectors");
    let told: Vec<_> = verdicts
        .iter()
        .map(|verdict| (verdict.id.as_str(), verdict.error))
        .collect();
    let (malformed, unknown) = (Some("malformed_vector"), Some("unknown_provider"));
    assert_eq!(
        told,
        [
            ("a", malformed),
            ("7", malformed),
            ("#3", malformed),
            ("#4", unknown),
            ("#5", Some("missing_header"))
        ]
    );
    let lines = serde_json::to_string(&verdicts).expect("lines");
    assert!(!lines.contains("hunter2"), "{lines}");
    for told in [
        "of the documented type, at line 1",
        "it has no `provider`",
        "the providers are adyen, ",
    ] {
        assert!(lines.contains(told), "{told} is not in {lines}");
    }
}

#[test]
fn a_file_that_holds_no_vectors_is_explained_without_quoting_it() {
    for text in [
        "",
        "hunter2",
        "[hunter2",
        "[{\"id\": \"hunter2\"",
        "{\"id\": \"hunter2\"} hunter2",
        "[]",
        " {\"vectors\": []}",
    ] {
        let error = vectors::check(text, Timestamp::UNIX_EPOCH)
            .expect_err("no vectors")
            .to_string();
        assert!(
            error.contains("line 1") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn a_file_may_be_a_list_one_vector_a_line_or_a_list_in_an_object() {
    let two = &vectors()[..2];
    let list = json!(two).to_string();
    let lines = format!("{}\n{}\n", two[0], two[1]);
    let object = json!({"vectors": two}).to_string();
    let of_list = vectors::check(&list, Timestamp::UNIX_EPOCH).expect("vectors");
    for text in [lines, object, format!("\u{feff}{list}")] {
        assert_eq!(
            vectors::check(&text, Timestamp::UNIX_EPOCH),
            Ok(of_list.clone()),
            "{text:.40}"
        );
    }
}

/// The vector of this name with other members.
fn changed(id: &str, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Verdict {
    let mut vectors = vectors().into_iter();
    let mut vector = vectors.find(|v| v["id"] == id).expect("the vector");
    change(vector.as_object_mut().expect("an object"));
    verdict(&vector)
}

#[test]
fn without_roots_of_its_own_a_vector_is_held_against_those_of_the_functions() {
    let bare = |vector: &mut serde_json::Map<String, Value>| {
        vector.remove("roots");
        vector.remove("intermediates");
    };
    // PayPal's published certificate.
    assert_eq!(changed("paypal-01", bare).result, "valid");
    let rootless = changed("paypal-01", |vector| vector["roots"] = json!(["no root"]));
    assert_eq!(rootless.error, Some("cert_untrusted"));
}

#[test]
fn a_key_or_an_address_that_the_vector_lacks_is_named() {
    let told = changed("paypal-01", |vector| drop(vector.remove("certs")));
    assert_eq!(told.error, Some("cert_untrusted"));
    assert!(told.reason.is_some_and(|why| why.contains("`certs`")));
    let told = changed("plaid-01", |vector| drop(vector.remove("jwks")));
    assert_eq!(told.error, Some("unknown_key"));
    assert!(told.reason.is_some_and(|why| why.contains("`jwks`")));
    let told = changed("square-01", |vector| drop(vector.remove("url")));
    assert_eq!(told.error, Some("bad_secret_config"));
}

#[test]
fn a_provider_is_known_by_its_other_usual_names_and_a_time_may_be_text() {
    let known = |name: &str| {
        let vector = json!({"id": "a", "provider": name, "secret": "k", "headers": {}, "body": "{}", "now": "2026-01-01T00:00:00Z"});
        verdict(&vector).error != Some("unknown_provider")
    };
    for name in [
        "Stripe",
        "svix",
        "Checkout.com",
        "checkout",
        "mercadopago",
        "authorize-net",
        "standard-webhooks",
        "flutterwave_v4",
        "Worldpay Access",
        "coinbase",
        "adyen-header",
        "generic",
    ] {
        assert!(known(name), "{name}");
    }
    assert!(!known("") && !known("stripes"));
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

#[test]
fn the_vectors_that_the_readme_shows_are_as_it_says() {
    let readme = include_str!("../../../README.md");
    let (_, after) = readme
        .split_once("`payhook signature check vectors.json`")
        .expect("the section");
    let (_, block) = after.split_once("```json\n").expect("a block");
    let (shown, said) = block.split_once("```").expect("its end");
    let verdicts = vectors::check(shown, Timestamp::UNIX_EPOCH).expect("vectors");
    let line = serde_json::to_string(&verdicts[0]).expect("a line");
    assert!(said.contains(&format!("`{line}`")), "{line}");
}
