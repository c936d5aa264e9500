//! Each change of a function by its own call.

use super::*;

#[tokio::test]
async fn each_setting_changes_by_one_update_that_carries_key_and_environment_together() {
    type Change = fn(&mut Function);
    let changes: [(&str, Value, Change); 8] = [
        ("/Description", json!("d"), |f| {
            f.description = Input::known("d")
        }),
        ("/Runtime", json!("provided.al2024"), |f| {
            f.runtime = "provided.al2024".to_owned();
        }),
        ("/Role", json!("r"), |f| f.role = Input::known("r")),
        ("/MemorySize", json!(512), |f| f.memory_mb = 512),
        ("/Timeout", json!(60), |f| f.timeout_seconds = 60),
        ("/Environment/Variables", json!({}), |f| {
            f.environment.clear()
        }),
        ("/TracingConfig/Mode", json!("PassThrough"), |f| {
            f.tracing = false
        }),
        ("/LoggingConfig/LogGroup", json!("g"), |f| {
            f.log_group = Input::known("g")
        }),
    ];
    let observed = settled(&function()).await;
    for (path, value, change) in changes {
        let mut changed = function();
        change(&mut changed);
        let (aws, script) = scripted([reply(&configuration(), 200, json!({}))]);
        let put = Function::put(&aws, &wanted(changed), Some(&observed)).await;
        assert!(matches!(put.unwrap(), Put::Waiting(_)), "{path}");
        let sent = script.body(&configuration());
        assert_eq!(sent.pointer(path), Some(&value));
        assert!(sent["Environment"]["Variables"].is_object(), "{path}");
        assert_eq!(sent["KMSKeyArn"], KEY);
        assert_eq!(sent.get("VpcConfig"), None);
    }
    let mut changed = function();
    changed.key = Input::known("k-2");
    let (aws, script) = scripted([reply(&configuration(), 200, json!({}))]);
    Function::put(&aws, &wanted(changed), Some(&observed))
        .await
        .unwrap();
    let sent = script.body(&configuration());
    assert_eq!(sent["KMSKeyArn"], "k-2");
    let same = json!({"TABLE_NAME": "payments-dev"});
    assert_eq!(sent["Environment"]["Variables"], same);
}

#[tokio::test]
async fn settings_that_payhook_never_makes_are_seen_and_taken_back() {
    let mut changed = described(&function());
    changed["Handler"] = json!("other");
    changed["LoggingConfig"]["LogFormat"] = json!("JSON");
    changed["EphemeralStorage"]["Size"] = json!(1024);
    changed["Layers"] = json!([{"Arn": "layer"}]);
    changed["VpcConfig"] = json!({"SubnetIds": ["s"], "SecurityGroupIds": ["g"]});
    changed["DeadLetterConfig"] = json!({"TargetArn": "queue"});
    let observed = read_of(shown(changed.clone(), Some(changed), Some(10))).await;
    let found: Vec<_> = observed.properties.unmanaged.keys().cloned().collect();
    let all = [
        "deadLetterTarget",
        "ephemeralStorageMb",
        "handler",
        "layers",
        "logFormat",
        "subnets",
    ];
    assert_eq!(found, all);
    let (aws, script) = scripted([reply(&configuration(), 200, json!({}))]);
    Function::put(&aws, &wanted(function()), Some(&observed))
        .await
        .unwrap();
    let sent = script.body(&configuration());
    for (path, value) in [
        ("/Handler", json!("bootstrap")),
        ("/LoggingConfig/LogFormat", json!("Text")),
        ("/EphemeralStorage/Size", json!(512)),
        ("/Layers", json!([])),
        (
            "/VpcConfig",
            json!({"SubnetIds": [], "SecurityGroupIds": []}),
        ),
        ("/DeadLetterConfig/TargetArn", json!("")),
    ] {
        assert_eq!(sent.pointer(path), Some(&value), "{path}");
    }
}

#[tokio::test]
async fn new_code_and_another_architecture_are_uploaded_together() {
    let old = [
        Function {
            code: Input::known("old"),
            ..function()
        },
        Function {
            architecture: Architecture::X86_64,
            ..function()
        },
    ];
    for old in old {
        let observed = settled(&old).await;
        let (aws, script, _folder) = with_zip([reply(&code(), 200, json!({}))]);
        let put = Function::put(&aws, &wanted(function()), Some(&observed)).await;
        assert!(matches!(put.unwrap(), Put::Waiting(_)));
        let sent = json!({"ZipFile": BASE64_STANDARD.encode(ZIP), "Architectures": ["arm64"]});
        assert_eq!(script.body(&code()), sent);
    }
}

#[tokio::test]
async fn configuration_goes_before_code_and_neither_while_a_change_runs() {
    let old = Function {
        code: Input::known("old"),
        memory_mb: 128,
        ..function()
    };
    let mut observed = settled(&old).await;
    let (aws, script, _folder) = with_zip([reply(&configuration(), 200, json!({}))]);
    Function::put(&aws, &wanted(function()), Some(&observed))
        .await
        .unwrap();
    assert_eq!(script.calls(), [configuration()]);

    observed.condition = Condition::Settling("x");
    let (aws, script) = scripted([]);
    let put = Function::put(&aws, &wanted(function()), Some(&observed)).await;
    assert_eq!(put.unwrap(), Put::Waiting("x"));
    script.assert_calls([]);
}

