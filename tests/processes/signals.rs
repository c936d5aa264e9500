//! A run ended by signals at a random moment: the next one converges, with nothing duplicated, leaked or asked.

use super::clients::Clients;
use super::emulator::Stock;
use super::inventory::inventory;
use super::machine::{self, Machine, Running};
use std::time::{Duration, Instant};

/// How a run is ended.
#[derive(Clone, Copy, Debug)]
enum End {
    Interrupt,
    InterruptTwice,
    Terminate,
    Kill,
    /// What CI does to a cancelled job: SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s after that.
    Cancel,
}

impl End {
    fn put_to(self, run: &mut Running) {
        match self {
            Self::Interrupt => run.signal(libc::SIGINT),
            Self::InterruptTwice => {
                run.signal(libc::SIGINT);
                if !run.ends_within(Duration::from_millis(20)) {
                    run.signal(libc::SIGINT);
                }
            }
            Self::Terminate => run.signal(libc::SIGTERM),
            Self::Kill => run.signal(libc::SIGKILL),
            Self::Cancel => {
                run.signal(libc::SIGINT);
                if !run.ends_within(Duration::from_millis(7_500)) {
                    run.signal(libc::SIGTERM);
                }
                if !run.ends_within(Duration::from_millis(2_500)) {
                    run.signal(libc::SIGKILL);
                }
            }
        }
    }
}

/// The same series of moments for the same seed.
struct Moments(u64);

impl Moments {
    /// A fraction of one.
    fn next(&mut self) -> f64 {
        // xorshift64, by Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// PAYHOOK_SEED repeats a series.
fn seed() -> u64 {
    let given = std::env::var("PAYHOOK_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = given.unwrap_or_else(|| now.map_or(1, |now| now.as_nanos() as u64 | 1));
    println!("PAYHOOK_SEED={seed}");
    seed
}

struct Trials {
    emulator: Stock,
    clients: Clients,
    machine: Machine,
    /// What a deploy makes, and how long it and a destroy take.
    deployed: Vec<String>,
    times: [Duration; 2],
}

impl Trials {
    async fn new() -> Self {
        let emulator = machine::emulator();
        let (clients, machine) = (
            Clients::emulated(&emulator.endpoint),
            Machine::new(&emulator.endpoint),
        );
        let mut times = [Duration::ZERO; 2];
        let start = Instant::now();
        machine.payhook("deploy").well("a deploy");
        times[0] = start.elapsed();
        let deployed = inventory(&clients).await;
        let start = Instant::now();
        machine.payhook("destroy --yes").well("a destroy");
        times[1] = start.elapsed();
        Self {
            emulator,
            clients,
            machine,
            deployed,
            times,
        }
    }

    fn cut(&self, words: &str, after: Duration, end: End) {
        let mut run = self.machine.start(words);
        if !run.ends_within(after) {
            end.put_to(&mut run);
        }
        let ended = run.ended();
        let killed = matches!(end, End::Kill | End::Cancel) && ended.code.is_none();
        assert!(
            killed || matches!(ended.code, Some(0 | 130)),
            "{words} ended by {end:?} after {after:?}: {ended:?}"
        );
    }

    async fn trial(&self, end: End, moments: &mut Moments) {
        self.emulator.empty().await;
        self.machine.forget();
        let after = self.times[0].mul_f64(moments.next());
        self.cut("deploy", after, end);
        self.machine.payhook("deploy").well("the next deploy");
        assert_eq!(
            inventory(&self.clients).await,
            self.deployed,
            "deploy ended by {end:?} after {after:?}"
        );
        let after = self.times[1].mul_f64(moments.next());
        self.cut("destroy --yes", after, end);
        self.machine
            .payhook("destroy --yes")
            .well("the next destroy");
        assert_eq!(
            inventory(&self.clients).await,
            ["pending key "],
            "destroy ended by {end:?} after {after:?}"
        );
    }
}

async fn series(ends: &[End], rounds: usize) {
    let mut moments = Moments(seed());
    let trials = Trials::new().await;
    for end in (0..rounds).flat_map(|_| ends) {
        trials.trial(*end, &mut moments).await;
    }
}

#[tokio::test]
async fn an_interrupt_or_a_termination_at_any_moment_is_made_good_by_the_next_run() {
    series(&[End::Interrupt, End::Terminate], 2).await;
}

#[tokio::test]
async fn leaving_at_once_or_a_kill_at_any_moment_is_made_good_by_the_next_run() {
    series(&[End::InterruptTwice, End::Kill], 2).await;
}

#[tokio::test]
async fn a_cancelled_ci_job_is_made_good_by_the_next_one() {
    series(&[End::Cancel], 2).await;
}
