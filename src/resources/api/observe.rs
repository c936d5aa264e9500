//! What API Gateway shows of an API, in the terms of its properties.

use super::body::alias;
use super::{Api, GatewayResponse, Route};
use crate::graph::Input;
use crate::resources::Unmanaged;
use crate::resources::unmanaged::collected;
use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::types::{self, RequestValidator, Resource};
use serde_json::{Value, json};
use std::collections::HashMap;

/// All that is read of one API.
pub(super) struct Shown {
    pub api: GetRestApiOutput,
    pub resources: Vec<Resource>,
    pub answers: Vec<types::GatewayResponse>,
    pub validators: Vec<RequestValidator>,
}

impl Shown {
    /// Only the API itself, without what is below it.
    pub fn literal(api: GetRestApiOutput) -> Self {
        Self {
            api,
            resources: Vec::new(),
            answers: Vec::new(),
            validators: Vec::new(),
        }
    }

    /// The API's properties.
    pub fn properties(&self) -> Api {
        let mut routes = Vec::new();
        let mut unmanaged = settings(&self.api);
        let mut bare = Vec::new();
        for resource in &self.resources {
            let path = resource.path().unwrap_or_default();
            let methods = resource.resource_methods();
            for (name, method) in methods.into_iter().flatten() {
                routes.push(route(path, name, method));
            }
            let leaf = !self.resources.iter().any(|r| {
                let below = r.path().and_then(|p| p.strip_prefix(path));
                below.is_some_and(|rest| rest.starts_with('/'))
            });
            if path != "/" && leaf && methods.is_none_or(HashMap::is_empty) {
                bare.push(path);
            }
        }
        if !bare.is_empty() {
            bare.sort_unstable();
            unmanaged.insert("resources".to_owned(), json!(bare));
        }
        if self.validates(|v| v.validate_request_body) {
            unmanaged.insert("validateRequestBody".to_owned(), true.into());
        }
        Api {
            name: self.api.name().unwrap_or_default().to_owned(),
            description: self.api.description().unwrap_or_default().to_owned(),
            binary_media_types: self.api.binary_media_types().to_vec(),
            validates_parameters: !routes.is_empty()
                && self.validates(|v| v.validate_request_parameters),
            routes,
            gateway_responses: self.answers.iter().filter_map(answer).collect(),
            unmanaged,
        }
    }

    /// Whether every method has a validator with this switch on.
    fn validates(&self, switch: impl Fn(&RequestValidator) -> bool) -> bool {
        let mut methods = self.methods().peekable();
        methods.peek().is_some()
            && methods.all(|m| {
                let id = m.request_validator_id();
                let validator = self
                    .validators
                    .iter()
                    .find(|v| id.is_some() && v.id() == id);
                validator.is_some_and(&switch)
            })
    }

    fn methods(&self) -> impl Iterator<Item = &types::Method> {
        let maps = self.resources.iter().filter_map(Resource::resource_methods);
        maps.flat_map(HashMap::values)
    }

    /// What an endpoint that is not AWS does not keep: some emulators import neither validators, answers nor media types.
    pub fn not_kept(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let referred = self.methods().any(|m| m.request_validator_id().is_some());
        if self.validators.is_empty() && !referred {
            missing.push("validatesParameters");
        }
        if self.answers.is_empty() {
            missing.push("gatewayResponses");
        }
        // moto 5.2 takes no media types at creation, and a patch's as empty text.
        if self.api.binary_media_types().iter().all(String::is_empty) {
            missing.push("binaryMediaTypes");
        }
        missing
    }
}

/// Forgets settings that only differ in their spelling: moto 5.2 shows an imported integration as the body spells it.
pub(super) fn respell(route: &mut Route) {
    let usual = [
        ("integrationType", "AWS_PROXY"),
        ("passthroughBehavior", "WHEN_NO_MATCH"),
    ];
    for (setting, usual) in usual {
        let shown = route.unmanaged.get(setting).and_then(Value::as_str);
        if shown.is_some_and(|shown| shown.eq_ignore_ascii_case(usual)) {
            route.unmanaged.remove(setting);
        }
    }
}

fn answer(shown: &types::GatewayResponse) -> Option<GatewayResponse> {
    let case = shown.response_type()?.as_str().to_owned();
    if shown.default_response() {
        return None;
    }
    let mut unmanaged = Unmanaged::new();
    let templates = shown.response_templates();
    let template = templates.and_then(|t| t.get("application/json"));
    for (media_type, template) in templates.into_iter().flatten() {
        if media_type != "application/json" {
            unmanaged.insert(media_type.clone(), template.clone().into());
        }
    }
    for (parameter, value) in shown.response_parameters().into_iter().flatten() {
        unmanaged.insert(parameter.clone(), value.clone().into());
    }
    Some(GatewayResponse {
        case,
        status: shown.status_code().and_then(|s| s.parse().ok()),
        template: template.cloned().unwrap_or_default(),
        unmanaged,
    })
}

