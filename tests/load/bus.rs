//! What the stack publishes, seen as the user's own systems see it: a rule on the bus, and a queue behind it.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use serde_json::json;

use super::clients::Clients;

const NAME: &str = "payhook-load";

pub struct Outcomes<'a> {
    clients: &'a Clients,
    queue: String,
}

impl<'a> Outcomes<'a> {
    pub async fn listen(clients: &'a Clients, outputs: &BTreeMap<String, String>) -> Self {
        let arn = format!(
            "arn:aws:sqs:{}:{}:{NAME}",
            outputs["region"], outputs["accountId"]
        );
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }]});
        let queue = clients.sqs().create_queue().queue_name(NAME);
        let queue = queue.attributes(QueueAttributeName::Policy, policy.to_string());
        let queue = queue
            .send()
            .await
            .expect("CreateQueue")
            .queue_url
            .expect("its URL");
        let pattern = json!({"source": ["payhook.payments"], "detail-type": ["Payment Completed"]});
        let events = clients.eventbridge();
        let rule = events
            .put_rule()
            .name(NAME)
            .event_pattern(pattern.to_string());
        rule.send().await.expect("PutRule");
        let target = Target::builder()
            .id("queue")
            .arn(arn)
            .build()
            .expect("a target");
        let targets = events.put_targets().rule(NAME).targets(target);
        targets.send().await.expect("PutTargets");
        Self { clients, queue }
    }

    /// Every outcome that was published, one a line.
    pub async fn take(self) -> String {
        let sqs = self.clients.sqs();
        let mut lines = String::new();
        loop {
            let more = sqs.receive_message().queue_url(&self.queue);
            let more = more
                .max_number_of_messages(10)
                .wait_time_seconds(1)
                .send()
                .await;
            let more = more.expect("ReceiveMessage");
            if more.messages().is_empty() {
                return lines;
            }
            let mut done = sqs.delete_message_batch().queue_url(&self.queue);
            for (number, message) in more.messages().iter().enumerate() {
                lines.push_str(message.body().unwrap_or_default());
                lines.push('\n');
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                let entry = entry.receipt_handle(message.receipt_handle().unwrap_or_default());
                done = done.entries(entry.build().expect("an entry"));
            }
            done.send().await.expect("DeleteMessageBatch");
        }
    }
}
