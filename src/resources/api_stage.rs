//! The stage of the REST API that callers reach.

mod calls;
#[cfg(test)]
mod tests;

use super::api::gateway::CONCURRENT;
use super::{Forced, Given, Kind, Of, Outputs, Resource, Schedule, Settle, Unmanaged};
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
    /// What else was found set; among it the logging of whole requests, which payhook never switches on.
    #[serde(default)]
    pub unmanaged: Unmanaged,
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
    const FOUND_BY: &'static [&'static str] = &["api"];
    const SETTLE: &'static [Settle] = &[
        CONCURRENT,
        Settle {
            name: "API Gateway to see its logging role",
            of: Of::Edge(Kind::ApiAccount),
            codes: &["BadRequestException"],
            messages: &["CloudWatch Logs role ARN must be set in account settings"],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 120,
            otherwise: "somebody has taken the logging role out of the account's settings of API \
            Gateway",
            source: "aws-samples/serverless-patterns#620",
        },
    ];

    fn predicted(&self, _given: &Given) -> Outputs {
        Outputs::from([("stageName".to_owned(), self.name.clone())])
    }
}

impl Handle<ApiStage> {
    /// The stage's name.
    pub fn stage_name(&self) -> Output<StageName> {
        self.output("stageName")
    }
}

/// Where callers reach a stage: at AWS by the API's own host name, at an emulator by a path of its one endpoint.
pub fn invoke_url(given: &Given, endpoint: Option<&str>, api: &str, stage: &str) -> String {
    match endpoint {
        Some(endpoint) => {
            let endpoint = endpoint.trim_end_matches('/');
            format!("{endpoint}/_aws/execute-api/{api}/{stage}")
        }
        None => {
            let suffix = match given.partition.as_str() {
                "aws-cn" => "amazonaws.com.cn",
                _ => "amazonaws.com",
            };
            format!(
                "https://{api}.execute-api.{}.{suffix}/{stage}",
                given.region
            )
        }
    }
}
