//! Whether the table holds what it should, and nothing else.

mod sent;

pub use sent::{Expected, Sent};
