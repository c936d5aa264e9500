//! The way in: routes, who may use them, the stage and its access log.

use super::{Names, STAGE};
use crate::config::Config;
use crate::graph::Handle;
use crate::resources::Unmanaged;
use crate::resources::api::{Api, Route};
use crate::resources::api_deployment::ApiDeployment;
use crate::resources::api_stage::ApiStage;
use crate::resources::function::Function;
use crate::resources::log_group::LogGroup;
use crate::resources::permission::Permission;
use crate::resources::policy::arn;
use serde_json::json;

/// API Gateway gives up after 29 s at the latest; a provider gave up long before.
const API_TIMEOUT_MS: u32 = 29_000;

/// One way in, and the statement that lets the API use it.
pub(super) struct WayIn {
    pub(super) permission: &'static str,
    method: &'static str,
    path: &'static str,
    /// The path as `execute-api` ARNs spell it.
    granted: &'static str,
}

pub(super) const ROUTES: &[WayIn] = &[
    WayIn {
        permission: "post-webhooks",
        method: "POST",
        path: "/webhooks",
        granted: "webhooks",
    },
    WayIn {
        permission: "post-webhooks-provider",
        method: "POST",
        path: "/webhooks/{provider}",
        granted: "webhooks/*",
    },
    // How a provider tests a new endpoint (Braintree); to every other GET the function answers 405.
    WayIn {
        permission: "get-webhooks-provider",
        method: "GET",
        path: "/webhooks/{provider}",
        granted: "webhooks/*",
    },
];

pub(super) fn api(names: &Names, validator: &Handle<Function>) -> Api {
    let route = |way: &WayIn| Route {
        method: way.method.to_owned(),
        ..Route::post(way.path, validator.live(), API_TIMEOUT_MS)
    };
    let routes = ROUTES.iter().map(route).collect();
    Api::new(
        names.api.clone(),
        "Payment webhooks; owned by payhook",
        routes,
    )
}

pub(super) fn permission(
    route: &WayIn,
    api: &Handle<Api>,
    validator: &Handle<Function>,
) -> Permission {
    let resource = [
        api.id().into(),
        format!("/{STAGE}/{}/{}", route.method, route.granted).into(),
    ];
    Permission {
        sid: format!("payhook-{}", route.permission),
        function: validator.function_name().into(),
        principal: "apigateway.amazonaws.com".to_owned(),
        source_arn: arn("execute-api", resource),
        unmanaged: Unmanaged::new(),
    }
}

pub(super) fn stage(
    config: &Config,
    api: &Handle<Api>,
    deployment: &Handle<ApiDeployment>,
    logs: &Handle<LogGroup>,
) -> ApiStage {
    ApiStage {
        name: STAGE.to_owned(),
        api: api.id().into(),
        deployment: deployment.id().into(),
        tracing: true,
        rate_limit: f64::from(config.throttling.rate_limit.get()),
        burst_limit: config.throttling.burst_limit.get(),
        access_log_group: logs.arn().into(),
        access_log_format: access_log_format(),
        detailed_metrics: true,
        unmanaged: Unmanaged::new(),
    }
}

/// Who, when, what came of it, and the trace; no header, query or body, which may hold personal data.
fn access_log_format() -> String {
    json!({
        "requestId": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "resource": "$context.resourcePath",
        "status": "$context.status",
        "bytesOut": "$context.responseLength",
        "latencyMs": "$context.responseLatency",
        "integrationStatus": "$context.integration.status",
        "integrationLatencyMs": "$context.integration.latency",
        "errorType": "$context.error.responseType",
        "traceId": "$context.xrayTraceId"
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::ROUTES;
    use crate::resources::permission::SIDS;

    #[test]
    fn every_permission_of_the_stack_is_known_as_its_own_by_statement_id() {
        let sids: Vec<String> = ROUTES
            .iter()
            .map(|route| format!("payhook-{}", route.permission))
            .collect();
        assert_eq!(sids, SIDS);
    }
}
