//! webhook-validator: verifies what arrives, stores it exactly once, and tells the provider so.

// Whatever arrives, the program answers; it never panics.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod answer;
mod refusal;
mod settings;
mod validator;

pub use answer::Answer;
pub use settings::{SettingsError, ValidatorSettings};
pub use validator::{Invocation, Validator};