fn settings(api: &GetRestApiOutput) -> Unmanaged {
    let endpoint = api.endpoint_configuration();
    let types: Vec<&str> = endpoint
        .map(|e| e.types().iter().map(types::EndpointType::as_str).collect())
        .unwrap_or_default();
    let private = endpoint.map(|e| e.vpc_endpoint_ids().to_vec());
    let key_source = api.api_key_source().map(|s| s.as_str());
    collected([
        (
            "endpointTypes",
            (types != ["REGIONAL"]).then(|| json!(types)),
        ),
        (
            "vpcEndpointIds",
            private.filter(|p| !p.is_empty()).map(Value::from),
        ),
        (
            "disableExecuteApiEndpoint",
            api.disable_execute_api_endpoint.then(|| true.into()),
        ),
        (
            "policy",
            api.policy().filter(|p| !p.is_empty()).map(Value::from),
        ),
        (
            "minimumCompressionSize",
            api.minimum_compression_size().map(Value::from),
        ),
        (
            "apiKeySource",
            key_source.filter(|s| *s != "HEADER").map(Value::from),
        ),
    ])
}

fn route(path: &str, name: &str, method: &types::Method) -> Route {
    let integration = method.method_integration();
    let uri = integration.and_then(types::Integration::uri);
    let timeout = integration.map_or(0, |i| i.timeout_in_millis);
    let mut route = Route {
        path: path.to_owned(),
        method: name.to_owned(),
        target: Input::known(alias(uri.unwrap_or_default())),
        timeout_ms: timeout.try_into().unwrap_or(0),
        unmanaged: Unmanaged::new(),
    };
    let expected: HashMap<String, bool> = route
        .parameters()
        .map(|p| (format!("method.request.path.{p}"), true))
        .collect();
    route.unmanaged = method_settings(method, &expected);
    if let Some(integration) = integration {
        route.unmanaged.extend(integration_settings(integration));
    }
    route
}

fn method_settings(method: &types::Method, expected: &HashMap<String, bool>) -> Unmanaged {
    let authorization = method.authorization_type().filter(|a| *a != "NONE");
    let parameters = method.request_parameters().filter(|p| *p != expected);
    let models = method.request_models().filter(|m| !m.is_empty());
    let scopes = method.authorization_scopes();
    collected([
        ("authorizationType", authorization.map(Value::from)),
        ("authorizerId", method.authorizer_id().map(Value::from)),
        (
            "authorizationScopes",
            (!scopes.is_empty()).then(|| json!(scopes)),
        ),
        (
            "apiKeyRequired",
            method.api_key_required().filter(|r| *r).map(Value::from),
        ),
        ("requestParameters", parameters.map(|p| json!(p))),
        ("requestModels", models.map(|m| json!(m))),
    ])
}

fn integration_settings(shown: &types::Integration) -> Unmanaged {
    let text =
        |value: Option<&str>, default: &str| value.filter(|v| *v != default).map(Value::from);
    let map =
        |value: Option<&HashMap<String, String>>| value.filter(|m| !m.is_empty()).map(|m| json!(m));
    let cache_keys = shown.cache_key_parameters();
    let insecure = shown
        .tls_config()
        .is_some_and(|t| t.insecure_skip_verification);
    collected([
        (
            "integrationType",
            text(shown.r#type().map(|t| t.as_str()), "AWS_PROXY"),
        ),
        ("integrationHttpMethod", text(shown.http_method(), "POST")),
        (
            "connectionType",
            text(shown.connection_type().map(|c| c.as_str()), "INTERNET"),
        ),
        ("connectionId", shown.connection_id().map(Value::from)),
        ("credentials", shown.credentials().map(Value::from)),
        (
            "passthroughBehavior",
            text(shown.passthrough_behavior(), "WHEN_NO_MATCH"),
        ),
        (
            "contentHandling",
            shown.content_handling().map(|c| c.as_str().into()),
        ),
        (
            "responseTransferMode",
            text(
                shown.response_transfer_mode().map(|m| m.as_str()),
                "BUFFERED",
            ),
        ),
        (
            "integrationRequestParameters",
            map(shown.request_parameters()),
        ),
        ("requestTemplates", map(shown.request_templates())),
        (
            "cacheKeyParameters",
            (!cache_keys.is_empty()).then(|| json!(cache_keys)),
        ),
        ("insecureSkipVerification", insecure.then(|| true.into())),
    ])
}
