//! What a run holds in memory of its own: it stays small whatever the stack is told to do.

use super::machine::{self, Machine};
use std::fs;
use std::time::Duration;

/// In kB, beside the pages of the program's own file, which depend on how it was built.
const MOST: u64 = 40 * 1024;

/// The most that a run held, in kB.
fn held(machine: &Machine, words: &str) -> u64 {
    let mut run = machine.start(words);
    let mut most = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap_or_default();
        let anonymous = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let now = anonymous.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(now.unwrap_or_default());
        if run.ends_within(Duration::from_millis(5)) {
            break;
        }
    }
    run.ended().well(words);
    most
}

#[test]
fn no_run_holds_more_than_40_mb_beside_its_own_program() {
    let emulator = machine::emulator();
    let machine = Machine::new(&emulator.endpoint);
    // As large as functions with everything that debuggers want; what is uploaded is compressed and small.
    machine.programs_have(60 * 1024 * 1024);
    for words in ["deploy", "deploy", "preview", "drift", "destroy --yes"] {
        let held = held(&machine, words);
        println!("{words} held {} MB", held / 1024);
        assert!((1..MOST).contains(&held), "{words} held {held} kB");
    }
}
