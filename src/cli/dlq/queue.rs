//! The dead-letter queue of a deployed environment.

use super::letter::Letter;
use crate::cli::events::Deployed;
use crate::outputs::key;
use crate::resources::{Aws, During};
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry as Entry;
use std::collections::HashSet;

/// Seconds for which a message that was looked at is not shown to anybody else; looking gives it back earlier.
const HIDDEN_SECONDS: i32 = 300;
/// The most messages that SQS hands over or changes at once.
const AT_ONCE: usize = 10;

/// The queue.
pub struct Queue<'a> {
    aws: &'a Aws,
    url: String,
    seen: HashSet<String>,
}

impl<'a> Queue<'a> {
    /// Finds it by the name in the outputs.
    pub async fn of(deployed: &'a Deployed) -> anyhow::Result<Self> {
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
            seen: HashSet::new(),
        })
    }

    /// Up to ten messages that this has not handed out before; none at the end. SQS has no way to look without taking,
    /// so they are hidden from others for a while.
    pub async fn next(&mut self) -> anyhow::Result<Vec<Letter>> {
        let answer = self
            .aws
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(AT_ONCE as i32)
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(1)
            .send()
            .await
            .during("sqs:ReceiveMessage")?;
        let letters: Vec<Letter> = answer.messages().iter().map(Letter::read).collect();
        // A queue so long that its first messages show again before its end is reached ends there.
        let (new, again): (Vec<_>, Vec<_>) = letters
            .into_iter()
            .partition(|letter| self.seen.insert(letter.id.clone()));
        self.put_back(&again).await?;
        Ok(new)
    }

    /// Up to `limit` different messages.
    pub async fn take(&mut self, limit: usize) -> anyhow::Result<Vec<Letter>> {
        let mut letters: Vec<Letter> = Vec::new();
        while letters.len() < limit {
            let more = self.next().await?;
            if more.is_empty() {
                break;
            }
            letters.extend(more);
        }
        let beyond = letters.split_off(letters.len().min(limit));
        self.put_back(&beyond).await?;
        Ok(letters)
    }

    /// Hides a message for as long again, from now on.
    pub async fn keep(&self, letter: &Letter) -> anyhow::Result<()> {
        let call = self
            .aws
            .sqs
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&letter.receipt)
            .visibility_timeout(HIDDEN_SECONDS);
        call.send().await.during("sqs:ChangeMessageVisibility")?;
        Ok(())
    }

    /// Lets others see the messages again at once.
    pub async fn put_back(&self, letters: &[Letter]) -> anyhow::Result<()> {
        for group in letters.chunks(AT_ONCE) {
            let entry = |(number, letter): (usize, &Letter)| {
                Entry::builder()
                    .id(number.to_string())
                    .receipt_handle(&letter.receipt)
                    .visibility_timeout(0)
                    .build()
            };
            let entries = group.iter().enumerate().map(entry);
            // A message whose hiding is over already shows anyway, so what single entries are answered does not matter.
            self.aws
                .sqs
                .change_message_visibility_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.collect::<Result<_, _>>()?))
                .send()
                .await
                .during("sqs:ChangeMessageVisibility")?;
        }
        Ok(())
    }

    /// Ends a message.
    pub async fn delete(&self, letter: &Letter) -> anyhow::Result<()> {
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
