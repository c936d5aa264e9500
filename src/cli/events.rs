use super::Context;
use super::Exit;
use crate::outputs::{FlatOutputs, key};
use crate::resources::Aws;
use clap::{Args, Subcommand};
use payments::store::{BodyBucket, DynamoStore};

mod audit;
mod list;
mod replay;
mod resolve;
mod selection;
mod show;
mod words;

pub use selection::time as ago;
pub use words::{conflict_facts, counted, facts, line};

/// Look at the stored payment events, have them processed again, and audit all of them.
#[derive(Debug, Args)]
pub struct Events {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    Replay(replay::Replay),
    Resolve(resolve::Resolve),
    Audit(audit::Audit),
}

impl Events {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.what {
            What::List(list) => list.run(context).await,
            What::Show(show) => show.run(context).await,
            What::Replay(replay) => replay.run(context).await,
            What::Resolve(resolve) => resolve.run(context).await,
            What::Audit(audit) => audit.run(context).await,
        }
    }
}

/// What the deployed environment consists of, its table and the clients.
pub struct Deployed {
    /// What the last deploy wrote.
    pub outputs: FlatOutputs,
    /// The clients.
    pub aws: Aws,
    /// The table of events.
    pub store: DynamoStore,
    /// Bodies that do not fit the table.
    pub bodies: BodyBucket,
}

impl Deployed {
    /// Connects to the environment as it was last deployed.
    pub async fn connect(context: &Context) -> anyhow::Result<Self> {
        let outputs = FlatOutputs::read_of(&context.outputs_file(), context.env())?;
        let aws = context.connect().await?.aws;
        let store = DynamoStore::new(aws.dynamodb.clone(), outputs.get(key::TABLE_NAME)?);
        let (s3, bucket) = (aws.s3.clone(), outputs.get(key::BODIES_BUCKET_NAME)?);
        let bodies = BodyBucket::new(move || s3, bucket, &aws.given.account);
        Ok(Self {
            outputs,
            aws,
            store,
            bodies,
        })
    }
}
