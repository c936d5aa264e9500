//! What somebody changes in the console: the API, its stage, permissions, alarms and the dashboard.

use aws_sdk_apigateway::types::{GatewayResponseType, Op, PatchOperation};
use aws_sdk_cloudwatch::types::ComparisonOperator;

use super::super::clients::Clients;
use super::Changed;

fn replace(path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(Op::Replace)
        .path(path)
        .value(value)
        .build()
}

pub async fn api(clients: &Clients) -> Vec<Changed> {
    let gateway = clients.apigateway();
    let apis = gateway
        .get_rest_apis()
        .send()
        .await
        .expect("GetRestApis")
        .items;
    let ours = apis.into_iter().flatten();
    let mut ours = ours.filter(|api| api.name() == Some("payment-webhook-api-local"));
    let id = ours.next().and_then(|api| api.id).expect("an API");
    let update = gateway.update_rest_api().rest_api_id(&id);
    let update = update.patch_operations(replace("/description", "mine"));
    update.send().await.expect("UpdateRestApi");
    let answer = gateway.put_gateway_response().rest_api_id(&id);
    let answer = answer
        .response_type(GatewayResponseType::Throttled)
        .status_code("503");
    answer.send().await.expect("PutGatewayResponse");

    let deployments = gateway.get_deployments().rest_api_id(&id).send().await;
    let deployments = deployments
        .expect("GetDeployments")
        .items
        .unwrap_or_default();
    let old = deployments
        .first()
        .and_then(|d| d.id.clone())
        .expect("a deployment");
    let made = gateway
        .create_deployment()
        .rest_api_id(&id)
        .description("by hand");
    let made = made
        .send()
        .await
        .expect("CreateDeployment")
        .id
        .expect("its id");
    let update = gateway
        .update_deployment()
        .rest_api_id(&id)
        .deployment_id(old);
    let update = update.patch_operations(replace("/description", "mine"));
    update.send().await.expect("UpdateDeployment");
    let patches = [
        ("/deploymentId", made.as_str()),
        ("/tracingEnabled", "false"),
        ("/description", "mine"),
        ("/variables/key", "sk_live_set_by_hand"),
        ("/accessLogSettings/format", "$context.requestId"),
        ("/*/*/throttling/rateLimit", "7"),
        ("/*/*/throttling/burstLimit", "7"),
        ("/*/*/metrics/enabled", "false"),
        ("/*/*/logging/dataTrace", "true"),
    ];
    let patches = patches.map(|(path, value)| replace(path, value));
    let update = gateway.update_stage().rest_api_id(&id).stage_name("prod");
    let update = update.set_patch_operations(Some(patches.to_vec()));
    update.send().await.expect("UpdateStage");
    // A role that does not work; any other working one would do as well as ours.
    let account = gateway.update_account();
    let role = "arn:aws:iam::000000000000:role/nobody";
    let account = account.patch_operations(replace("/cloudwatchRoleArn", role));
    account.send().await.expect("UpdateAccount");
    permission(clients).await;
    vec![
        ("api", "description"),
        ("api", "gatewayResponses"),
        ("api-deployment", "content"),
        ("api-stage", "deployment"),
        ("api-stage", "tracing"),
        ("api-stage", "unmanaged.description"),
        ("api-stage", "unmanaged.variables"),
        ("api-stage", "accessLogFormat"),
        ("api-stage", "rateLimit"),
        ("api-stage", "burstLimit"),
        ("api-stage", "detailedMetrics"),
        ("api-stage", "unmanaged.dataTraceEnabled"),
        ("api-account", "role"),
        ("post-webhooks", "principal"),
        ("post-webhooks", "sourceArn"),
    ]
}

async fn permission(clients: &Clients) {
    let (function, sid) = ("webhook-validator-local", "payhook-post-webhooks");
    let lambda = clients.lambda();
    let remove = lambda
        .remove_permission()
        .function_name(function)
        .qualifier("live");
    remove
        .statement_id(sid)
        .send()
        .await
        .expect("RemovePermission");
    let add = lambda
        .add_permission()
        .function_name(function)
        .qualifier("live");
    let add = add.statement_id(sid).action("lambda:InvokeFunction");
    let add = add
        .principal("sns.amazonaws.com")
        .source_arn("arn:aws:sns:us-east-1:1:x");
    add.send().await.expect("AddPermission");
}

/// Alarm and dashboard.
pub async fn watching(clients: &Clients) -> Vec<Changed> {
    let watch = clients.cloudwatch();
    let alarm = watch
        .put_metric_alarm()
        .alarm_name("payment-webhook-dead-letters-local")
        .alarm_description("mine")
        .namespace("Mine")
        .metric_name("Mine")
        .statistic(aws_sdk_cloudwatch::types::Statistic::Minimum)
        .period(120)
        .evaluation_periods(7)
        .threshold(7.0)
        .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
        .treat_missing_data("breaching");
    alarm.send().await.expect("PutMetricAlarm");
    let name = "payment-webhook-local-us-east-1";
    let put = watch
        .put_dashboard()
        .dashboard_name(name)
        .dashboard_body(r#"{"widgets": []}"#);
    put.send().await.expect("PutDashboard");
    vec![
        ("alarm-dead-letters", "description"),
        ("alarm-dead-letters", "namespace"),
        ("alarm-dead-letters", "metric"),
        ("alarm-dead-letters", "dimensions.QueueName"),
        ("alarm-dead-letters", "statistic"),
        ("alarm-dead-letters", "periodSeconds"),
        ("alarm-dead-letters", "evaluationPeriods"),
        ("alarm-dead-letters", "threshold"),
        ("alarm-dead-letters", "topic"),
        ("alarm-dead-letters", "unmanaged.treatMissingData"),
        ("dashboard", "body.widgets"),
        ("dashboard", "unmanaged.owner"),
    ]
}
