//! payhook: one program that owns one payment webhook stack on AWS.

pub mod graph;
pub mod local;
pub mod resources;
