//! E0599: grant

use payhook::graph::{Graph, Handle};
use payhook::resources::{queue::Queue, table::Table};

pub fn wire(graph: &mut Graph, table: &Handle<Table>, queue: &Handle<Queue>) {
    table.grant(graph, queue, Queue::SEND);
}
