//! The one-writer protocol, explored exhaustively: the code that runs on S3, on a store whose every operation waits for
//! the explorer to let it happen.
//!
//! Two processes open the ledger, append and give the lock back. The explorer tries every order of their operations, a
//! crash of one of them at every point, a lost answer at every point, and a pause long enough for the lease to run out
//! at every point. Runs that reach the same store with the same answers seen are explored once.

mod world;

use super::real;
use payhook::state::ledger::{From, Ledger, read};
use payhook::state::{Ending, Holder, Record, StateError};
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use world::{Answer, Broken, Desk, View, World};

/// Longer than any lease.
const LONG: Duration = Duration::from_secs(100);

/// What one process has lived through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Life {
    /// Records that it was told are durable, in order.
    acknowledged: Vec<u64>,
    ended: bool,
    fenced: bool,
    held: bool,
    /// What it met that nobody may ever meet.
    violation: Option<String>,
}

fn record(run: u64) -> Record {
    Record::Ended {
        run,
        at: "2026-01-01T00:00:00Z".to_owned(),
        ending: Ending::Completed,
    }
}

fn run_of(record: &Record) -> Option<u64> {
    match record {
        Record::Ended { run, .. } => Some(*run),
        _ => None,
    }
}

/// Opens, appends twice, gives the lock back; comes again when somebody else holds it.
async fn work(view: View, who: u64, force: bool, life: Arc<Mutex<Life>>) {
    let holder = Holder {
        pid: who as u32,
        ..real::holder("deploy")
    };
    let token = format!("process-{who}");
    let opened = Ledger::open(Arc::new(view), "dev", &holder, &token, &|_| None, force).await;
    let mut ledger = match opened {
        Ok(ledger) => ledger,
        Err(error) => return end(&life, &error),
    };
    for n in 0..2 {
        let run = who * 10 + n;
        match ledger.append(vec![record(run)]).await {
            Ok(()) => life.lock().expect("a life").acknowledged.push(run),
            Err(error) => return end(&life, &error),
        }
    }
    let _ = ledger.release().await;
    life.lock().expect("a life").ended = true;
}

fn end(life: &Mutex<Life>, error: &StateError) {
    let mut life = life.lock().expect("a life");
    life.ended = true;
    life.fenced = matches!(error, StateError::Fenced { .. });
    life.held = matches!(error, StateError::Held { .. });
    let expected = life.fenced || life.held || matches!(error, StateError::Remote { .. });
    life.violation = (!expected).then(|| error.to_string());
}

/// What the explorer lets happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Move {
    /// The process's next operation takes place and is answered.
    Step(usize),
    /// It takes place, and the answer is lost.
    Lose(usize),
    /// The process stops for good before it.
    Crash(usize),
    /// Time passes, for all of them: longer than a lease.
    Wait,
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

struct Process {
    desk: Arc<Mutex<Desk>>,
    life: Arc<Mutex<Life>>,
    task: Option<Task>,
    seen: DefaultHasher,
}

/// One run of the two processes along a list of moves.
struct Run {
    world: Arc<Mutex<World>>,
    processes: Vec<Process>,
    faults: Faults,
}

/// How many of each may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Faults {
    crashes: usize,
    losses: usize,
    waits: usize,
    /// The second process takes the lock from a live holder.
    unlock: bool,
    /// What the store does not keep to, so that the check can be seen to fail.
    broken: Option<Broken>,
}

impl Run {
    fn new(faults: Faults) -> Self {
        let world = Arc::new(Mutex::new(World::new(faults.broken)));
        let processes = (0..2).map(|n| {
            let (desk, life) = (Arc::<Mutex<Desk>>::default(), Arc::<Mutex<Life>>::default());
            let view = View {
                desk: desk.clone(),
                world: world.clone(),
            };
            let mut process = Process {
                task: Some(Box::pin(work(
                    view,
                    n + 1,
                    faults.unlock && n == 1,
                    life.clone(),
                ))),
                desk,
                life,
                seen: DefaultHasher::new(),
            };
            process.go_on();
            process
        });
        Self {
            processes: processes.collect(),
            world,
            faults,
        }
    }

