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

/// The copy first, then the mark that the original counts no more: at every moment exactly one of them is in force.
async fn take(
    env: &str,
    (from, source): (StateBackend, &dyn Store),
    (to, target): (StateBackend, &dyn Store),
) -> anyhow::Result<usize> {
    let original = fold(source.history().await?);
    let there = target.history().await?;
    // A copy that nothing has been added to is one of a move that did not end.
    let untouched = there
        .last()
        .is_none_or(|last| matches!(last.record, Record::Arrived { .. }));
    let copy = fold(there);
    if original.moved.as_deref() == Some(to.as_str()) || original == State::default() {
        return Ok(copy.entries.len());
    }
    if !untouched && copy.moved.is_none() && !copy.is_empty() {
        return Err(Misuse {
            words: format!(
                "there is a state of {env} in `{}` and another in `{}`",
                from.as_str(),
                to.as_str()
            ),
            next: format!(
                "look at both with `payhook state list`, by `backend` under [state] in infra.toml, and remove the one \
                 that is wrong from `{}`",
                to.as_str()
            ),
        }
        .into());
    }
    if copy != original {
        let state = Box::new(original.clone());
        let from = from.as_str().to_owned();
        target.append(&Record::Arrived { from, state }).await?;
    }
    let to = to.as_str().to_owned();
    source.append(&Record::Moved { to }).await?;
    Ok(original.entries.len())
}
