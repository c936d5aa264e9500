//! Deployments of the REST API: immutable snapshots, addressed by their content.

mod calls;
#[cfg(test)]
mod tests;

use super::api::gateway::CONCURRENT;
use super::{Forced, Kind, Of, Replace, Resource, Schedule, Settle};
use crate::graph::{ApiContent, ApiId, Declared, DeploymentId, Handle, Input, Output};
use serde::{Deserialize, Serialize};

/// A snapshot of a REST API; its description carries the digest of the content it froze.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiDeployment {
    /// The API.
    pub api: Input<ApiId>,
    /// Digest of what is frozen.
    pub content: Input<ApiContent>,
}

impl Declared for ApiDeployment {
    const KIND: &'static str = "api-deployment";
    // The same for every content: a new content is a replace of this resource, not another resource.
    fn physical_name(&self) -> String {
        "deployment".to_owned()
    }
}

impl Resource for ApiDeployment {
    const FORCED: &'static [Forced] = &[
        Forced {
            property: "api",
            rule: "a deployment belongs to one API",
        },
        Forced {
            property: "content",
            rule: "a deployment is an immutable snapshot",
        },
    ];
    const REPLACE: Replace = Replace::CreateFirst;
    const TAGGED: bool = false;
    const IDENTITY: &'static [&'static str] = &[calls::ID];
    const UNIQUE: bool = false;
    // API Gateway publishes no figure.
    const HIDDEN_SECONDS: u64 = 30;
    const FOUND_BY: &'static [&'static str] = &["api", "content"];
    const SETTLE: &'static [Settle] = &[
        CONCURRENT,
        Settle {
            name: "stage to move to the new deployment",
            of: Of::Edge(Kind::ApiStage),
            codes: &["BadRequestException"],
            messages: &["Active stages"],
            schedule: Schedule::PROPAGATION,
            budget_seconds: 120,
            otherwise: "a stage that is not of this stack points at the old deployment: delete or move \
            that stage",
            source: "terraform-provider-aws, internal/service/apigateway/deployment.go; \
            hashicorp/terraform-provider-aws#19805",
        },
    ];
}

impl Handle<ApiDeployment> {
    /// The deployment's id.
    pub fn id(&self) -> Output<DeploymentId> {
        self.output(calls::ID)
    }
}
