//! payhook: one program that owns one payment webhook stack on AWS.

// Whatever arrives, the program answers; it never panics.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod artifact;
pub mod asl;
pub mod audit;
pub mod capacity;
pub mod cli;
pub mod config;
pub mod engine;
pub mod graph;
pub mod local;
pub mod memory;
pub mod outputs;
pub mod plan;
pub mod policy;
pub mod resources;
pub mod stack;
pub mod state;
pub mod verify;
pub mod view;
