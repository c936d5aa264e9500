//! E0308: Action<Table>, Action<Queue>

use payhook::graph::{Graph, Handle};
use payhook::resources::{queue::Queue, role::Role, table::Table};

pub fn wire(graph: &mut Graph, role: &Handle<Role>, table: &Handle<Table>) {
    role.grant(graph, table, Queue::SEND);
}