    fn moves(&self) -> Vec<Move> {
        let alive: Vec<usize> = (0..2)
            .filter(|n| self.processes[*n].task.is_some())
            .collect();
        let mut moves: Vec<Move> = alive.iter().map(|n| Move::Step(*n)).collect();
        if self.faults.losses > 0 {
            moves.extend(alive.iter().map(|n| Move::Lose(*n)));
        }
        if self.faults.crashes > 0 {
            moves.extend(alive.iter().map(|n| Move::Crash(*n)));
        }
        if self.faults.waits > 0 && !alive.is_empty() {
            moves.push(Move::Wait);
        }
        moves
    }

    fn make(&mut self, made: Move) {
        match made {
            Move::Step(n) => self.processes[n].step(&self.world, false),
            Move::Lose(n) => {
                self.faults.losses -= 1;
                self.processes[n].step(&self.world, true);
            }
            Move::Crash(n) => {
                self.faults.crashes -= 1;
                self.processes[n].task = None;
            }
            Move::Wait => {
                self.faults.waits -= 1;
                self.world.lock().expect("a world").now += LONG;
            }
        }
    }

    /// Equal for runs that can only go on in the same way.
    fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let world = self.world.lock().expect("a world");
        world.objects.hash(&mut hasher);
        world.now.hash(&mut hasher);
        self.faults.hash(&mut hasher);
        for process in &self.processes {
            process.seen.finish().hash(&mut hasher);
            process.task.is_some().hash(&mut hasher);
            process.life.lock().expect("a life").hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What must hold at every moment: what was acknowledged counts, in one order, each once.
    fn check(&self) -> Result<(), String> {
        let lines = self.contents().map_err(|error| error.to_string())?;
        let runs: Vec<u64> = lines.iter().filter_map(run_of).collect();
        let distinct: HashSet<&u64> = runs.iter().collect();
        if distinct.len() != runs.len() {
            return Err(format!("a record counts twice: {runs:?}"));
        }
        let mut writers: Vec<u64> = runs.iter().map(|run| run / 10).collect();
        writers.dedup();
        if writers.len() > 2 {
            return Err(format!("two writers at once: {runs:?}"));
        }
        for process in &self.processes {
            let life = process.life.lock().expect("a life");
            if let Some(violation) = &life.violation {
                return Err(violation.clone());
            }
            if let Some(lost) = life.acknowledged.iter().find(|run| !runs.contains(run)) {
                return Err(format!("record {lost} is lost: {runs:?}"));
            }
        }
        Ok(())
    }

    fn contents(&self) -> Result<Vec<Record>, StateError> {
        let desk = Arc::<Mutex<Desk>>::default();
        let view = View {
            desk: desk.clone(),
            world: self.world.clone(),
        };
        let mut reading = Box::pin(async move { read(&view, "dev", From::Newest).await });
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(contents) = reading.as_mut().poll(&mut context) {
                return Ok(contents?
                    .lines
                    .into_iter()
                    .map(|line| line.record)
                    .collect());
            }
            let (ticket, ask) = desk.lock().expect("a desk").next().expect("it asks");
            let answer = self.world.lock().expect("a world").carry_out(ask);
            desk.lock().expect("a desk").answer(ticket, answer);
        }
    }
}

impl Process {
    fn go_on(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        if let Some(task) = &mut self.task
            && task.as_mut().poll(&mut context).is_ready()
        {
            self.task = None;
        }
    }

