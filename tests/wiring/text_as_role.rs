//! E0277: Input<RoleArn>

use payhook::graph::{Input, RoleArn};

pub fn wire() -> Input<RoleArn> {
    "arn:aws:iam::123456789012:role/somebody".into()
}
