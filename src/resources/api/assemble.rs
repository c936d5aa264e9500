//! The same API by single calls, for endpoints that do not know the import of a whole body.

use super::body::{self, VALIDATOR};
use super::observe::Shown;
use super::{Api, GatewayResponse, Route, calls, gateway};
use crate::resources::{Aws, CloudError, During, Resource as _};
use aws_sdk_apigateway::types::{GatewayResponseType, IntegrationType};
use std::collections::BTreeMap;

/// Makes everything below the API as wanted and returns what was there before.
pub(super) async fn assemble(aws: &Aws, id: &str, wanted: &Api) -> Result<Api, CloudError> {
    let get = aws.apigateway.get_rest_api().rest_api_id(id);
    let api = get.send().await.during("apigateway:GetRestApi")?;
    let shown = calls::shown(aws, id, api).await?;
    let before = shown.properties().canonical();
    let assembly = Assembly { aws, id };
    let validator = match wanted.validates_parameters {
        true => Some(assembly.validator(&shown).await?),
        false => None,
    };
    assembly.routes(&shown, &before, wanted, validator).await?;
    assembly.answers(&before, wanted).await?;
    Ok(before)
}

struct Assembly<'a> {
    aws: &'a Aws,
    id: &'a str,
}

impl Assembly<'_> {
    /// The id of the validator, after it has been made or set right.
    async fn validator(&self, shown: &Shown) -> Result<String, CloudError> {
        let api = &self.aws.apigateway;
        let Some(found) = shown
            .validators
            .iter()
            .find(|v| v.name() == Some(VALIDATOR))
        else {
            let create = api.create_request_validator().rest_api_id(self.id);
            let made = create
                .name(VALIDATOR)
                .validate_request_parameters(true)
                .validate_request_body(false)
                .send()
                .await
                .during("apigateway:CreateRequestValidator")?;
            return Ok(made.id.unwrap_or_default());
        };
        let id = found.id().unwrap_or_default();
        if !found.validate_request_parameters || found.validate_request_body {
            let update = api.update_request_validator().rest_api_id(self.id);
            update
                .request_validator_id(id)
                .patch_operations(gateway::set("/validateRequestParameters", true))
                .patch_operations(gateway::set("/validateRequestBody", false))
                .send()
                .await
                .during("apigateway:UpdateRequestValidator")?;
        }
        Ok(id.to_owned())
    }

    async fn routes(
        &self,
        shown: &Shown,
        before: &Api,
        wanted: &Api,
        validator: Option<String>,
    ) -> Result<(), CloudError> {
        let mut paths: BTreeMap<String, String> = shown
            .resources
            .iter()
            .filter_map(|r| Some((r.path()?.to_owned(), r.id()?.to_owned())))
            .collect();
        let same = before.validates_parameters == wanted.validates_parameters;
        for old in &before.routes {
            let kept = same && wanted.routes.contains(old);
            if let (false, Some(resource)) = (kept, paths.get(&old.path)) {
                let delete = self.aws.apigateway.delete_method().rest_api_id(self.id);
                let delete = delete.resource_id(resource).http_method(&old.method);
                let gone = delete.send().await;
                gone.or_absent("apigateway:DeleteMethod")?;
            }
        }
        for route in &wanted.routes {
            if !same || !before.routes.contains(route) {
                let resource = self.resource(&route.path, &mut paths).await?;
                self.method(&resource, route, validator.as_deref()).await?;
            }
        }
        self.prune(wanted, paths).await
    }

    /// The id of a path's resource; it and its parents are made where they are missing.
    async fn resource(
        &self,
        path: &str,
        paths: &mut BTreeMap<String, String>,
    ) -> Result<String, CloudError> {
        let mut at = String::new();
        let mut id = paths.get("/").cloned().unwrap_or_default();
        for segment in path.split('/').filter(|s| !s.is_empty()) {
            at = format!("{at}/{segment}");
            id = match paths.get(&at) {
                Some(known) => known.clone(),
                None => {
                    let create = self.aws.apigateway.create_resource().rest_api_id(self.id);
                    let create = create.parent_id(id).path_part(segment);
                    let made = create.send().await.during("apigateway:CreateResource")?;
                    let made = made.id.unwrap_or_default();
                    paths.insert(at.clone(), made.clone());
                    made
                }
            };
        }
        Ok(id)
    }

    async fn method(
        &self,
        resource: &str,
        route: &Route,
        validator: Option<&str>,
    ) -> Result<(), CloudError> {
        let parameters = route.parameters();
        let required = parameters.map(|p| (format!("method.request.path.{p}"), true));
        let put = self.aws.apigateway.put_method().rest_api_id(self.id);
        put.resource_id(resource)
            .http_method(&route.method)
            .authorization_type("NONE")
            .set_request_parameters(Some(required.collect()))
            .set_request_validator_id(validator.map(str::to_owned))
            .send()
            .await
            .during("apigateway:PutMethod")?;
        let put = self.aws.apigateway.put_integration().rest_api_id(self.id);
        put.resource_id(resource)
            .http_method(&route.method)
            .r#type(IntegrationType::AwsProxy)
            .integration_http_method("POST")
            .uri(body::uri(&route.target.get()?, &self.aws.given))
            .passthrough_behavior("WHEN_NO_MATCH")
            .timeout_in_millis(i32::try_from(route.timeout_ms).unwrap_or(i32::MAX))
            .send()
            .await
            .during("apigateway:PutIntegration")?;
        Ok(())
    }

    /// Deletes the resources that no route passes through, deepest first.
    async fn prune(&self, wanted: &Api, paths: BTreeMap<String, String>) -> Result<(), CloudError> {
        for (path, id) in paths.into_iter().rev() {
            let below = format!("{path}/");
            let used = |r: &Route| r.path == path || r.path.starts_with(&below);
            if path != "/" && !wanted.routes.iter().any(used) {
                let delete = self.aws.apigateway.delete_resource().rest_api_id(self.id);
                let gone = delete.resource_id(id).send().await;
                gone.or_absent("apigateway:DeleteResource")?;
            }
        }
        Ok(())
    }

    async fn answers(&self, before: &Api, wanted: &Api) -> Result<(), CloudError> {
        for old in &before.gateway_responses {
            if !wanted.gateway_responses.iter().any(|a| a.case == old.case) {
                let delete = self.aws.apigateway.delete_gateway_response();
                let delete = delete.rest_api_id(self.id);
                let gone = delete.response_type(case(old)).send().await;
                gone.or_absent("apigateway:DeleteGatewayResponse")?;
            }
        }
        for answer in &wanted.gateway_responses {
            if !before.gateway_responses.contains(answer) {
                let put = self.aws.apigateway.put_gateway_response();
                put.rest_api_id(self.id)
                    .response_type(case(answer))
                    .set_status_code(answer.status.map(|s| s.to_string()))
                    .response_templates("application/json", &answer.template)
                    .send()
                    .await
                    .during("apigateway:PutGatewayResponse")?;
            }
        }
        Ok(())
    }
}

fn case(answer: &GatewayResponse) -> GatewayResponseType {
    GatewayResponseType::from(answer.case.as_str())
}