    fn step(&mut self, world: &Mutex<World>, lose: bool) {
        let Some((ticket, ask)) = self.desk.lock().expect("a desk").next() else {
            panic!("a process waits for nothing");
        };
        let mut answer = world.lock().expect("a world").carry_out(ask);
        if lose {
            answer = Answer::Lost;
        }
        answer.hash(&mut self.seen);
        self.desk.lock().expect("a desk").answer(ticket, answer);
        self.go_on();
    }
}

/// Tries every order of moves; answers with the number of different states and of runs that ended, or with the first
/// violation and how it came about.
fn explore(faults: Faults) -> Result<(usize, usize), String> {
    let (mut known, mut ended) = (HashSet::new(), 0);
    let mut waiting: Vec<Vec<Move>> = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let mut run = Run::new(faults);
        path.iter().for_each(|made| run.make(*made));
        if !known.insert(run.state()) {
            continue;
        }
        let after = |violation| format!("{violation} after {path:?}");
        run.check().map_err(after)?;
        let moves = run.moves();
        if moves.is_empty() {
            ended += 1;
            one_more_comes_to_its_end(&run).map_err(after)?;
        }
        assert!(path.len() < 200, "it never ends: {path:?}");
        waiting.extend(moves.into_iter().map(|made| [&path[..], &[made]].concat()));
    }
    Ok((known.len(), ended))
}

/// Whatever has happened: once the lease is over a third process gets its turn, and nothing acknowledged is lost.
fn one_more_comes_to_its_end(run: &Run) -> Result<(), String> {
    run.world.lock().expect("a world").now += LONG;
    let (desk, life) = (Arc::<Mutex<Desk>>::default(), Arc::<Mutex<Life>>::default());
    let view = View {
        desk: desk.clone(),
        world: run.world.clone(),
    };
    let mut third = Process {
        task: Some(Box::pin(work(view, 3, false, life.clone()))),
        desk,
        life,
        seen: DefaultHasher::new(),
    };
    third.go_on();
    while third.task.is_some() {
        third.step(&run.world, false);
    }
    let life = third.life.lock().expect("a life").clone();
    if life.acknowledged != [30, 31] {
        return Err(format!("a third process gets nowhere: {life:?}"));
    }
    let contents = run.contents().map_err(|error| error.to_string())?;
    let runs: Vec<u64> = contents.iter().filter_map(run_of).collect();
    match runs.ends_with(&[30, 31]) {
        true => Ok(()),
        false => Err(format!("what the third wrote is not last: {runs:?}")),
    }
}

const ONE_CRASH_ONE_PAUSE: Faults = Faults {
    crashes: 1,
    losses: 0,
    waits: 1,
    unlock: false,
    broken: None,
};

fn holds(faults: Faults) {
    let (states, ends) = explore(faults).expect("no violation");
    println!("{states} states, {ends} ends");
    assert!(states > 1_000 && ends > 50, "{states} states, {ends} ends");
}

#[test]
fn two_writers_one_crash_and_one_pause_never_count_together_lose_a_record_or_stand_still() {
    holds(ONE_CRASH_ONE_PAUSE);
}

#[test]
fn a_lost_answer_beside_a_pause_never_lets_two_writers_count_or_loses_a_record() {
    holds(Faults {
        crashes: 0,
        losses: 1,
        ..ONE_CRASH_ONE_PAUSE
    });
}

#[test]
fn whoever_is_unlocked_at_any_moment_never_counts_beside_the_next_and_loses_no_record() {
    holds(Faults {
        waits: 0,
        unlock: true,
        ..ONE_CRASH_ONE_PAUSE
    });
}

#[test]
fn the_check_finds_a_violation_wherever_the_protocol_is_broken_on_purpose() {
    for broken in [Broken::NoFence, Broken::Overwrites, Broken::OldLists] {
        for unlock in [false, true] {
            let faults = Faults {
                unlock,
                broken: Some(broken),
                ..ONE_CRASH_ONE_PAUSE
            };
            let violation = explore(faults).expect_err("a protocol without this rule is not safe");
            println!("{broken:?}: {violation}");
        }
    }
}
