//! E0599: stream_arn

use payhook::graph::Handle;
use payhook::resources::queue::Queue;

pub fn wire(queue: &Handle<Queue>) {
    let _ = queue.stream_arn();
}
