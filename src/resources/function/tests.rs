mod beside;
mod changes;
mod fetching;
mod publishing;

use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Aws, Class, Condition, Delete, Live, Observed, Put};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tempfile::TempDir;

const F: &str = "/2015-03-31/functions/payment-processor-dev";
const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:payment-processor-dev";
const ROLE: &str = "arn:aws:iam::123456789012:role/payment-processor-dev";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const ZIP: &[u8] = b"a zip";

fn get() -> String {
    format!("GET {F}")
}
fn get_live() -> String {
    format!("GET {F}?Qualifier=live")
}
fn get_alias() -> String {
    format!("GET {F}/aliases/live")
}
fn configuration() -> String {
    format!("PUT {F}/configuration")
}
fn code() -> String {
    format!("PUT {F}/code")
}
fn publish() -> String {
    format!("POST {F}/versions")
}
fn move_alias() -> String {
    format!("PUT {F}/aliases/live")
}
fn versions() -> String {
    format!("GET {F}/versions")
}
const CREATE: &str = "POST /2015-03-31/functions";
const SETTINGS: &str = "GET /2016-08-19/account-settings";
const RESERVE: &str = "PUT /2017-10-31/functions/payment-processor-dev/concurrency";

fn sha() -> String {
    BASE64_STANDARD.encode(digest(&SHA256, ZIP))
}

fn function() -> Function {
    Function {
        name: "payment-processor-dev".to_owned(),
        description: Input::known("Processes payments"),
        runtime: "provided.al2023".to_owned(),
        architecture: Architecture::Arm64,
        code: Input::known(sha()),
        role: Input::known(ROLE),
        memory_mb: 256,
        timeout_seconds: 30,
        reserved_concurrency: Some(10),
        environment: BTreeMap::from([("TABLE_NAME".to_owned(), Input::known("payments-dev"))]),
        key: Input::known(KEY),
        tracing: true,
        log_group: Input::known("/aws/lambda/payment-processor-dev"),
        unmanaged: Unmanaged::new(),
    }
}

fn wanted(function: Function) -> At<Function> {
    at("payment-processor", function)
}

fn described(function: &Function) -> Value {
    let variables: BTreeMap<_, _> = function
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.get().unwrap()))
        .collect();
    json!({
        "FunctionName": function.name,
        "FunctionArn": ARN,
        "Runtime": function.runtime,
        "Role": function.role.get().unwrap(),
        "Handler": "bootstrap",
        "Description": function.description.get().unwrap(),
        "Timeout": function.timeout_seconds,
        "MemorySize": function.memory_mb,
        "CodeSha256": function.code.get().unwrap(),
        "Architectures": [function.architecture],
        "Environment": {"Variables": variables},
        "KMSKeyArn": function.key.get().unwrap(),
        "TracingConfig": {"Mode": if function.tracing { "Active" } else { "PassThrough" }},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": function.log_group.get().unwrap()},
        "EphemeralStorage": {"Size": 512},
        "State": "Active",
        "LastUpdateStatus": "Successful",
    })
}

