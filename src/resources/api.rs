//! The REST API, expressed as one OpenAPI body.

mod answer;
mod assemble;
mod body;
pub(super) mod calls;
pub(super) mod gateway;
mod observe;
#[cfg(test)]
mod tests;

use super::{Forced, Given, Outputs, Resource, Settle, Unmanaged};
use crate::graph::{AliasArn, ApiContent, ApiId, Declared, Handle, Input, Output};
use serde::{Deserialize, Serialize};

pub use answer::GatewayResponse;

/// A regional REST API whose methods all go to Lambda aliases by proxy integration.
///
/// API names are not unique: an API is found again by its ownership tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    /// API name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// Media types whose bodies arrive as the bytes that were sent.
    pub binary_media_types: Vec<String>,
    /// Its methods.
    pub routes: Vec<Route>,
    /// Whether API Gateway refuses requests without the parameters of their path; bodies are never looked at.
    pub validates_parameters: bool,
    /// What API Gateway answers when a request does not reach a function.
    pub gateway_responses: Vec<GatewayResponse>,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

/// One method of one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// `/webhooks/{provider}`; its parameters are required.
    pub path: String,
    /// `POST`.
    pub method: String,
    /// The alias that is invoked.
    pub target: Input<AliasArn>,
    /// Milliseconds after which API Gateway gives up, 50 to 29,000.
    pub timeout_ms: u32,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Api {
    /// An API that passes every body on as the bytes that were sent and answers in small JSON by itself.
    pub fn new(name: impl Into<String>, description: &str, routes: Vec<Route>) -> Self {
        Self {
            name: name.into(),
            description: description.to_owned(),
            binary_media_types: vec!["*/*".to_owned()],
            routes,
            validates_parameters: true,
            gateway_responses: GatewayResponse::standard(),
            unmanaged: Unmanaged::new(),
        }
    }
}

impl Route {
    /// `POST` on a path.
    pub fn post(path: &str, target: impl Into<Input<AliasArn>>, timeout_ms: u32) -> Self {
        Self {
            path: path.to_owned(),
            method: "POST".to_owned(),
            target: target.into(),
            timeout_ms,
            unmanaged: Unmanaged::new(),
        }
    }

    /// The names in braces, which a request must fill.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let segments = self.path.split('/');
        segments.filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
    }
}

impl Declared for Api {
    const KIND: &'static str = "rest-api";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Api {
    const FORCED: &'static [Forced] = &[];
    const SETTLE: &'static [Settle] = &[gateway::CONCURRENT];
    const IDENTITY: &'static [&'static str] = &[ID];
    const UNIQUE: bool = false;
    // API Gateway publishes no figure.
    const HIDDEN_SECONDS: u64 = 30;
    const RENEWS: &'static [(&'static str, &'static str)] = &[
        ("name", "apiContent"),
        ("description", "apiContent"),
        ("binaryMediaTypes", "apiContent"),
        ("routes", "apiContent"),
        ("validatesParameters", "apiContent"),
        ("gatewayResponses", "apiContent"),
    ];

    fn predicted(&self, given: &Given) -> Outputs {
        let digest = body::digest(self, given).ok();
        digest
            .map(|d| (CONTENT.to_owned(), d))
            .into_iter()
            .collect()
    }

    fn canonical(mut self) -> Self {
        self.binary_media_types.sort();
        self.routes
            .sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
        self.gateway_responses = answer::canonical(self.gateway_responses);
        self
    }
}

const ID: &str = "apiId";
const CONTENT: &str = "apiContent";

impl Handle<Api> {
    /// The API's id.
    pub fn id(&self) -> Output<ApiId> {
        self.output(ID)
    }
    /// The digest of all that a deployment freezes.
    pub fn content(&self) -> Output<ApiContent> {
        self.output(CONTENT)
    }
}
