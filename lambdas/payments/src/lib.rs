//! Providers, payment event and store, shared by the two functions and the command line.

// Whatever arrives, the program answers; it never panics.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod api_gateway;
pub mod aws;
pub mod clock;
pub mod confirm;
pub mod event;
pub mod head;
pub mod json;
pub mod logging;
mod mac;
pub mod metrics;
pub mod money;
pub mod outcome;
pub mod providers;
#[cfg(test)]
#[path = "../tests/support/replay.rs"]
mod replay;
pub mod request;
pub mod secret;
pub mod secret_cache;
pub mod settings;
pub mod signature;
pub mod store;
pub mod vectors;
