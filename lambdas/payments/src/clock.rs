//! Where "now" comes from.

use std::sync::Arc;

use jiff::Timestamp;

/// The clock of a function, replaceable so that what it decides can be tested at any instant.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock.
pub fn system() -> Clock {
    Arc::new(Timestamp::now)
}

/// A clock that stands still.
pub fn fixed(at: Timestamp) -> Clock {
    Arc::new(move || at)
}
