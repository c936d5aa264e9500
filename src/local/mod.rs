//! The managed local AWS emulator: found or installed, started, stopped and described.
//!
//! Everything it keeps is under one directory (`.payhook/emulator/`): the private Python environment, the state that
//! survives a restart, the log and the pid file.

mod emulator;
mod error;
mod health;
mod launcher;
mod lock;
mod observable;
mod port;
mod process;
mod python;
mod start;

pub use emulator::{Down, Emulator, How, LocalEvent, LocalSettings, OnEvent, Status, Up};
pub use error::LocalError;

pub use launcher::EMULATOR_VERSION;
pub use observable::not_observable;
pub use port::PortHolder;
pub use process::started;
