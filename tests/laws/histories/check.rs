//! One environment through a history.

use super::Part;
use super::mishap::Mishap;
use super::process::{End, Place, Task, Verb};
use super::shape::{self, Slot, Wanted};
use payhook::engine::{EngineError, Outcome, survey, survey_if_lost};
use payhook::graph::{Graph, LogicalName};
use payhook::plan::{self, Facts, Plan};
use payhook::resources::Kind;
use payhook::state::{Record, State, StateError, Way};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

/// By then everything that was made shows itself to everybody.
pub const LATER: Duration = Duration::from_secs(300);

pub struct Check<'a> {
    pub place: Place,
    pub slots: &'a [Slot],
    /// What was wanted last.
    wanted: Wanted,
    /// What stood when the state was lost, until a run has found it again.
    lost: Option<Wanted>,
    /// The journal as it was read last, and the state that it comes to.
    read: RefCell<Option<(Vec<u8>, State)>>,
}

pub type Law = Result<(), String>;

pub fn law(holds: bool, broken: impl FnOnce() -> String) -> Law {
    match holds {
        true => Ok(()),
        false => Err(broken()),
    }
}

impl<'a> Check<'a> {
    pub fn begin(seed: u64, slots: &'a [Slot], shared: bool) -> Self {
        Self {
            place: Place::new(seed, shared),
            slots,
            wanted: Wanted {
                declared: 0,
                tweaks: Vec::new(),
                wiring: 0,
                tagged: false,
                renamed: 0,
            },
            lost: None,
            read: RefCell::default(),
        }
    }

    pub fn graph(&self) -> Graph {
        shape::graph(self.slots, &self.wanted)
    }

    pub async fn facts(&self) -> Facts {
        self.place.facts(self.wanted.tagged).await
    }

    pub async fn state(&self) -> State {
        let bytes = self.place.journal.bytes();
        if let Some((of, state)) = &*self.read.borrow()
            && *of == bytes
        {
            return state.clone();
        }
        let state = self.place.journal.load().await;
        *self.read.borrow_mut() = Some((bytes, state.clone()));
        state
    }

    /// What an infra.toml can say, as things are.
    fn wanting(&self, wanted: &Wanted) -> Wanted {
        match &self.lost {
            Some(before) => shape::recognisable(self.slots, before, wanted),
            None => wanted.clone(),
        }
    }

    pub fn everything(&self, wanted: &Wanted) -> Graph {
        shape::everything(self.slots, wanted, self.lost.as_ref())
    }

    /// What an infra.toml says from now on.
    pub fn want(&mut self, wanted: &Wanted) {
        self.wanted = self.wanting(wanted);
    }

    pub async fn run(&mut self, verb: &Verb, wanted: &Wanted, mishap: &Mishap) -> Law {
        if matches!(verb, Verb::Deploy) {
            self.want(wanted);
        }
        let end = self.go(verb, mishap).await;
        self.ended(verb, &end).await
    }

    /// Two processes at once: one of them writes at a time.
    pub async fn both(&mut self, first: &Part, second: &Part, after: u16, patient: bool) -> Law {
        let before = self.wanted.clone();
        let wants = [first, second].map(|part| match part.verb {
            Verb::Deploy => self.wanting(&part.wanted),
            _ => before.clone(),
        });
        let graphs = wants
            .clone()
            .map(|wanted| shape::graph(self.slots, &wanted));
        let everything = wants.clone().map(|wanted| self.everything(&wanted));
        let facts = [
            self.place.facts(wants[0].tagged).await,
            self.place.facts(wants[1].tagged).await,
        ];
        let parts = [first, second];
        let task = |number: usize| Task {
            verb: &parts[number].verb,
            graph: &graphs[number],
            everything: &everything[number],
            facts: &facts[number],
            mishap: &parts[number].mishap,
        };
        let after = Duration::from_millis(after.into());
        let (ends, wrote) = self.place.both([&task(0), &task(1)], after, patient).await;
        for (number, end) in ends.iter().enumerate().filter(|(n, _)| !wrote.contains(n)) {
            let held = matches!(
                end,
                None | Some(Err(EngineError::State(StateError::Held { .. })))
            );
            law(held, || {
                format!("process {number} did not write, and ended with {end:?}")
            })?;
        }
        for number in &wrote {
            let part = parts[*number];
            if matches!(part.verb, Verb::Deploy) {
                self.wanted = wants[*number].clone();
            }
            match wrote.last() == Some(number) {
                true => self.ended(&part.verb, &ends[*number]).await?,
                false => self.found(&part.verb, &ends[*number]),
            }
        }
        Ok(())
    }

