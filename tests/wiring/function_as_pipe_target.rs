//! E0277: Input<StateMachineArn>, Output<AliasArn>

use payhook::graph::{Handle, Input, StateMachineArn};
use payhook::resources::function::Function;

pub fn wire(function: &Handle<Function>) -> Input<StateMachineArn> {
    function.live().into()
}
