//! compiles

use payhook::graph::{Handle, Input, RoleArn, StateMachineArn, StreamArn};
use payhook::resources::{key::Key, queue::Queue, role::Role, state_machine::StateMachine, table::Table};

pub fn wire(table: &Handle<Table>, machine: &Handle<StateMachine>, role: &Handle<Role>) {
    let _source: Input<StreamArn> = table.stream_arn().into();
    let _target: Input<StateMachineArn> = machine.arn().into();
    let _role: Input<RoleArn> = role.arn().into();
}

pub fn grant(graph: &mut payhook::graph::Graph, role: &Handle<Role>, table: &Handle<Table>, queue: &Handle<Queue>, key: &Handle<Key>) {
    role.grant(graph, table, Table::PUT_ITEM);
    role.grant(graph, queue, Queue::SEND);
    role.grant(graph, key, Key::DECRYPT);
}
