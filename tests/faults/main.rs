//! The real binary against an emulator, with a proxy between them that kills payhook or spoils one answer.
//!
//! Every run makes 150 to 250 requests, and each of them is a boundary. A normal run of the tests tries an even sample of them;
//! `PAYHOOK_FAULTS=all` tries every one.

#[path = "../integration/clients.rs"]
#[allow(dead_code, reason = "only clients of an emulator are made here")]
mod clients;
mod emulator;
mod guard;
mod inventory;
mod lane;
mod proxy;
mod refusal;
#[path = "../integration/request.rs"]
mod request;
mod series;

mod answers;
mod counts;
mod crash;
mod policy;
mod rollback;
