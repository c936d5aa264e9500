//! E0277: Input<StreamArn>, Output<KeyArn>

use payhook::graph::{Handle, Input, StreamArn};
use payhook::resources::key::Key;

pub fn wire(key: &Handle<Key>) -> Input<StreamArn> {
    key.arn().into()
}
