//! webhook-validator: verifies what arrives, stores it exactly once, and tells the provider so.

mod answer;
mod refusal;
mod settings;
mod validator;

pub use answer::Answer;
pub use settings::{SettingsError, ValidatorSettings};
pub use validator::{Invocation, Validator};
