//! One provider's verifier and parser; which one, the name of the target says.
#![no_main]

#[path = "../../lambdas/payments/tests/support/probe.rs"]
mod probe;

libfuzzer_sys::fuzz_target!(|input: &[u8]| probe::probe(env!("CARGO_BIN_NAME"), input));
