//! E0277: Input<KeyArn>, Output<KeyId>

use payhook::graph::{Handle, Input, KeyArn};
use payhook::resources::key::Key;

pub fn wire(key: &Handle<Key>) -> Input<KeyArn> {
    key.id().into()
}
