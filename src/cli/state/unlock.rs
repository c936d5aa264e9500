use super::super::backend::Place;
use super::super::{Context, Exit, consent, who};
use crate::state::{Holder, LocalStore, S3Store, Standing};
use clap::Args;
use serde_json::json;

/// Take the lock of an environment away from whoever holds it.
///
/// Shows who that is, and asks. A lock whose holder is dead needs no help: the next command takes it over. What a holder
/// that still runs writes from then on counts no more.
#[derive(Debug, Args)]
pub struct Unlock {
    /// Ask nothing.
    #[arg(long, short)]
    yes: bool,
}

impl Unlock {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let place = context.place().await?;
        let Some((holder, sign)) = holder(context, &place).await? else {
            say(context, None, "Nobody holds the lock");
            return Ok(Exit::Done);
        };
        context.ui.note(format!(
            "The lock of {} is held: {holder}{sign}",
            context.env()
        ));
        consent::to_unlock(context, self.yes).await?;
        let by = who::this_process("state unlock", context.now());
        match &place {
            Place::Local(root) => LocalStore::unlock(root, context.env(), &by)?,
            Place::S3(bucket) => {
                let (objects, token) = (context.objects(bucket), who::token());
                S3Store::unlock(objects, context.env(), &by, &token).await?;
            }
        }
        say(context, Some(&holder), "Unlocked");
        Ok(Exit::Done)
    }
}

/// Who holds it, and their last sign of life.
async fn holder(context: &Context, place: &Place) -> anyhow::Result<Option<(Holder, String)>> {
    let held = match place {
        Place::Local(root) => {
            return Ok(
                LocalStore::holder(root, context.env())?.map(|holder| (holder, String::new()))
            );
        }
        Place::S3(bucket) => {
            bucket.guard().await?;
            let objects = context.objects(bucket);
            S3Store::holder(&*objects, context.env(), &who::lives).await?
        }
    };
    Ok(match held {
        Standing::Free => None,
        Standing::Dead(holder) => Some((*holder, ", which is dead".to_owned())),
        Standing::Live(holder, age) => {
            let sign = format!(", last sign of life {} s ago", age.as_secs());
            Some((*holder, sign))
        }
    })
}

fn say(context: &Context, holder: Option<&Holder>, words: &str) {
    let env = context.env();
    match context.ui.is_json() {
        true => context
            .ui
            .json(&json!({"event": "unlocked", "env": env, "holder": holder})),
        false => context.ui.say(format!("{words} of {env}.")),
    }
}
