//! payment-processor: moves the payment of one stored event forward and publishes what came of it.

// Whatever arrives, the program answers; it never panics.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod confirm;
mod failure;
mod input;
mod news;
mod processor;
mod settings;

pub use confirm::Confirmation;
pub use failure::Failure;
pub use input::Answer;
pub use processor::{Invocation, Processor};
pub use settings::{ProcessorSettings, SettingsError};
