//! The stage of the REST API that callers reach.

use super::{Forced, Resource};
use crate::graph::{ApiId, Declared, DeploymentId, Handle, Input, LogGroupArn, Output, StageName};
use serde::{Deserialize, Serialize};

/// A stage with tracing, throttling and access logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiStage {
    /// Stage name, first part of the path.
    pub name: String,
    /// The API.
    pub api: Input<ApiId>,
    /// What it serves.
    pub deployment: Input<DeploymentId>,
    /// Whether X-Ray traces are recorded.
    pub tracing: bool,
    /// Requests a second.
    pub rate_limit: f64,
    /// Requests at once.
    pub burst_limit: u32,
    /// Where access log lines go.
    pub access_log_group: Input<LogGroupArn>,
    /// One access log line; no header, body or query of a caller.
    pub access_log_format: String,
    /// Whether detailed CloudWatch metrics are kept per method.
    pub detailed_metrics: bool,
}

impl Declared for ApiStage {
    const KIND: &'static str = "api-stage";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for ApiStage {
    const FORCED: &'static [Forced] = &[
        Forced {
            property: "name",
            rule: "API Gateway cannot rename a stage",
        },
        Forced {
            property: "api",
            rule: "a stage belongs to one API",
        },
    ];
}

impl Handle<ApiStage> {
    /// The stage's name.
    pub fn stage_name(&self) -> Output<StageName> {
        self.output("stageName")
    }
}
