//! Crash-exact: every boundary of every verb is once the last thing that happens; the next run then ends as if nothing
//! had been.
//!
//! The boundaries of a run are: before and after each write of the journal, and in the middle of one; before each call,
//! after it took effect with nobody left to hear of it, and after it took effect with an answer that never came. A
//! reply that was received and not recorded is a write of the journal that was not begun.

use crate::rollback::{deployed_twice, next, plan_of_rollback, try_rollback, way_back};
use crate::standing::{assert_same, outputs, standing};
use crate::world::{World, dies};
use payhook::engine::Outcome;
use payhook::memory::{Fault, Power, Tear};
use payhook::plan::{Action, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Until everything is visible everywhere and all rates have recovered.
const REST: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Deploy,
    /// A deploy that changes in place and nothing else.
    Update,
    /// A deploy that replaces and deletes.
    Replace,
    Destroy,
    Rollback,
}

impl Verb {
    /// The world just before the run, and what else may be deployed there.
    async fn before(self) -> (World, Option<World>) {
        let worlds = match self {
            Self::Deploy => (World::new(), None),
            Self::Rollback => {
                let (first, second, _) = deployed_twice().await;
                (first, Some(second))
            }
            Self::Update | Self::Replace | Self::Destroy => {
                let world = World::new();
                world.deploy().await;
                let before = match self {
                    Self::Update => updated(&world),
                    Self::Replace => replaced(&world),
                    _ => world.clone(),
                };
                (before, Some(world))
            }
        };
        tokio::time::sleep(REST).await;
        worlds
    }

    async fn run(self, world: &World) -> Outcome {
        match self {
            Self::Destroy => world.try_destroy().await,
            Self::Rollback => {
                let good = way_back(world).await.expect("there is a way back");
                try_rollback(world, &good).await
            }
            Self::Deploy | Self::Update | Self::Replace => world.try_deploy().await,
        }
    }

    /// What it would do now; a destroy is asked about whatever it does.
    async fn plan(self, world: &World) -> Plan {
        match self {
            Self::Destroy => Plan::default(),
            Self::Rollback => {
                let good = way_back(world).await.expect("there is a way back");
                plan_of_rollback(world, &good).await.0
            }
            Self::Deploy | Self::Update | Self::Replace => world.preview().await,
        }
    }

    async fn completes(self, world: &World, at: &str) {
        let outcome = self.run(world).await;
        assert!(matches!(outcome, Outcome::Completed), "{at}: {outcome:?}");
    }
}

fn updated(world: &World) -> World {
    let mut updated = world.clone();
    let sha = "sha-new".to_owned();
    updated.artifacts.insert("payment-processor".into(), sha);
    updated.tags.insert("team".into(), "payments".into());
    updated
}

fn replaced(world: &World) -> World {
    let mut replaced = next(world);
    // Content that another description gives the API is another deployment of it.
    for node in replaced.graph.clone().nodes() {
        if node.kind == "rest-api" {
            let mut node = node.clone();
            node.properties["description"] = "Another".into();
            replaced.graph.insert(node);
        }
    }
    let stream = |properties: &mut serde_json::Value, _: &mut _| {
        properties["stream"] = "KEYS_ONLY".into();
    };
    assert!(replaced.cloud.tamper("payments", stream));
    replaced
}

/// What would be asked about.
fn losses(plan: &Plan) -> BTreeSet<String> {
    let losing = plan.steps.iter().filter(|step| step.loses.is_some());
    losing.map(|step| step.resource.to_string()).collect()
}

