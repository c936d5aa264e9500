//! E0277: ApiStage: Grantable

use payhook::graph::{Graph, Handle};
use payhook::resources::policy::Action;
use payhook::resources::{api_stage::ApiStage, role::Role};

pub fn wire(graph: &mut Graph, role: &Handle<Role>, stage: &Handle<ApiStage>, action: Action<ApiStage>) {
    role.grant(graph, stage, action);
}
