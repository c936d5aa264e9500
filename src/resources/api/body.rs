//! The OpenAPI body of an API: a pure function of its properties.

use super::{Api, GatewayResponse, Route};
use crate::graph::Unresolved;
use crate::resources::Given;
use aws_lc_rs::digest::{SHA256, digest as hash};
use serde_json::{Map, Value, json};

/// Name of the validator that checks parameters and nothing else.
pub(super) const VALIDATOR: &str = "parameters";

/// Everything that API Gateway imports; fails while the alias of a route is not known.
pub(super) fn render(api: &Api, given: &Given) -> Result<Value, Unresolved> {
    let api = crate::resources::Resource::canonical(api.clone());
    let mut paths = Map::new();
    for route in &api.routes {
        let operations = paths.entry(&route.path).or_insert_with(|| json!({}));
        operations[route.method.to_lowercase()] = operation(route, given)?;
    }
    let answers: Map<String, Value> = api
        .gateway_responses
        .iter()
        .map(|answer| (answer.case.clone(), gateway_response(answer)))
        .collect();
    let mut body = json!({
        "openapi": "3.0.1",
        "info": {"title": api.name, "description": api.description, "version": "1"},
        "paths": paths,
        "x-amazon-apigateway-binary-media-types": api.binary_media_types,
        "x-amazon-apigateway-api-key-source": "HEADER",
        "x-amazon-apigateway-gateway-responses": answers,
    });
    if api.validates_parameters {
        body["x-amazon-apigateway-request-validators"] =
            json!({VALIDATOR: {"validateRequestParameters": true, "validateRequestBody": false}});
        body["x-amazon-apigateway-request-validator"] = VALIDATOR.into();
    }
    Ok(body)
}

/// Hexadecimal SHA-256 of the body.
pub(super) fn digest(api: &Api, given: &Given) -> Result<String, Unresolved> {
    let body = render(api, given)?.to_string();
    Ok(hex::encode(hash(&SHA256, body.as_bytes())))
}

fn operation(route: &Route, given: &Given) -> Result<Value, Unresolved> {
    let parameters: Vec<Value> = route
        .parameters()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    Ok(json!({
        "parameters": parameters,
        "responses": {},
        "x-amazon-apigateway-auth": {"type": "NONE"},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": uri(&route.target.get()?, given),
            "passthroughBehavior": "when_no_match",
            "timeoutInMillis": route.timeout_ms,
        },
    }))
}

fn gateway_response(answer: &GatewayResponse) -> Value {
    let mut value = json!({"responseTemplates": {"application/json": answer.template}});
    if let Some(status) = answer.status {
        value["statusCode"] = status.to_string().into();
    }
    value
}

/// Where API Gateway invokes a function's alias.
pub(super) fn uri(alias: &str, given: &Given) -> String {
    let Given {
        partition, region, ..
    } = given;
    format!(
        "arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{alias}/invocations"
    )
}

/// The alias behind an integration's URI; the URI itself when it is of another form.
pub(super) fn alias(uri: &str) -> &str {
    uri.split_once("/functions/")
        .and_then(|(_, rest)| rest.strip_suffix("/invocations"))
        .unwrap_or(uri)
}
