use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Put};
use proptest::prelude::*;
use serde_json::{Value, json};

const GROUP: &str = "arn:aws:logs:eu-central-1:123456789012:log-group:/payment-webhook/dev/access";
const STAGE: &str = "/restapis/a1/stages/prod";
const CREATE: &str = "POST /restapis/a1/stages";
const TAGS: &str =
    "/tags/arn%3Aaws%3Aapigateway%3Aeu-central-1%3A%3A%2Frestapis%2Fa1%2Fstages%2Fprod";

fn stage() -> ApiStage {
    ApiStage {
        name: "prod".to_owned(),
        api: Input::known("a1"),
        deployment: Input::known("d1"),
        tracing: true,
        rate_limit: 100.0,
        burst_limit: 200,
        access_log_group: Input::known(GROUP),
        access_log_format: "{\"requestId\":\"$context.requestId\"}".to_owned(),
        detailed_metrics: true,
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<ApiStage> {
    at("stage", stage())
}

/// A stage as GetStage shows it: every setting filled in.
fn shown(stage: &ApiStage) -> Value {
    json!({
        "stageName": stage.name, "deploymentId": stage.deployment.get().unwrap(),
        "tracingEnabled": stage.tracing, "cacheClusterEnabled": false, "cacheClusterStatus": "NOT_AVAILABLE",
        "accessLogSettings": {"destinationArn": stage.access_log_group.get().unwrap(), "format": stage.access_log_format},
        "methodSettings": {"*/*": settings(stage)},
        "tags": wanted().tags, "createdDate": 1.0, "lastUpdatedDate": 1.0,
    })
}

fn settings(stage: &ApiStage) -> Value {
    json!({
        "metricsEnabled": stage.detailed_metrics, "loggingLevel": "OFF", "dataTraceEnabled": false,
        "throttlingBurstLimit": stage.burst_limit, "throttlingRateLimit": stage.rate_limit,
        "cachingEnabled": false, "cacheTtlInSeconds": 300, "cacheDataEncrypted": false,
        "requireAuthorizationForCacheControl": true,
        "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
    })
}

async fn read(answer: Value) -> Observed<ApiStage> {
    let get = format!("GET {STAGE}");
    let (aws, script) = scripted([reply(&get, 200, answer)]);
    let observed = ApiStage::read(&aws, &wanted()).await.unwrap().unwrap();
    script.assert_calls([get.as_str()]);
    observed
}

/// The patches that an update from what is shown sends.
async fn patches(shown: Value) -> Value {
    let observed = read(shown).await;
    let patch = format!("PATCH {STAGE}");
    let (aws, script) = scripted([reply(&patch, 200, json!({}))]);
    ApiStage::put(&aws, &wanted(), Some(&observed))
        .await
        .unwrap();
    script.assert_calls([patch.as_str()]);
    script.body(&patch)["patchOperations"].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(
        deployment in "[a-z0-9]{6}", tracing: bool, metrics: bool, rate in 1..10_000u32, burst in 1..5_000u32,
        group in "[a-z/]{3,9}",
    ) {
        let stage = ApiStage {
            deployment: Input::known(deployment),
            tracing,
            detailed_metrics: metrics,
            rate_limit: f64::from(rate) / 2.0,
            burst_limit: burst,
            access_log_group: Input::known(format!("arn:aws:logs:::log-group:{group}")),
            ..stage()
        };
        let observed = run(read(shown(&stage)));
        prop_assert_eq!(observed.properties, stage);
        prop_assert_eq!(observed.tags, Some(wanted().tags));
    }
}

#[tokio::test]
async fn a_new_stage_takes_two_calls() {
    let patch = format!("PATCH {STAGE}");
    let made = json!({"stageName": "prod", "deploymentId": "d1", "tracingEnabled": true});
    let (aws, script) = scripted([reply(CREATE, 201, made), reply(&patch, 200, json!({}))]);
    let put = ApiStage::put(&aws, &wanted(), None).await.unwrap();
    let Put::Done(outputs) = put else {
        panic!("{put:?}");
    };
    assert_eq!(
        outputs["invokeUrl"],
        "https://a1.execute-api.eu-central-1.amazonaws.com/prod"
    );
    script.assert_calls([CREATE, patch.as_str()]);
    let sent = script.body(CREATE);
    assert_eq!(sent["tracingEnabled"], true);
    assert_eq!(sent["tags"]["payhook:env"], "dev");
    let expected = json!([
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": GROUP},
        {"op": "replace", "path": "/accessLogSettings/format", "value": stage().access_log_format},
        {"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"},
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "100"},
        {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "200"},
    ]);
    assert_eq!(script.body(&patch)["patchOperations"], expected);
}

#[tokio::test]
async fn a_stage_cut_off_after_its_creation_gets_only_the_second_call() {
    let cut = json!({"stageName": "prod", "deploymentId": "d1", "tracingEnabled": true, "tags": wanted().tags});
    assert_eq!(patches(cut).await.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_stage_that_is_as_wanted_costs_no_call() {
    let (aws, script) = scripted([]);
    let observed = read(shown(&stage())).await;
    let put = ApiStage::put(&aws, &wanted(), Some(&observed))
        .await
        .unwrap();
    assert_eq!(put, Put::Done(observed.outputs));
    script.assert_calls([]);
}

#[tokio::test]
async fn every_change_is_one_patch_of_its_own() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str, &str, Option<&str>); 16] = [
        (
            |s| s["deploymentId"] = "d0".into(),
            "replace",
            "/deploymentId",
            Some("d1"),
        ),
        (
            |s| s["tracingEnabled"] = false.into(),
            "replace",
            "/tracingEnabled",
            Some("true"),
        ),
        (
            |s| s["accessLogSettings"]["destinationArn"] = "x".into(),
            "replace",
            "/accessLogSettings/destinationArn",
            Some(GROUP),
        ),
        (
            |s| s["accessLogSettings"]["format"] = "x".into(),
            "replace",
            "/accessLogSettings/format",
            Some("{\"requestId\":\"$context.requestId\"}"),
        ),
        (
            |s| s["methodSettings"]["*/*"]["metricsEnabled"] = false.into(),
            "replace",
            "/*/*/metrics/enabled",
            Some("true"),
        ),
        (
            |s| s["methodSettings"]["*/*"]["throttlingRateLimit"] = 1.into(),
            "replace",
            "/*/*/throttling/rateLimit",
            Some("100"),
        ),
        (
            |s| s["methodSettings"]["*/*"]["throttlingBurstLimit"] = 1.into(),
            "replace",
            "/*/*/throttling/burstLimit",
            Some("200"),
        ),
        (
            |s| s["methodSettings"]["*/*"]["dataTraceEnabled"] = true.into(),
            "replace",
            "/*/*/logging/dataTrace",
            Some("false"),
        ),
        (
            |s| s["methodSettings"]["*/*"]["loggingLevel"] = "INFO".into(),
            "replace",
            "/*/*/logging/loglevel",
            Some("OFF"),
        ),
        (
            |s| s["methodSettings"]["*/*"]["cachingEnabled"] = true.into(),
            "replace",
            "/*/*/caching/enabled",
            Some("false"),
        ),
        (
            |s| s["methodSettings"]["~1webhooks/POST"] = settings(&stage()),
            "remove",
            "/~1webhooks/POST",
            None,
        ),
        (
            |s| s["variables"] = json!({"a": "b"}),
            "remove",
            "/variables/a",
            None,
        ),
        (
            |s| s["description"] = "mine".into(),
            "replace",
            "/description",
            Some(""),
        ),
        (
            |s| s["clientCertificateId"] = "c".into(),
            "replace",
            "/clientCertificateId",
            Some(""),
        ),
        (
            |s| s["canarySettings"] = json!({"percentTraffic": 5.0}),
            "remove",
            "/canarySettings",
            None,
        ),
        (
            |s| {
                s["cacheClusterEnabled"] = true.into();
                s["cacheClusterStatus"] = "AVAILABLE".into();
            },
            "replace",
            "/cacheClusterEnabled",
            Some("false"),
        ),
    ];
    for (change, op, path, value) in changes {
        let mut shown = shown(&stage());
        change(&mut shown);
        let mut expected = json!({"op": op, "path": path});
        if let Some(value) = value {
            expected["value"] = value.into();
        }
        assert_eq!(patches(shown).await, json!([expected]));
    }
}

