use super::{Context, Exit};
use crate::outputs::key;
use crate::resources::{Aws, During};
use clap::{Args, Subcommand};

mod letter;
mod list;
mod records;
mod redrive;

use letter::Letter;

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

/// Seconds for which a message that was looked at is not shown to anybody else.
const HIDDEN_SECONDS: i32 = 30;
/// The most messages that SQS hands over at once.
const AT_ONCE: i32 = 10;

/// The dead-letter queue of a deployed environment.
struct Queue<'a> {
    aws: &'a Aws,
    url: String,
}

impl<'a> Queue<'a> {
    async fn of(deployed: &'a super::events::Deployed) -> anyhow::Result<Self> {
        let name = deployed.outputs.get(key::DEAD_LETTER_QUEUE_NAME)?;
        let found = deployed
            .aws
            .sqs
            .get_queue_url()
            .queue_name(name)
            .send()
            .await
            .during("sqs:GetQueueUrl")?;
        Ok(Self {
            aws: &deployed.aws,
            url: found.queue_url.unwrap_or_default(),
        })
    }

    /// Up to `limit` messages. SQS has no way to look without taking, so they are hidden from others for a while.
    async fn take(&self, limit: usize) -> anyhow::Result<Vec<Letter>> {
        let mut letters: Vec<Letter> = Vec::new();
        while letters.len() < limit {
            let answer = self
                .aws
                .sqs
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(AT_ONCE)
                .visibility_timeout(HIDDEN_SECONDS)
                .wait_time_seconds(1)
                .send()
                .await
                .during("sqs:ReceiveMessage")?;
            let messages = answer.messages();
            if messages.is_empty() {
                break;
            }
            letters.extend(messages.iter().map(Letter::read));
        }
        Ok(letters)
    }

    /// Lets others see the messages again at once.
    async fn put_back(&self, letters: &[Letter]) -> anyhow::Result<()> {
        for letter in letters {
            self.aws
                .sqs
                .change_message_visibility()
                .queue_url(&self.url)
                .receipt_handle(&letter.receipt)
                .visibility_timeout(0)
                .send()
                .await
                .during("sqs:ChangeMessageVisibility")?;
        }
        Ok(())
    }

    async fn delete(&self, letter: &Letter) -> anyhow::Result<()> {
        self.aws
            .sqs
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&letter.receipt)
            .send()
            .await
            .during("sqs:DeleteMessage")?;
        Ok(())
    }
}
