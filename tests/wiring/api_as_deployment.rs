//! E0277: Input<DeploymentId>, Output<ApiId>

use payhook::graph::{DeploymentId, Handle, Input};
use payhook::resources::api::Api;

pub fn wire(api: &Handle<Api>) -> Input<DeploymentId> {
    api.id().into()
}
