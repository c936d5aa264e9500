use super::super::lock::LockWait;
use super::super::refusal::Misuse;
use super::super::{Context, Exit};
use crate::config::StateBackend;
use crate::state::{Record, State, Store, fold};
use clap::Args;
use clap::builder::PossibleValue;
use serde_json::json;

/// Take the state of an environment from one backend to the other.
///
/// Both are locked meanwhile. Interrupted anywhere, the same command goes on. Afterwards only the new place counts: set
/// `backend` under [state] in infra.toml to it.
#[derive(Debug, Args)]
pub struct Move {
    /// Where to.
    #[arg(long, value_name = "BACKEND")]
    to: StateBackend,
    #[command(flatten)]
    lock: LockWait,
}

impl clap::ValueEnum for StateBackend {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Local, Self::S3]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl Move {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let from = match self.to {
            StateBackend::Local => StateBackend::S3,
            StateBackend::S3 => StateBackend::Local,
        };
        let (source, target) = (
            context.place_in(from).await?,
            context.place_in(self.to).await?,
        );
        for place in [&source, &target] {
            if let super::super::backend::Place::S3(bucket) = place {
                bucket.guard().await?;
            }
        }
        let source = context.lock_in(&source, "state move", self.lock).await?;
        let target = match context.lock_in(&target, "state move", self.lock).await {
            Ok(target) => target,
            Err(error) => return source.release(context, Err(error)).await,
        };
        let done = take(context.env(), (from, &*source), (self.to, &*target)).await;
        let done = target.release(context, done).await;
        let resources = source.release(context, done).await?;
        self.say(context, resources);
        Ok(Exit::Done)
    }

    fn say(&self, context: &Context, resources: usize) {
        let (ui, env, to) = (&context.ui, context.env(), self.to.as_str());
        if ui.is_json() {
            return ui.json(
                &json!({"event": "stateMoved", "env": env, "to": to, "resources": resources}),
            );
        }
        ui.say(format!(
            "The state of {env} is in `{to}` now ({resources} resources)."
        ));
        if context.config.state.backend != self.to {
            ui.say(format!(
                "\nNext: set backend = \"{to}\" under [state] in infra.toml."
            ));
        }
    }
}

/// The copy first, which does not count yet, then the mark that the original counts no more, then the one that the copy
/// does: at no moment do both count, and the same command goes on from any of them.
async fn take(
    env: &str,
    (from, source): (StateBackend, &dyn Store),
    (to, target): (StateBackend, &dyn Store),
) -> anyhow::Result<usize> {
    let mut original = fold(source.history().await?);
    let copy = fold(target.history().await?);
    if original.arriving.is_some() {
        // A move the other way was cut off, and either had not taken effect or lacks its last mark.
        if copy.moved.as_deref() != Some(from.as_str()) {
            return Ok(copy.entries.len());
        }
        source.append(&Record::Settled).await?;
        original.arriving = None;
    }
    let gone = original.moved.as_deref() == Some(to.as_str());
    if !gone && original != State::default() {
        if copy.arriving.is_none() && copy.moved.is_none() && !copy.is_empty() {
            return Err(two_states(env, from, to).into());
        }
        let state = Box::new(original.clone());
        let from = from.as_str().to_owned();
        target.append(&Record::Arrived { from, state }).await?;
        let to = to.as_str().to_owned();
        source.append(&Record::Moved { to }).await?;
    } else if copy.arriving.is_none() {
        return Ok(copy.entries.len());
    }
    target.append(&Record::Settled).await?;
    Ok(fold(target.history().await?).entries.len())
}

