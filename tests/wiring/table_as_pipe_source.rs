//! E0277: Input<StreamArn>, Output<TableArn>

use payhook::graph::{Handle, Input, StreamArn};
use payhook::resources::table::Table;

pub fn wire(table: &Handle<Table>) -> Input<StreamArn> {
    table.arn().into()
}
