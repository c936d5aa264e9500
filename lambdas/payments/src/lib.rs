//! Providers, payment event and store, shared by the two functions and the command line.

pub mod api_gateway;
pub mod event;
pub mod json;
mod mac;
pub mod money;
pub mod providers;
pub mod request;
pub mod secret;
pub mod settings;
pub mod signature;
pub mod vectors;
