mod history;
mod init;
mod list;
mod moving;
pub mod rebuild;
mod show;
mod unlock;

use super::{Context, Exit};
use clap::{Args, Subcommand};

/// Look at what payhook knows that it owns.
#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    History(history::History),
    Rebuild(rebuild::Rebuild),
    Init(init::Init),
    Move(moving::Move),
    Unlock(unlock::Unlock),
}

impl State {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.what {
            What::List(verb) => verb.run(context).await,
            What::Show(verb) => verb.run(context).await,
            What::History(verb) => verb.run(context).await,
            What::Rebuild(verb) => verb.run(context).await,
            What::Init(verb) => verb.run(context).await,
            What::Move(verb) => verb.run(context).await,
            What::Unlock(verb) => verb.run(context).await,
        }
    }
}
