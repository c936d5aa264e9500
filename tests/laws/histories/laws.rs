//! The laws at the end of a history.

use super::check::{Check, LATER, Law, law};
use super::mishap::Mishap;
use super::process::Verb;
use super::shape::{self, Wanted};
use payhook::engine::{Outcome, observe_entries};
use payhook::graph::LogicalName;
use payhook::plan;
use payhook::resources::{Kind, definition};
use payhook::state::{Entry, State, Way};
use tokio::time::sleep;

/// Whether a path is of that property.
fn of(path: &str, property: &str) -> bool {
    path.split(['.', '[']).next() == Some(property)
}

impl Check<'_> {
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
        let refused = self.place.cloud.throttles();
        self.converges("again").await?;
        let mutations = self.place.cloud.mutations();
        law(mutations == 0, || {
            format!("a second deploy made {mutations} changes")
        })?;
        let after = self.place.journal.bytes();
        law(before == after, || {
            "a second deploy wrote to the journal".to_owned()
        })?;
        // One wave: each is read once, again only where AWS refused it for coming too fast, and nothing else is asked.
        let refused = self.place.cloud.throttles() - refused;
        let calls = self.place.cloud.calls();
        let mut asked: Vec<String> = calls
            .iter()
            .map(|c| format!("{} {}", c.verb, c.resource))
            .collect();
        asked.sort_unstable();
        asked.dedup();
        let graph = self.graph();
        let mut wave: Vec<String> = graph.nodes().map(|n| format!("read {}", n.name)).collect();
        wave.sort_unstable();
        let wanted = asked == wave && calls.len() <= wave.len() + refused;
        // Of what stands in nothing, nobody knows that it is all.
        law(wanted || wave.is_empty(), || {
            format!("a second deploy asked {} times, for {asked:?}", calls.len())
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
