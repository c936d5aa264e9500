//! One environment through a history, and the laws at its end.

use super::Part;
use super::mishap::Mishap;
use super::process::{End, Place, Task, Verb};
use super::shape::{self, Slot, Wanted};
use payhook::engine::{EngineError, Outcome, observe_entries, survey, survey_if_lost};
use payhook::graph::{Graph, LogicalName};
use payhook::plan::{self, Facts, Plan};
use payhook::resources::{Kind, definition};
use payhook::state::{Entry, Record, State, StateError, Way};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

/// By then everything that was made shows itself to everybody.
const LATER: Duration = Duration::from_secs(300);

pub struct Check<'a> {
    place: Place,
    slots: &'a [Slot],
    /// What was wanted last.
    wanted: Wanted,
    /// What stood when the state was lost, until a run has found it again.
    lost: Option<Wanted>,
    /// The journal as it was read last, and the state that it comes to.
    read: RefCell<Option<(Vec<u8>, State)>>,
}

type Law = Result<(), String>;

/// Whether a path is of that property.
fn of(path: &str, property: &str) -> bool {
    path.split(['.', '[']).next() == Some(property)
}

fn law(holds: bool, broken: impl FnOnce() -> String) -> Law {
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

    fn graph(&self) -> Graph {
        shape::graph(self.slots, &self.wanted)
    }

    async fn facts(&self) -> Facts {
        self.place.facts(self.wanted.tagged).await
    }

    async fn state(&self) -> State {
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

    fn everything(&self, wanted: &Wanted) -> Graph {
        shape::everything(self.slots, wanted, self.lost.as_ref())
    }

    /// What an infra.toml says from now on.
    fn want(&mut self, wanted: &Wanted) {
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

    async fn go(&self, verb: &Verb, mishap: &Mishap) -> End {
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
    fn lift_quotas(&self) {
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
            let state = Box::new(self.rebuilt().await?);
            let record = Record::Snapshot { state };
            self.place.journal.append(&record).await.expect("recorded");
        }
        self.lost = (!rebuilt).then(|| self.wanted.clone());
        Ok(())
    }

    async fn rebuilt(&self) -> Result<State, String> {
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

    async fn converges(&self, when: &str) -> Law {
        let end = self.go(&Verb::Deploy, &Mishap::Nothing).await;
        law(matches!(end, Some(Ok(Outcome::Completed))), || {
            format!("no way on {when}: {end:?}")
        })?;
        self.completed(&Verb::Deploy, &self.state().await)
    }

    async fn preview(&self) -> Result<Plan, String> {
        let (graph, facts, state) = (self.graph(), self.facts().await, self.state().await);
        let everything = self.everything(&self.wanted);
        let found = survey_if_lost(&self.place.cloud, &graph, &everything, &state, &facts).await;
        let found = found.map_err(|error| error.to_string())?;
        let known = plan::with_strays(&state, &graph, &found.strays);
        plan::build(&graph, &known, &found.seen, &facts).map_err(|error| error.to_string())
    }

    pub async fn every_law(&mut self, last: &Wanted, drift: (u8, u8)) -> Law {
        self.lift_quotas();
        self.want(last);
        self.converges("from here").await?;
        sleep(LATER).await;
        self.nothing_is_left_to_do().await?;
        self.nothing_is_twice_or_too_much().await?;
        self.drift_is_exact(drift).await?;
        self.lost_state_is_the_same().await?;
        self.destroy_is_complete().await?;
        let breaches = self.place.breaches();
        law(breaches.is_empty(), || breaches.join("; "))
    }

    async fn nothing_is_left_to_do(&self) -> Law {
        let plan = self.preview().await?;
        law(plan.is_empty(), || {
            let steps = plan.steps.iter().filter(|step| step.mutates());
            let steps = steps.map(|s| format!("{} {}: {}", s.action, s.resource, s.reason));
            format!("the preview shows {}", steps.collect::<Vec<_>>().join("; "))
        })?;
        let before = self.place.journal.bytes();
        self.converges("again").await?;
        let mutations = self.place.cloud.mutations();
        law(mutations == 0, || {
            format!("a second deploy made {mutations} changes")
        })?;
        let after = self.place.journal.bytes();
        law(before == after, || {
            "a second deploy wrote to the journal".to_owned()
        })
    }

    async fn nothing_is_twice_or_too_much(&self) -> Law {
        let contents = self.place.cloud.contents();
        let state = self.state().await;
        // AWS does not keep what a snapshot of an API is called: it is whoever's has it on record.
        let recorded = |id: &str| {
            let mut entries = state.entries.iter();
            let snapshot = |e: &Entry| {
                let of = |property: &str| e.properties[property].as_str().unwrap_or_default();
                e.kind == Kind::ApiDeployment
                    && id == format!("{}/{}/{}", e.kind, of("api"), of("content"))
            };
            entries.find_map(|(name, e)| snapshot(e).then(|| name.to_string()))
        };
        let called =
            |(id, (name, _)): (&String, &(String, _))| recorded(id).unwrap_or(name.clone());
        let mut standing: Vec<String> = contents.iter().map(called).collect();
        standing.sort_unstable();
        let graph = self.graph();
        let mut wanted: Vec<&str> = graph.nodes().map(|node| node.name.as_str()).collect();
        wanted.sort_unstable();
        law(standing == wanted, || {
            format!(
                "{standing:?} stand instead of {wanted:?}: {:?}",
                contents.keys()
            )
        })?;
        let problems = self.place.cloud.problems();
        law(problems.is_empty(), || problems.join("; "))
    }

    /// One property is changed by hand: it is reported, nothing else is, and a deploy takes it back.
    async fn drift_is_exact(&self, (slot, which): (u8, u8)) -> Law {
        let state = self.state().await;
        law(self.drift(&state).await?.is_empty(), || {
            "drift without a change".to_owned()
        })?;
        let slot = usize::from(slot) % self.slots.len();
        let name = LogicalName::from(shape::name(slot).as_str());
        let Some(change) = shape::change(self.slots, slot, which) else {
            return Ok(());
        };
        let Some(entry) = state.entries.get(&name) else {
            return Ok(());
        };
        let rules = definition(entry.kind);
        let mut changed = entry.properties.clone();
        shape::set(&mut changed, &change.pointer, &change.value);
        if rules.canonical(&changed) == entry.properties {
            return Ok(());
        }
        self.place.cloud.tamper(name.as_str(), |properties, _| {
            properties.clone_from(&changed);
        });
        let top = change.pointer.split('/').nth(1).unwrap_or_default();
        // One property may hold another: a key that is not rotated has no period.
        let differing = plan::changes(&entry.properties, &rules.canonical(&changed));
        let found = self.drift(&state).await?;
        let named = found.iter().any(|(_, property)| of(property, top));
        let exact = found.iter().all(|(n, property)| {
            *n == name && (of(property, top) || differing.iter().any(|c| c.property == *property))
        });
        law(exact && named, || {
            format!(
                "{name}{} was changed, reported is {found:?}",
                change.pointer
            )
        })?;
        self.converges("after a change by hand").await?;
        sleep(LATER).await;
        self.nothing_is_left_to_do().await?;
        self.nothing_is_twice_or_too_much().await
    }

    async fn drift(&self, state: &State) -> Result<Vec<(LogicalName, String)>, String> {
        let seen = observe_entries(&self.place.cloud, &state.entries).await;
        let seen = seen.map_err(|error| error.to_string())?;
        let drift = plan::drift(state, &seen);
        let mut found = Vec::new();
        for drifted in drift.drifted {
            if drifted.gone || drifted.condition.is_some() {
                found.push((drifted.resource.clone(), "gone".to_owned()));
            }
            let properties = drifted.changes.into_iter().map(|change| change.property);
            found.extend(properties.map(|property| (drifted.resource.clone(), property)));
        }
        Ok(found)
    }

    async fn lost_state_is_the_same(&self) -> Law {
        let plain = |state: State| State {
            run: 0,
            way: Way::default(),
            ..state
        };
        let (kept, rebuilt) = (plain(self.state().await), plain(self.rebuilt().await?));
        // An environment in which nothing ever stood has no place yet.
        let same = kept == rebuilt || kept.is_empty() && rebuilt.is_empty();
        law(same, || {
            format!("rebuilt {rebuilt:#?} instead of {kept:#?}")
        })
    }

    async fn destroy_is_complete(&self) -> Law {
        let end = self.go(&Verb::Destroy, &Mishap::Nothing).await;
        law(matches!(end, Some(Ok(Outcome::Completed))), || {
            format!("destroy does not go on: {end:?}")
        })?;
        let left = self.place.cloud.contents();
        law(left.is_empty(), || {
            format!("destroy leaves {:?}", left.keys())
        })?;
        let state = self.state().await;
        law(state.is_empty(), || {
            format!("destroy leaves in the state {state:?}")
        })
    }
}