    /// A run that ends well has put on record all that stands.
    fn found(&mut self, verb: &Verb, end: &End) {
        if matches!(end, Some(Ok(Outcome::Completed))) && !matches!(verb, Verb::Rollback) {
            self.lost = None;
        }
    }

    async fn ended(&mut self, verb: &Verb, end: &End) -> Law {
        self.found(verb, end);
        match end {
            Some(Ok(Outcome::Completed)) => self.completed(verb, &self.state().await),
            _ => Ok(()),
        }
    }

    pub async fn go(&self, verb: &Verb, mishap: &Mishap) -> End {
        let (graph, facts) = (self.graph(), self.facts().await);
        let task = Task {
            verb,
            graph: &graph,
            everything: &self.everything(&self.wanted),
            facts: &facts,
            mishap,
        };
        self.place.run(&task).await
    }

    /// Whoever says that it has completed has done everything and recorded it.
    fn completed(&self, verb: &Verb, state: &State) -> Law {
        let open = self.place.open();
        law(open.is_empty(), || {
            format!("{verb:?} completed with {open:?} open")
        })?;
        let names: BTreeSet<_> = state.entries.keys().map(LogicalName::as_str).collect();
        let graph = self.graph();
        let wanted: BTreeSet<_> = match verb {
            Verb::Deploy => graph.nodes().map(|node| node.name.as_str()).collect(),
            Verb::Destroy => BTreeSet::new(),
            Verb::Rollback => names.clone(),
        };
        law(names == wanted, || {
            format!("{verb:?} completed with {names:?} instead of {wanted:?}")
        })
    }

    pub fn change_by_hand(&self, slot: u8, which: u8) {
        let slot = usize::from(slot) % self.slots.len();
        if let Some(change) = shape::change(self.slots, slot, which) {
            self.place
                .cloud
                .tamper(&shape::name(slot), |properties, _| {
                    shape::set(properties, &change.pointer, &change.value);
                });
        }
    }

    pub async fn remove_by_hand(&self, slot: u8) {
        let slot = usize::from(slot) % self.slots.len();
        self.place.cloud.remove(&shape::name(slot));
    }

    pub fn limit(&self, kind: Kind, most: u8) {
        self.place.cloud.limit(kind, Some(most.into()));
    }

    /// AWS has raised what was too little.
    pub fn lift_quotas(&self) {
        for kind in Kind::ALL {
            self.place.cloud.limit(*kind, None);
        }
    }

    /// Loses the state of what stands as it is wanted.
    pub async fn lose_state(&mut self, rebuilt: bool) -> Law {
        self.lift_quotas();
        self.converges("before the state is lost").await?;
        sleep(LATER).await;
        self.place.journal.lose();
        if rebuilt {
            let found = self.rebuilt().await?;
            let at = "2026-01-01T00:00:00Z".to_owned();
            let way = Way::starting(found.run, at, found.entries.clone());
            let state = Box::new(State { way, ..found });
            let record = Record::Snapshot { state };
            self.place.journal.append(&record).await.expect("recorded");
        }
        self.lost = (!rebuilt).then(|| self.wanted.clone());
        Ok(())
    }

    pub async fn rebuilt(&self) -> Result<State, String> {
        let (graph, facts, none) = (self.graph(), self.facts().await, State::default());
        let everything = self.everything(&self.wanted);
        let found = survey(&self.place.cloud, &graph, &everything, &none, &facts).await;
        let found = found.map_err(|error| error.to_string())?;
        let rebuilt = plan::rebuild(&graph, &found.seen, &facts);
        let rebuilt = rebuilt.map_err(|error| error.to_string())?;
        law(rebuilt.foreign.is_empty(), || {
            "ours is taken for foreign".to_owned()
        })?;
        Ok(plan::with_strays(&rebuilt.state, &graph, &found.strays))
    }

    pub async fn converges(&self, when: &str) -> Law {
        let end = self.go(&Verb::Deploy, &Mishap::Nothing).await;
        law(matches!(end, Some(Ok(Outcome::Completed))), || {
            format!("no way on {when}: {end:?}")
        })?;
        self.completed(&Verb::Deploy, &self.state().await)
    }

    pub async fn preview(&self) -> Result<Plan, String> {
        let (graph, facts, state) = (self.graph(), self.facts().await, self.state().await);
        let everything = self.everything(&self.wanted);
        let found = survey_if_lost(&self.place.cloud, &graph, &everything, &state, &facts).await;
        let found = found.map_err(|error| error.to_string())?;
        let known = plan::with_strays(&state, &graph, &found.strays);
        plan::build(&graph, &known, &found.seen, &facts).map_err(|error| error.to_string())
    }
}
