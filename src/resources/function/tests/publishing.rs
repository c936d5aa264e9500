//! Versions and the alias `live`.

use super::*;

#[tokio::test]
async fn what_was_never_published_or_moved_away_from_is_seen() {
    type Change = fn(&mut Function);
    let changes: [(&str, Change); 4] = [
        ("memoryMb", |f| f.memory_mb = 512),
        ("code", |f| f.code = Input::known("other")),
        ("environment", |f| f.environment.clear()),
        ("tracing", |f| f.tracing = false),
    ];
    for (name, change) in changes {
        let mut old = function();
        change(&mut old);
        let observed = read_of(shown(
            described(&function()),
            Some(described(&old)),
            Some(10),
        ))
        .await;
        assert_eq!(observed.properties.unmanaged["live"], json!([name]));
    }
    let observed = read_of(shown(described(&function()), None, Some(10))).await;
    assert_eq!(observed.properties.unmanaged["live"], "missing");

    let shows = described(&function());
    let mut replies = shown(shows.clone(), Some(shows), Some(10));
    let weights = json!({"AdditionalVersionWeights": {"3": 0.1}});
    let alias = json!({"FunctionVersion": "7", "RoutingConfig": weights, "Description": "keep"});
    replies[2] = reply(&get_alias(), 200, alias);
    let observed = read_of(replies).await;
    let expected = json!({"liveTraffic": {"3": 0.1}, "liveDescription": "keep"});
    assert_eq!(json!(observed.properties.unmanaged), expected);
}

#[tokio::test]
async fn a_function_that_became_active_is_published_and_gets_its_alias() {
    let observed = read_of(shown(described(&function()), None, Some(10))).await;
    let create_alias = format!("POST {F}/aliases");
    let (aws, script) = scripted([
        reply(&publish(), 201, json!({"Version": "1", "State": "Active"})),
        reply(&create_alias, 201, json!({})),
    ]);
    let done = Function::put(&aws, &wanted(function()), Some(&observed)).await;
    let Put::Done(outputs) = done.unwrap() else {
        panic!("nothing is left to wait for");
    };
    assert_eq!(outputs["version"], "1");
    assert_eq!(outputs["functionArn"], ARN);
    assert_eq!(script.body(&publish()), json!({ "CodeSha256": sha() }));
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    assert_eq!(script.body(&create_alias), alias);
}

#[tokio::test]
async fn the_alias_does_not_move_to_a_version_that_cannot_run_yet() {
    let mut old = function();
    old.memory_mb = 128;
    let observed = read_of(shown(
        described(&function()),
        Some(described(&old)),
        Some(10),
    ))
    .await;
    for status in [
        json!({"State": "Pending"}),
        json!({"LastUpdateStatus": "InProgress"}),
    ] {
        let (aws, script) = scripted([reply(&publish(), 201, status)]);
        let put = Function::put(&aws, &wanted(function()), Some(&observed)).await;
        assert_eq!(
            put.unwrap(),
            Put::Waiting("the new version to become active")
        );
        assert_eq!(script.calls(), [publish()]);
    }
    let failed = json!({"State": "Failed", "StateReason": "no key"});
    let (aws, _) = scripted([reply(&publish(), 201, failed)]);
    let put = Function::put(&aws, &wanted(function()), Some(&observed)).await;
    assert_eq!(put.unwrap_err().message, "no key");
}

#[tokio::test]
async fn publishing_moves_the_alias_and_keeps_three_older_versions() {
    let mut old = function();
    old.memory_mb = 128;
    let observed = read_of(shown(
        described(&function()),
        Some(described(&old)),
        Some(10),
    ))
    .await;
    let listed = |versions: &[&str]| -> Vec<Value> {
        versions.iter().map(|v| json!({ "Version": v })).collect()
    };
    let first = json!({"Versions": listed(&["$LATEST", "9", "2", "10"]), "NextMarker": "m"});
    let second = json!({"Versions": listed(&["1", "11", "12"])});
    let delete = |version: u8| format!("DELETE {F}?Qualifier={version}");
    let used = "Function version 1 cannot be deleted because it is referenced by an alias";
    let (aws, script) = scripted([
        reply(&publish(), 201, json!({"Version": "12"})),
        reply(&move_alias(), 200, json!({})),
        reply(&versions(), 200, first),
        reply(&format!("{}?Marker=m", versions()), 200, second),
        reply_error(&delete(1), 409, "ResourceConflictException", used),
        reply(&delete(2), 204, Value::Null),
    ]);
    let done = Function::put(&aws, &wanted(function()), Some(&observed)).await;
    assert!(matches!(done.unwrap(), Put::Done(_)));
    assert_eq!(script.body(&move_alias()), json!({"FunctionVersion": "12"}));
    assert_eq!(script.calls()[4..], [delete(1), delete(2)]);
}

#[tokio::test]
async fn a_share_of_the_traffic_given_elsewhere_and_a_note_on_the_alias_are_taken_back() {
    let mut observed = settled(&function()).await;
    observed.properties.unmanaged.extend([
        ("liveTraffic".to_owned(), json!({"3": 0.1})),
        ("liveDescription".to_owned(), json!("keep")),
    ]);
    let (aws, script) = scripted([
        reply(&publish(), 201, json!({"Version": "7"})),
        reply(&move_alias(), 200, json!({})),
        reply(&versions(), 200, json!({"Versions": [{"Version": "7"}]})),
    ]);
    Function::put(&aws, &wanted(function()), Some(&observed))
        .await
        .unwrap();
    let none = json!({"AdditionalVersionWeights": {}});
    assert_eq!(script.body(&move_alias())["RoutingConfig"], none);
    assert_eq!(script.body(&move_alias())["Description"], "");
}
