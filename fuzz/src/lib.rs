//! What is offered to the code that reads what strangers send, and what must hold whatever that is.
//!
//! Nothing panics, nothing takes unreasonable work, and nothing is believed that its provider did not sign.

mod gateway;
mod genuine;
mod keys;
mod provider;
mod readers;
mod text;

#[path = "../../lambdas/payments/tests/support/mod.rs"]
pub mod support;

use payments::providers;

pub use text::samples;

/// A reader by its name.
type Reader = (&'static str, fn(&[u8]));

/// What the code is offered besides requests to one provider.
const READERS: [Reader; 8] = [
    ("api_gateway", gateway::proxy_events),
    ("certificates", keys::certificates),
    ("headers", readers::headers),
    ("json", readers::json),
    ("money", readers::money),
    ("secrets", readers::secrets),
    ("vectors", readers::vectors),
    ("web_keys", keys::web_keys),
];

/// The names of all targets: every provider's key, and the readers.
pub fn targets() -> Vec<&'static str> {
    let providers = providers::all().iter().map(|provider| provider.key());
    let readers = READERS.iter().map(|(name, _)| *name);
    providers.chain(readers).collect()
}

/// Offers an input to a target.
///
/// # Panics
/// When something does not hold, or there is no such target.
pub fn run(target: &str, input: &[u8]) {
    match READERS.iter().find(|(name, _)| *name == target) {
        Some((_, reader)) => reader(input),
        None => provider::probe(target, input),
    }
}

/// The entry of the target that has the name of the program.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! target {
    () => {
        libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::run(env!("CARGO_BIN_NAME"), input));
    };
}
