//! Progress of a run: redrawn in place on a terminal, steady lines in a log, or one JSON event a line.

mod board;
mod live;
mod single;
mod steady;

use crate::engine::{Event, Sink};
use std::sync::Arc;

pub use board::Board;
pub use live::Live;
pub use single::Single;
pub use steady::Steady;

/// Shows events somewhere; dropping it ends the show.
pub trait Show: Send + Sync {
    /// Takes one event.
    fn take(&self, event: Event);
}

/// The engine's sink that shows events there.
pub fn sink(show: Arc<dyn Show>) -> Sink {
    Arc::new(move |event| show.take(event))
}