#[tokio::test]
async fn a_zip_that_is_missing_or_no_longer_the_one_that_was_planned_is_not_uploaded() {
    let observed = settled(&Function {
        code: Input::known("old"),
        ..function()
    })
    .await;
    let (aws, script) = scripted([]);
    let error = Function::put(&aws, &wanted(function()), Some(&observed))
        .await
        .unwrap_err();
    assert_eq!(error.code, "no-artifact");
    script.assert_calls([]);

    let (aws, script, _folder) = with_zip([]);
    std::fs::write(&aws.artifacts[&sha()], b"another zip").unwrap();
    let error = Function::put(&aws, &wanted(function()), Some(&observed))
        .await
        .unwrap_err();
    assert_eq!(error.code, "artifact-changed");
    script.assert_calls([]);
}

#[tokio::test]
async fn concurrency_and_tags_change_by_their_own_calls() {
    let observed = settled(&function()).await;
    let tags = format!("/2017-03-31/tags/{}", ARN.replace(':', "%3A"));
    let set = format!("POST {tags}");
    let remove = format!("DELETE {tags}?tagKeys=team");

    let lower = Function {
        reserved_concurrency: Some(5),
        ..function()
    };
    let (aws, script) = scripted([reply(RESERVE, 200, json!({}))]);
    Function::put(&aws, &wanted(lower), Some(&observed))
        .await
        .unwrap();
    script.assert_calls([RESERVE]);

    let shared = Function {
        reserved_concurrency: None,
        ..function()
    };
    let release = RESERVE.replace("PUT", "DELETE");
    let (aws, script) = scripted([reply(&release, 204, Value::Null)]);
    Function::put(&aws, &wanted(shared), Some(&observed))
        .await
        .unwrap();
    assert_eq!(script.calls(), [release]);

    let mut at = wanted(function());
    at.tags.remove("team");
    at.tags.insert("a".to_owned(), "b".to_owned());
    let (aws, script) = scripted([
        reply(&set, 204, Value::Null),
        reply(&remove, 204, Value::Null),
    ]);
    Function::put(&aws, &at, Some(&observed)).await.unwrap();
    assert_eq!(script.calls(), [set.clone(), remove]);
    assert_eq!(script.body(&set), json!({"Tags": {"a": "b"}}));
}

#[tokio::test]
async fn concurrency_that_the_account_cannot_give_is_refused_before_anything_is_made() {
    let (aws, script, _folder) = with_zip([account(10, 5)]);
    let error = Function::put(&aws, &wanted(function()), None)
        .await
        .unwrap_err();
    script.assert_calls([SETTINGS]);
    assert_eq!(error.class, Class::Quota);
    for part in [
        "`payment-processor-dev`",
        "10 reserved",
        "limit is 10",
        "5 are unreserved",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_for_the_account_s_minimum_says_all_numbers_and_is_final() {
    let held = Function {
        reserved_concurrency: Some(2),
        ..function()
    };
    let observed = settled(&held).await;
    let words = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [50].";
    let code = "InvalidParameterValueException";
    let (aws, script) = scripted([
        account(60, 55),
        reply_error(RESERVE, 400, code, words),
        account(60, 55),
    ]);
    let error = Function::put(&aws, &wanted(function()), Some(&observed))
        .await
        .unwrap_err();
    script.assert_calls([SETTINGS, RESERVE, SETTINGS]);
    assert_eq!(error.class, Class::Quota);
    for part in [
        "has 2",
        "limit is 60",
        "55 are unreserved",
        "50 of which must stay",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
    assert_eq!(waits_for::<Function>(code, words), None);
}

#[tokio::test]
async fn only_an_emulator_may_lack_the_question_for_the_account_s_concurrency() {
    let unknown = || reply(SETTINGS, 404, "Not Found".into());
    let refused = || reply_error(SETTINGS, 404, "ResourceNotFoundException", "none");
    for (emulated, answer, passes) in [
        (true, unknown(), true),
        (false, unknown(), false),
        (true, refused(), false),
    ] {
        let (mut aws, _) = scripted([answer]);
        aws.emulated = emulated;
        let checked = concurrency::check(&aws, "payment-processor-dev", 10, 0).await;
        assert_eq!(checked.is_ok(), passes);
    }
}

#[tokio::test]
async fn only_an_emulator_may_drop_where_a_function_logs_to() {
    let mut shows = described(&function());
    shows.as_object_mut().unwrap().remove("LoggingConfig");
    for (emulated, unseen) in [(true, vec!["logGroup"]), (false, vec![])] {
        let (mut aws, _) = scripted(shown(shows.clone(), Some(shows.clone()), Some(10)));
        aws.emulated = emulated;
        let observed = Function::read(&aws, &wanted(function())).await;
        let observed = observed.unwrap().unwrap();
        assert_eq!(observed.unseen, unseen);
        assert_eq!(observed.properties == function(), emulated);
    }
}
