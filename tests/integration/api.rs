//! The REST API and its stage.

use aws_sdk_apigateway::operation::get_stage::GetStageOutput;

use super::deployed::{Deployed, deployed};

async fn stage(stack: &Deployed) -> GetStageOutput {
    let api = stack.clients().await.apigateway();
    let stage = api
        .get_stage()
        .rest_api_id(stack.output("apiId"))
        .stage_name("prod");
    stage.send().await.expect("GetStage")
}

#[tokio::test]
async fn the_stage_is_traced_throttled_and_logs_accesses_without_payloads() {
    let stack = deployed();
    let stage = stage(stack).await;
    assert!(stage.tracing_enabled());
    let settings = stage
        .method_settings()
        .and_then(|all| all.get("*/*"))
        .expect("settings");
    assert!(settings.throttling_rate_limit() > 0.0);
    assert!(settings.throttling_burst_limit() > 0);
    assert!(!settings.data_trace_enabled(), "payloads would be logged");
    let log = stage.access_log_settings().expect("access logs");
    let group = format!(
        "/aws/apigateway/payment-webhook-api-{}",
        stack.output("environment")
    );
    assert!(
        log.destination_arn()
            .is_some_and(|arn| arn.ends_with(&group))
    );
    let format = log.format().expect("a format");
    assert!(
        serde_json::from_str::<serde_json::Value>(format).is_ok(),
        "{format}"
    );
    for personal in [
        "sourceIp",
        "userAgent",
        "header",
        "querystring",
        "input.body",
    ] {
        assert!(!format.contains(personal), "{format}");
    }
}

#[tokio::test]
async fn the_signed_bytes_reach_the_function_untouched_on_both_paths() {
    let stack = deployed();
    let client = stack.clients().await.apigateway();
    let id = stack.output("apiId");
    let api = client
        .get_rest_api()
        .rest_api_id(id)
        .send()
        .await
        .expect("GetRestApi");
    assert_eq!(api.binary_media_types(), ["*/*"]);
    let resources = client
        .get_resources()
        .rest_api_id(id)
        .embed("methods")
        .send()
        .await;
    let resources = resources.expect("GetResources").items.expect("resources");
    let live = format!(
        ":{}:live/invocations",
        stack.output("webhookValidatorFunctionName")
    );
    for path in ["/webhooks", "/webhooks/{provider}"] {
        let resource = resources
            .iter()
            .find(|resource| resource.path() == Some(path));
        let methods = resource.and_then(|resource| resource.resource_methods());
        let post = methods.and_then(|methods| methods.get("POST"));
        let post = post.unwrap_or_else(|| panic!("no POST {path}"));
        let target = post.method_integration().expect("an integration");
        assert_eq!(
            target.r#type().map(|kind| kind.as_str()),
            Some("AWS_PROXY"),
            "{path}"
        );
        assert!(
            target.uri().is_some_and(|uri| uri.ends_with(&live)),
            "{path}: {:?}",
            target.uri()
        );
    }
}

#[tokio::test]
async fn the_stage_serves_the_newest_deployment() {
    let stack = deployed();
    let client = stack.clients().await.apigateway();
    let deployments = client
        .get_deployments()
        .rest_api_id(stack.output("apiId"))
        .send()
        .await;
    let deployments = deployments
        .expect("GetDeployments")
        .items
        .expect("deployments");
    let newest = deployments
        .iter()
        .max_by_key(|one| one.created_date().map(|date| date.as_nanos()));
    assert_eq!(
        stage(stack).await.deployment_id(),
        newest.and_then(|one| one.id())
    );
}