/// The run that nothing cuts, and what it comes to.
struct Whole {
    verb: Verb,
    before: World,
    /// What somebody may deploy instead of going back.
    instead: Option<World>,
    writes: usize,
    /// The numbers of the calls that may change something.
    changing: Vec<usize>,
    losses: BTreeSet<String>,
    standing: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl Whole {
    async fn of(verb: Verb) -> Self {
        let (before, instead) = verb.before().await;
        let losses = losses(&verb.plan(&before).await);
        let world = before.fork();
        world.cloud.forget_calls();
        verb.completes(&world, "whole").await;
        let calls = world.cloud.calls().into_iter();
        let changing = calls.filter(|call| call.verb != "read");
        Self {
            verb,
            writes: world.store.appends(),
            changing: changing.map(|call| call.number).collect(),
            losses,
            standing: standing(&world).await,
            outputs: outputs(&world).await,
            before,
            instead,
        }
    }

    /// A read has no effect: a crash there is one just before whatever follows it.
    fn boundaries(&self) -> Vec<Boundary> {
        let tears = [Tear::Before, Tear::Torn, Tear::After];
        let writes = (0..self.writes).flat_map(|at| tears.map(|tear| Boundary::Write(at, tear)));
        let faults = [Fault::CrashBefore, Fault::CrashAfter, Fault::AnswerLost];
        let calls = self.changing.iter().flat_map(|at| {
            let boundary = |fault: &Fault| Boundary::Call(*at, fault.clone());
            faults.iter().map(boundary).collect::<Vec<_>>()
        });
        writes.chain(calls).collect()
    }

    /// The world after a run that ended at a boundary, in the same instant.
    async fn cut(&self, boundary: &Boundary) -> World {
        let world = self.before.fork();
        world.cloud.forget_calls();
        let power = Power::default();
        let (cloud, store) = match boundary.clone() {
            Boundary::Write(at, tear) => (
                world.cloud.on(&power),
                world.store.crashing(at, tear, &power),
            ),
            Boundary::Call(at, fault) => {
                let faults = Arc::new(move |n, _: &str, _: &str| (n == at).then(|| fault.clone()));
                let cloud = world.cloud.with_faults(faults);
                (cloud.on(&power), world.store.on(&power))
            }
        };
        let doomed = World {
            cloud,
            store,
            ..world.clone()
        };
        tokio::select! {
            biased;
            () = power.lost() => {}
            outcome = self.verb.run(&doomed) => {
                let survives = matches!(boundary, Boundary::Call(_, Fault::AnswerLost));
                assert!(survives, "{self}, {boundary}: it was to crash");
                assert!(matches!(outcome, Outcome::Completed), "{self}, {boundary}: {outcome:?}");
            }
        }
        World {
            store: world.store.reopened(),
            ..world
        }
    }

    /// The same again ends as the whole run did, asks nothing that it did not ask, and then nothing is left to do.
    async fn goes_on(&self, world: &World, at: &str) {
        let asked = losses(&self.verb.plan(world).await);
        assert!(asked.is_subset(&self.losses), "{at}: asks about {asked:?}");
        self.verb.completes(world, at).await;
        let contents = world.cloud.contents();
        let names: Vec<&String> = contents.keys().collect();
        assert_eq!(contents.len(), self.standing.len(), "{at}: {names:?}");
        assert_same(&standing(world).await, &self.standing, at);
        assert_same(&outputs(world).await, &self.outputs, at);
        world.cloud.forget_calls();
        self.verb.completes(world, at).await;
        assert_eq!(world.cloud.mutations(), 0, "{at}: something was left to do");
        assert_eq!(world.cloud.problems(), Vec::<String>::new(), "{at}");
    }

    /// Who changes his mind after the crash gets what he wants too: another deploy, or nothing.
    async fn turns_elsewhere(&self, world: &World, at: &str) {
        if let Some(instead) = &self.instead {
            let instead = World {
                cloud: world.cloud.fork(),
                store: world.store.fork(),
                ..instead.clone()
            };
            Verb::Deploy.completes(&instead, at).await;
            let count = instead.cloud.contents().len();
            assert_eq!(count, instead.graph.len(), "{at}, instead");
            assert!(instead.preview().await.is_empty(), "{at}, instead");
        }
        let destroyed = world.fork();
        Verb::Destroy.completes(&destroyed, at).await;
        let left = destroyed.cloud.contents();
        assert!(left.is_empty(), "{at}: leaked {:?}", left.keys());
        assert!(destroyed.state().await.is_empty(), "{at}");
        assert_eq!(destroyed.cloud.problems(), Vec::<String>::new(), "{at}");
    }

    /// Where two boundaries leave the same behind, the same follows, and once is enough.
    async fn every_boundary_leads_on(&self) {
        let boundaries = self.boundaries();
        let mut tried = BTreeSet::new();
        for boundary in &boundaries {
            let at = format!("{self}, {boundary}");
            let world = self.cut(boundary).await;
            if tried.insert(left_behind(&world).await) {
                self.turns_elsewhere(&world, &at).await;
                self.goes_on(&world, &at).await;
            }
        }
        let (writes, calls) = (self.writes, self.changing.len());
        println!(
            "{} boundaries of {self}, {} of which differ: before, in and after {writes} writes; before and after \
             {calls} calls, and their answers lost",
            boundaries.len(),
            tried.len()
        );
        assert!(tried.len() > writes, "a write that changes nothing");
    }
}

/// Everything that a run leaves behind: what is on record and what stands.
async fn left_behind(world: &World) -> String {
    let state = world.state().await;
    let state = serde_json::to_string(&state).expect("plain data");
    format!("{state} {:?}", world.cloud.contents())
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.verb)
    }
}

