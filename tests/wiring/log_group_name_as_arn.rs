//! E0277: Input<LogGroupArn>, Output<LogGroupName>

use payhook::graph::{Handle, Input, LogGroupArn};
use payhook::resources::log_group::LogGroup;

pub fn wire(group: &Handle<LogGroup>) -> Input<LogGroupArn> {
    group.log_group_name().into()
}
