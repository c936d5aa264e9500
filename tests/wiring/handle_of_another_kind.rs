//! E0308: Handle<Table>, Handle<Queue>

use payhook::graph::{Graph, Handle};
use payhook::resources::{queue::Queue, role::Role, table::Table};

pub fn wire(graph: &mut Graph, role: &Handle<Role>, queue: &Handle<Queue>) {
    role.grant::<Table>(graph, queue, Table::PUT_ITEM);
}