#[tokio::test]
async fn tags_are_brought_in_line_without_touching_the_stage() {
    let mut shown = shown(&stage());
    shown["tags"]["team"] = "other".into();
    shown["tags"]["old"] = "x".into();
    let observed = read(shown).await;
    let (put, delete) = (format!("PUT {TAGS}"), format!("DELETE {TAGS}?tagKeys=old"));
    let (aws, script) = scripted([
        reply(&put, 204, Value::Null),
        reply(&delete, 204, Value::Null),
    ]);
    ApiStage::put(&aws, &wanted(), Some(&observed))
        .await
        .unwrap();
    script.assert_calls([put.as_str(), delete.as_str()]);
}

#[tokio::test]
async fn a_stage_without_its_api_is_not_there_and_one_already_gone_is_gone() {
    let (aws, script) = scripted([]);
    let mut at = wanted();
    at.properties.api = serde_json::from_value(json!({"$output": "api.apiId"})).unwrap();
    assert!(ApiStage::read(&aws, &at).await.unwrap().is_none());
    script.assert_calls([]);

    let (get, delete) = (format!("GET {STAGE}"), format!("DELETE {STAGE}"));
    let (aws, _) = scripted([reply_error(
        &get,
        404,
        "NotFoundException",
        "Invalid stage identifier specified",
    )]);
    assert!(ApiStage::read(&aws, &wanted()).await.unwrap().is_none());
    let gone = reply_error(
        &delete,
        404,
        "NotFoundException",
        "Invalid stage identifier specified",
    );
    for answer in [reply(&delete, 202, Value::Null), gone] {
        let (aws, _) = scripted([answer]);
        let observed = read(shown(&stage())).await;
        let deleted = ApiStage::delete(&aws, &wanted(), &observed).await.unwrap();
        assert_eq!(deleted, Delete::Gone);
    }
}

#[test]
fn a_logging_role_that_api_gateway_does_not_see_yet_is_waited_for() {
    let message = "CloudWatch Logs role ARN must be set in account settings to enable logging";
    let waits = waits_for::<ApiStage>("BadRequestException", message);
    assert_eq!(waits, Some("API Gateway to see its logging role"));
    let message = "Access Log destination must only contain characters";
    assert_eq!(waits_for::<ApiStage>("BadRequestException", message), None);
}

#[test]
fn callers_reach_a_stage_at_aws_by_host_and_elsewhere_by_path() {
    let (aws, _) = scripted([]);
    let url = |endpoint| invoke_url(&aws.given, endpoint, "a1", "prod");
    assert_eq!(
        url(None),
        "https://a1.execute-api.eu-central-1.amazonaws.com/prod"
    );
    let local = "http://127.0.0.1:4566/_aws/execute-api/a1/prod";
    assert_eq!(url(Some("http://127.0.0.1:4566")), local);
    assert_eq!(url(Some("http://127.0.0.1:4566/")), local);
    let china = Given {
        partition: "aws-cn".to_owned(),
        ..aws.given.clone()
    };
    assert!(invoke_url(&china, None, "a1", "prod").ends_with(".amazonaws.com.cn/prod"));
}