fn two_states(env: &str, from: StateBackend, to: StateBackend) -> Misuse {
    let (from, to) = (from.as_str(), to.as_str());
    Misuse {
        words: format!("there is a state of {env} in `{from}` and another in `{to}`"),
        next: format!(
            "look at both with `payhook state list`, by `backend` under [state] in infra.toml, and remove the one that is \
             wrong from `{to}`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryStore, Power, Tear};
    use crate::resources::{Kind, Outputs, Tags};
    use crate::state::Entry;
    use std::collections::BTreeSet;
    use std::time::Duration;

    const CUTS: [(bool, usize, Tear); 9] = [
        (true, 0, Tear::Before),
        (true, 0, Tear::Torn),
        (true, 0, Tear::After),
        (false, 0, Tear::Before),
        (false, 0, Tear::Torn),
        (false, 0, Tear::After),
        (true, 1, Tear::Before),
        (true, 1, Tear::Torn),
        (true, 1, Tear::After),
    ];

    /// A state with one resource in it.
    async fn owning(topic: &str) -> MemoryStore {
        let store = MemoryStore::new();
        let entry = Entry {
            kind: Kind::Topic,
            physical: topic.to_owned(),
            properties: serde_json::Value::Null,
            outputs: Outputs::new(),
            tags: Tags::new(),
            dependencies: BTreeSet::new(),
            accepted: None,
        };
        let record = Record::Put {
            resource: "alarms".into(),
            entry,
            done: true,
        };
        store.append(&record).await.expect("written");
        store
    }

    async fn state(store: &MemoryStore) -> State {
        fold(store.reopened().history().await.expect("whole"))
    }

    async fn counts(store: &MemoryStore) -> bool {
        let state = state(store).await;
        state.moved.is_none() && state.arriving.is_none() && !state.is_empty()
    }

    async fn to_bucket(local: &MemoryStore, bucket: &MemoryStore) -> anyhow::Result<usize> {
        take(
            "dev",
            (StateBackend::Local, local),
            (StateBackend::S3, bucket),
        )
        .await
    }

    async fn to_local(bucket: &MemoryStore, local: &MemoryStore) -> anyhow::Result<usize> {
        take(
            "dev",
            (StateBackend::S3, bucket),
            (StateBackend::Local, local),
        )
        .await
    }

    /// A move to the bucket whose process dies at a write to the bucket, or to the local store.
    async fn cut_off((of_bucket, write, tear): (bool, usize, Tear)) -> (MemoryStore, MemoryStore) {
        let (local, bucket, power) = (owning("a").await, MemoryStore::new(), Power::default());
        let (source, target) = match of_bucket {
            true => (local.on(&power), bucket.crashing(write, tear, &power)),
            false => (local.crashing(write, tear, &power), bucket.on(&power)),
        };
        let moving = to_bucket(&source, &target);
        let ended = tokio::time::timeout(Duration::from_secs(1), moving).await;
        assert!(ended.is_err(), "it was not cut off");
        (local.reopened(), bucket.reopened())
    }

    #[tokio::test(start_paused = true)]
    async fn a_move_cut_off_at_any_of_its_writes_never_leaves_two_truths_and_goes_on() {
        for cut in CUTS {
            let (local, bucket) = cut_off(cut).await;
            let before = state(&local).await;
            assert!(!(counts(&local).await && counts(&bucket).await), "{cut:?}");
            assert_eq!(to_bucket(&local, &bucket).await.expect("it goes on"), 1);
            assert!(!counts(&local).await && counts(&bucket).await, "{cut:?}");
            let arrived = state(&bucket).await;
            assert_eq!(
                arrived,
                State {
                    moved: None,
                    ..before
                },
                "{cut:?}"
            );
            assert_eq!(to_bucket(&local, &bucket).await.expect("moved"), 1);
            assert_eq!(state(&bucket).await, arrived, "{cut:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_move_cut_off_at_any_of_its_writes_can_be_taken_back_instead() {
        for cut in CUTS {
            let (local, bucket) = cut_off(cut).await;
            assert_eq!(to_local(&bucket, &local).await.expect("it goes back"), 1);
            assert!(counts(&local).await && !counts(&bucket).await, "{cut:?}");
            assert_eq!(to_bucket(&local, &bucket).await.expect("moved"), 1);
            assert!(!counts(&local).await && counts(&bucket).await, "{cut:?}");
        }
    }

    #[tokio::test]
    async fn two_different_states_are_refused_and_left_as_they_are() {
        let (local, bucket) = (owning("a").await, owning("b").await);
        let before = (local.bytes(), bucket.bytes());
        let refused = to_bucket(&local, &bucket).await.expect_err("two states");
        assert!(refused.is::<Misuse>(), "{refused}");
        assert_eq!((local.bytes(), bucket.bytes()), before);
    }
}
