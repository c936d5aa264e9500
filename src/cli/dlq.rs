use super::{Context, Exit};
use clap::{Args, Subcommand};
use letter::Letter;

mod letter;
mod list;
mod queue;
pub mod records;
mod redrive;

pub use queue::Queue;

/// Look at the batches that the pipe gave up on, and have them processed again.
#[derive(Debug, Args)]
pub struct Dlq {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Show(list::Show),
    Redrive(redrive::Redrive),
}

impl Dlq {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.what {
            What::List(list) => list.run(context).await,
            What::Show(show) => show.run(context).await,
            What::Redrive(redrive) => redrive.run(context).await,
        }
    }
}