/// Answers of a read: the function, the version behind `live`, and the alias.
fn shown(latest: Value, live: Option<Value>, reserved: Option<u32>) -> [Reply; 3] {
    let mut function = json!({"Configuration": latest, "Tags": wanted(function()).tags});
    if let Some(reserved) = reserved {
        function["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    let absent = |call: String| reply_error(&call, 404, "ResourceNotFoundException", "none");
    let (live, alias) = match live {
        Some(live) => (
            reply(&get_live(), 200, json!({ "Configuration": live })),
            reply(&get_alias(), 200, json!({"FunctionVersion": "7"})),
        ),
        None => (absent(get_live()), absent(get_alias())),
    };
    [reply(&get(), 200, function), live, alias]
}

async fn read_of(replies: [Reply; 3]) -> Observed<Function> {
    read_as(function(), replies).await
}

async fn read_as(declared: Function, replies: [Reply; 3]) -> Observed<Function> {
    let (aws, script) = scripted(replies);
    let observed = Function::read(&aws, &wanted(declared)).await;
    // While it is being made nothing is asked but the function itself.
    let asked = script.calls().len();
    let observed = observed.unwrap().unwrap();
    let settling = matches!(observed.condition, Condition::Settling(_));
    assert_eq!(asked, if settling { 1 } else { 3 });
    observed
}

async fn settled(function: &Function) -> Observed<Function> {
    let shows = described(function);
    read_as(
        function.clone(),
        shown(shows.clone(), Some(shows), function.reserved_concurrency),
    )
    .await
}

/// With the zip where the artifact's hash says it is.
fn with_zip(replies: impl IntoIterator<Item = Reply>) -> (Aws, Script, TempDir) {
    let (mut aws, script) = scripted(replies);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bootstrap.zip");
    std::fs::write(&path, ZIP).unwrap();
    aws.artifacts.insert(sha(), path);
    (aws, script, folder)
}

fn account(limit: u32, unreserved: u32) -> Reply {
    let limit =
        json!({"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": unreserved});
    reply(SETTINGS, 200, json!({ "AccountLimit": limit }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_read_gives_back_every_property_and_a_put_of_the_same_calls_nothing(
        memory_mb in 128u32..10_240,
        timeout_seconds in 1u32..900,
        reserved_concurrency in prop::option::of(0u32..100),
        tracing in any::<bool>(),
        arm in any::<bool>(),
        texts in prop::array::uniform4("[a-z]{1,8}"),
    ) {
        let [description, role, key, variable] = texts;
        let function = Function {
            memory_mb,
            timeout_seconds,
            reserved_concurrency,
            tracing,
            architecture: if arm { Architecture::Arm64 } else { Architecture::X86_64 },
            description: Input::known(description),
            role: Input::known(role),
            key: Input::known(key),
            environment: BTreeMap::from([(variable, Input::known("x"))]),
            ..function()
        };
        run(async {
            let observed = settled(&function).await;
            assert_eq!(observed.properties, function);
            assert_eq!(observed.condition, Condition::Settled);
            let (aws, script) = scripted([]);
            let done = Function::put(&aws, &wanted(function.clone()), Some(&observed)).await;
            let Put::Done(outputs) = done.unwrap() else {
                panic!("nothing is left to wait for");
            };
            assert_eq!(outputs["aliasArn"], format!("{ARN}:live"));
            assert_eq!(outputs["version"], "7");
            script.assert_calls([]);
        });
    }
}

#[tokio::test]
async fn a_variable_that_payhook_does_not_declare_is_told_apart_and_never_shown() {
    let mut found = Vec::new();
    for value in ["sk_live_1", "sk_live_2"] {
        let mut by_hand = function();
        by_hand
            .environment
            .insert("API_KEY".to_owned(), Input::known(value));
        let shows = described(&by_hand);
        let observed = read_of(shown(shows.clone(), Some(shows), Some(10))).await;
        let data = serde_json::to_string(&observed.properties).unwrap();
        assert!(!data.contains("sk_live"), "{data}");
        assert!(data.contains("payments-dev"), "{data}");
        assert_eq!(observed.properties.unmanaged, Unmanaged::new());
        found.push(observed.properties.environment["API_KEY"].clone());
    }
    assert_ne!(found[0], found[1]);
}

#[tokio::test]
async fn a_function_that_does_not_exist_reads_as_none() {
    let none = reply_error(&get(), 404, "ResourceNotFoundException", "none");
    let (aws, script) = scripted([none]);
    let found = Function::read(&aws, &wanted(function())).await;
    assert!(found.unwrap().is_none());
    script.assert_calls([get().as_str()]);
}

#[tokio::test]
async fn an_environment_that_cannot_be_decrypted_is_an_error_and_not_an_empty_one() {
    let mut hidden = described(&function());
    hidden["Environment"] =
        json!({"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}});
    let (aws, _) = scripted(shown(hidden, None, None));
    let error = Function::read(&aws, &wanted(function())).await.unwrap_err();
    assert_eq!(error.class, Class::Denied);
    assert!(error.message.contains("kms:Decrypt") && error.message.contains(KEY));
}

#[tokio::test]
async fn a_new_function_is_made_with_everything_and_its_concurrency_at_once() {
    let (aws, script, _folder) = with_zip([
        account(1000, 900),
        reply(CREATE, 201, json!({})),
        reply(RESERVE, 200, json!({})),
    ]);
    let put = Function::put(&aws, &wanted(function()), None)
        .await
        .unwrap();
    assert_eq!(put, Put::Waiting("the function to become active"));
    script.assert_calls([SETTINGS, CREATE, RESERVE]);
    let expected = json!({
        "FunctionName": "payment-processor-dev",
        "Description": "Processes payments",
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Architectures": ["arm64"],
        "Code": {"ZipFile": BASE64_STANDARD.encode(ZIP)},
        "Role": ROLE,
        "MemorySize": 256,
        "Timeout": 30,
        "Environment": {"Variables": {"TABLE_NAME": "payments-dev"}},
        "KMSKeyArn": KEY,
        "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/payment-processor-dev"},
        "Tags": wanted(function()).tags,
    });
    assert_eq!(script.body(CREATE), expected);
    let reserved = json!({"ReservedConcurrentExecutions": 10});
    assert_eq!(script.body(RESERVE), reserved);
}

#[tokio::test]
async fn a_failed_function_is_repaired_once_and_then_its_reason_is_told() {
    let mut failed = described(&function());
    failed["State"] = json!("Failed");
    failed["StateReason"] = json!("the key is disabled");
    let never_published = read_of(shown(failed, None, Some(10))).await;
    let delete = format!("DELETE {F}");
    let (aws, script, _folder) = with_zip([
        reply(&delete, 204, Value::Null),
        account(1000, 1000),
        reply(CREATE, 201, json!({})),
        reply(RESERVE, 200, json!({})),
    ]);
    let at = wanted(function());
    Function::put(&aws, &at, Some(&never_published))
        .await
        .unwrap();
    assert_eq!(script.calls(), [delete]);
    Function::put(&aws, &at, None).await.unwrap();
    let error = Function::put(&aws, &at, Some(&never_published))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.message.as_str()),
        (Class::Failed, "the key is disabled")
    );

    let mut failed = described(&function());
    failed["LastUpdateStatus"] = json!("Failed");
    failed["LastUpdateStatusReason"] = json!("no memory");
    let published = read_of(shown(failed.clone(), Some(failed), Some(10))).await;
    let (aws, _) = scripted([reply(&configuration(), 200, json!({}))]);
    let put = Function::put(&aws, &at, Some(&published)).await.unwrap();
    assert!(matches!(put, Put::Waiting(_)));
    let error = Function::put(&aws, &at, Some(&published))
        .await
        .unwrap_err();
    assert_eq!(error.message, "no memory");
}

#[tokio::test]
async fn a_function_is_settled_only_when_it_is_active_and_its_last_update_went_well() {
    for (state, update, settling) in [
        ("Pending", "InProgress", "the function to become active"),
        (
            "Active",
            "InProgress",
            "the function's update to take effect",
        ),
    ] {
        let mut busy = described(&function());
        busy["State"] = json!(state);
        busy["LastUpdateStatus"] = json!(update);
        let observed = read_of(shown(busy, None, None)).await;
        assert_eq!(observed.condition, Condition::Settling(settling));
    }
    // Lambda puts an unused function to rest; the next request wakes it.
    let mut idle = described(&function());
    idle["State"] = json!("Inactive");
    let observed = read_of(shown(idle, None, None)).await;
    assert_eq!(observed.condition, Condition::Settled);
}

#[tokio::test]
async fn a_deleted_function_is_waited_for_and_one_already_gone_is_done() {
    let observed = settled(&function()).await;
    let delete = format!("DELETE {F}");
    let (aws, _) = scripted([
        reply(&delete, 204, Value::Null),
        reply_error(&delete, 404, "ResourceNotFoundException", "none"),
    ]);
    let at = wanted(function());
    let going = Function::delete(&aws, &at, &observed).await.unwrap();
    assert_eq!(going, Delete::Waiting("the function to be gone"));
    assert_eq!(
        Function::delete(&aws, &at, &observed).await.unwrap(),
        Delete::Gone
    );
}

#[test]
fn late_roles_and_running_changes_are_waited_for_and_a_taken_name_is_not() {
    let rule = |code, message| waits_for::<Function>(code, message);
    let (invalid, conflict) = (
        "InvalidParameterValueException",
        "ResourceConflictException",
    );
    let passing = [
        (
            invalid,
            "The role defined for the function cannot be assumed by Lambda.",
        ),
        (
            invalid,
            "The role with name p cannot be found. (Service: Iam, Status Code: 404)",
        ),
        (
            invalid,
            "The provided execution role does not have permissions to call CreateNetworkInterface",
        ),
        (
            invalid,
            "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant. KMS Exception: InvalidArnException",
        ),
        (
            conflict,
            "The operation cannot be performed at this time. The function is currently in the following state: Pending",
        ),
        (conflict, "An update is in progress for resource: x"),
    ];
    for (code, message) in passing {
        assert!(rule(code, message).is_some(), "{message}");
    }
    for (code, message) in [
        (conflict, "Function already exist: payment-processor-dev"),
        (invalid, "Runtime is not supported"),
    ] {
        assert_eq!(rule(code, message), None, "{message}");
    }
}