#[derive(Clone, Debug)]
enum Boundary {
    Write(usize, Tear),
    Call(usize, Fault),
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(at, tear) => write!(f, "write {at} {tear:?}"),
            Self::Call(at, fault) => write!(f, "call {at} {fault:?}"),
        }
    }
}

/// Each of a run's boundaries, of a run that does all this and nothing else.
async fn every_boundary_leads_on(verb: Verb, does: &[Action]) {
    let whole = Whole::of(verb).await;
    let plan = match verb {
        Verb::Destroy => whole.before.plan_of_destroy().await,
        _ => verb.plan(&whole.before).await,
    };
    let steps: Vec<_> = plan.steps.iter().filter(|s| s.mutates()).collect();
    let actions: BTreeSet<String> = steps.iter().map(|s| s.action.to_string()).collect();
    assert_eq!(actions, does.iter().map(ToString::to_string).collect());
    // Each step is an intent, at least one call, and a result.
    assert!(whole.writes >= steps.len() * 2 && whole.changing.len() >= steps.len());
    whole.every_boundary_leads_on().await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_cut_at_any_boundary_leads_on() {
    every_boundary_leads_on(Verb::Deploy, &[Action::Create]).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_cut_at_any_boundary_leads_on() {
    every_boundary_leads_on(Verb::Update, &[Action::Update]).await;
}

#[tokio::test(start_paused = true)]
async fn a_replace_cut_at_any_boundary_leads_on() {
    use Action::{Delete, Replace, Update};
    every_boundary_leads_on(Verb::Replace, &[Delete, Replace, Update]).await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_cut_at_any_boundary_leads_on() {
    every_boundary_leads_on(Verb::Destroy, &[Action::Delete]).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_cut_at_any_boundary_leads_on() {
    every_boundary_leads_on(Verb::Rollback, &[Action::Create, Action::Update]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_is_deleted_although_it_is_no_longer_declared() {
    let text = crate::world::CONFIG.replace(
        "[dashboard]\nenabled = true",
        "[dashboard]\nenabled = false",
    );
    let config = payhook::config::Config::parse("infra.toml", &text, Some("dev"), None).unwrap();
    let graph = payhook::stack::Stack::payment_webhooks(&config).graph;
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let world = World::new();
        let power = Power::default();
        let crash = fault.clone();
        let making = move |_, verb: &str, resource: &str| {
            (verb == "put" && resource == "dashboard").then(|| crash.clone())
        };
        let doomed = World {
            cloud: world.cloud.with_faults(Arc::new(making)).on(&power),
            store: world.store.on(&power),
            ..world.clone()
        };
        dies(&power, doomed.try_deploy()).await;
        let smaller = World {
            graph: graph.clone(),
            store: world.store.reopened(),
            ..world
        };
        smaller.deploy().await;
        let contents = smaller.cloud.contents();
        assert_eq!(
            contents.len(),
            smaller.graph.len(),
            "{fault:?}: {:?}",
            contents.keys()
        );
        assert!(smaller.preview().await.is_empty(), "{fault:?}");
        smaller.destroy().await;
        assert!(smaller.state().await.is_empty());
        assert!(smaller.cloud.contents().is_empty());
    }
}
