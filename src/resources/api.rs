//! The REST API, expressed as one OpenAPI body.

use super::{Forced, Given, Outputs, Resource};
use crate::graph::{AliasArn, ApiContent, ApiId, Declared, Handle, Input, Output};
use serde::{Deserialize, Serialize};

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
}

/// One method of one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// `/webhooks/{provider}`.
    pub path: String,
    /// `POST`.
    pub method: String,
    /// The alias that is invoked.
    pub target: Input<AliasArn>,
    /// Milliseconds after which API Gateway gives up, 50 to 29,000.
    pub timeout_ms: u32,
}

impl Declared for Api {
    const KIND: &'static str = "rest-api";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Api {
    const FORCED: &'static [Forced] = &[];

    fn predicted(&self, _given: &Given) -> Outputs {
        Outputs::new()
    }
}

impl Handle<Api> {
    /// The API's id.
    pub fn id(&self) -> Output<ApiId> {
        self.output("apiId")
    }
    /// The digest of all that a deployment freezes.
    pub fn content(&self) -> Output<ApiContent> {
        self.output("apiContent")
    }
}
