//! The real binary as several processes against an emulator: ended by signals at random moments, at work at the same time,
//! and on a state that several machines share.

#[path = "../integration/clients.rs"]
#[allow(dead_code, reason = "only clients of an emulator are made here")]
mod clients;
#[path = "../faults/emulator.rs"]
mod emulator;
#[path = "../faults/inventory.rs"]
mod inventory;
mod machine;
#[cfg(target_os = "linux")]
mod memory;

mod shared;
mod signals;
mod writers;
