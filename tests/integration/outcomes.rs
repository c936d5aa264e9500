//! What the stack publishes, seen as the user's own systems see it: a rule on the bus, and a queue behind it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::clients::Clients;
use super::deployed::Deployed;
use super::senders::unique;

pub struct Outcomes {
    clients: Clients,
    name: String,
    queue: String,
}

impl Outcomes {
    /// Starts to listen for the outcomes of these payments, with ids as in the table.
    pub async fn of(stack: &Deployed, payments: &[String]) -> Self {
        let clients = stack.clients().await;
        let name = format!("payhook-test-{}", unique());
        let queue = clients.sqs().create_queue().queue_name(&name).send().await;
        let queue = queue.expect("CreateQueue").queue_url.expect("its URL");
        let (account, region) = (stack.output("accountId"), stack.output("region"));
        let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }]});
        let allow = clients.sqs().set_queue_attributes().queue_url(&queue);
        let allow = allow.attributes(QueueAttributeName::Policy, policy.to_string());
        allow.send().await.expect("SetQueueAttributes");
        let pattern = json!({
            "source": ["payhook.payments"],
            "detail-type": ["Payment Completed"],
            "detail": {"paymentId": payments},
        });
        let events = clients.eventbridge();
        let rule = events
            .put_rule()
            .name(&name)
            .event_pattern(pattern.to_string());
        rule.send().await.expect("PutRule");
        let target = Target::builder()
            .id("queue")
            .arn(arn)
            .build()
            .expect("a target");
        events
            .put_targets()
            .rule(&name)
            .targets(target)
            .send()
            .await
            .expect("PutTargets");
        Self {
            clients,
            name,
            queue,
        }
    }

    /// The details of everything that is published until there are as many different outcomes, and one second longer.
    pub async fn take(&self, count: usize) -> Vec<Value> {
        let give_up = Instant::now() + Duration::from_secs(45);
        let mut taken = Vec::new();
        let mut settled = None;
        while settled.is_none_or(|until| Instant::now() < until) {
            assert!(
                Instant::now() < give_up,
                "only these outcomes were published: {taken:#?}"
            );
            let more = self.clients.sqs().receive_message().queue_url(&self.queue);
            let more = more
                .max_number_of_messages(10)
                .wait_time_seconds(1)
                .send()
                .await;
            for message in more.expect("ReceiveMessage").messages() {
                let event: Value =
                    serde_json::from_str(message.body().unwrap_or_default()).expect("an event");
                taken.push(event["detail"].clone());
                let receipt = message.receipt_handle().unwrap_or_default();
                let done = self.clients.sqs().delete_message().queue_url(&self.queue);
                done.receipt_handle(receipt)
                    .send()
                    .await
                    .expect("DeleteMessage");
            }
            let different: BTreeSet<_> = taken
                .iter()
                .map(|one| one["outcomeId"].to_string())
                .collect();
            if different.len() >= count && settled.is_none() {
                settled = Some(Instant::now() + Duration::from_secs(1));
            }
        }
        taken
    }

    /// Removes rule and queue.
    pub async fn end(self) {
        let events = self.clients.eventbridge();
        let targets = events.remove_targets().rule(&self.name).ids("queue");
        targets.send().await.expect("RemoveTargets");
        events
            .delete_rule()
            .name(&self.name)
            .send()
            .await
            .expect("DeleteRule");
        let queue = self.clients.sqs().delete_queue().queue_url(&self.queue);
        queue.send().await.expect("DeleteQueue");
    }
}
