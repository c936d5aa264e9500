//! The queue and the rule of one listener: made, kept alive, removed, and swept up when a listener died.

use crate::resources::{Aws, Class, CloudError, During, tag};
use aws_sdk_eventbridge::types::{Tag, Target};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::{SignedDuration, Timestamp};
use payments::outcome::{DETAIL_TYPE, SOURCE};
use serde_json::{Value, json};
use std::cell::Cell;

/// Id of the rule's only target.
const TARGET: &str = "queue";
/// Until when the listener lives unless it says so again, in seconds since 1970.
const ALIVE: &str = "payhook:listens-until";
/// How long a sign of life holds, and after how long the next one is given.
const LIFE: SignedDuration = SignedDuration::from_mins(10);
const PULSE: SignedDuration = SignedDuration::from_mins(2);
/// Seconds for which SQS waits for a message, hides one that was handed over, and keeps one at most.
const WAIT: i32 = 10;
const HIDDEN: &str = "60";
const KEPT: &str = "3600";

/// One listener's place on the bus.
pub struct Ear<'a> {
    aws: &'a Aws,
    bus: String,
    name: String,
    url: Cell<Option<String>>,
    pulse: Cell<Timestamp>,
}

/// One outcome event.
pub struct Heard {
    /// The whole event, as EventBridge delivers it.
    pub event: Value,
    receipt: String,
}

/// Which listeners' leavings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of those that gave no sign of life for a while.
    Dead,
    /// Of all.
    All,
}

fn prefix(env: &str) -> String {
    format!("payment-webhook-listen-{env}-")
}

fn until() -> String {
    let end = Timestamp::now().checked_add(LIFE);
    end.unwrap_or(Timestamp::MAX).as_second().to_string()
}

impl<'a> Ear<'a> {
    /// Makes queue and rule. The ear is there even where that failed half-way, so that it can be removed.
    pub async fn make(aws: &'a Aws, env: &str, bus: &str) -> (Self, Result<(), CloudError>) {
        let now = Timestamp::now();
        let ear = Self {
            aws,
            bus: bus.to_owned(),
            name: format!("{}{:x}", prefix(env), now.as_microsecond()),
            url: Cell::new(None),
            pulse: Cell::new(now),
        };
        let made = ear.make_all(env).await;
        (ear, made)
    }

    async fn make_all(&self, env: &str) -> Result<(), CloudError> {
        let given = &self.aws.given;
        let place = format!("{}:{}", given.region, given.account);
        let queue_arn = format!("arn:{}:sqs:{place}:{}", given.partition, self.name);
        // Rules of the default bus are named without it. EventBridge user guide, "Amazon EventBridge ARNs".
        let bus = self.bus.rsplit('/').next().unwrap_or(&self.bus);
        let path = match bus {
            "default" => self.name.clone(),
            bus => format!("{bus}/{}", self.name),
        };
        let rule_arn = format!("arn:{}:events:{place}:rule/{path}", given.partition);
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }]});
        let queue = self.aws.sqs.create_queue().queue_name(&self.name);
        let queue = queue
            .attributes(QueueAttributeName::Policy, policy.to_string())
            // SQS's own key: EventBridge cannot use the stack's without a grant that would outlive the listener.
            .attributes(QueueAttributeName::SqsManagedSseEnabled, "true")
            .attributes(QueueAttributeName::MessageRetentionPeriod, KEPT)
            .attributes(QueueAttributeName::VisibilityTimeout, HIDDEN)
            .tags(tag::ENV, env)
            .tags(ALIVE, until());
        let queue = queue.send().await.during("sqs:CreateQueue")?;
        self.url.set(queue.queue_url);
        let pattern = json!({
            "source": [SOURCE],
            "detail-type": [DETAIL_TYPE],
            "detail": {"environment": [env]},
        });
        let rule = self.aws.eventbridge.put_rule().name(&self.name);
        let rule = rule
            .event_bus_name(&self.bus)
            .event_pattern(pattern.to_string())
            .set_tags(own_tag(env).map(|tag| vec![tag]));
        rule.send().await.during("events:PutRule")?;
        let target = Target::builder().id(TARGET).arn(queue_arn).build();
        let targets = self.aws.eventbridge.put_targets().rule(&self.name);
        let targets = targets
            .event_bus_name(&self.bus)
            .set_targets(target.ok().map(|target| vec![target]));
        let put = targets.send().await.during("events:PutTargets")?;
        // PutTargets answers 200 even when it took none of the targets.
        match put.failed_entries().first() {
            None => Ok(()),
            Some(entry) => Err(CloudError::new(
                "events:PutTargets",
                Class::Invalid,
                entry.error_code().unwrap_or("without a code"),
                entry.error_message().unwrap_or("without a message"),
            )),
        }
    }

    fn url(&self) -> String {
        let url = self.url.take();
        self.url.set(url.clone());
        url.unwrap_or_default()
    }

    /// Waits some seconds for outcomes.
    pub async fn hear(&self) -> Result<Vec<Heard>, CloudError> {
        self.live().await?;
        let call = self.aws.sqs.receive_message().queue_url(self.url());
        let call = call.max_number_of_messages(10).wait_time_seconds(WAIT);
        let answer = call.send().await.during("sqs:ReceiveMessage")?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        let heard = messages.map(|message| Heard {
            event: serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
        });
        Ok(heard.collect())
    }

    /// Gives a sign of life from time to time.
    async fn live(&self) -> Result<(), CloudError> {
        let now = Timestamp::now();
        if now.duration_since(self.pulse.get()) < PULSE {
            return Ok(());
        }
        self.pulse.set(now);
        let call = self.aws.sqs.tag_queue().queue_url(self.url());
        let tagged = call.tags(ALIVE, until()).send().await;
        tagged.during("sqs:TagQueue").map(drop)
    }

    /// Takes an outcome out of the queue.
    pub async fn forget(&self, heard: &Heard) -> Result<(), CloudError> {
        let call = self.aws.sqs.delete_message().queue_url(self.url());
        let deleted = call.receipt_handle(&heard.receipt).send().await;
        deleted.during("sqs:DeleteMessage").map(drop)
    }

    /// Removes everything that was made.
    pub async fn remove(&self) -> Result<(), CloudError> {
        remove(self.aws, &self.bus, &self.name).await
    }
}

fn own_tag(env: &str) -> Option<Tag> {
    Tag::builder().key(tag::ENV).value(env).build().ok()
}

/// Removes a listener's rule and queue; the rule first, so that nothing is sent to a queue that is gone. What is gone
/// already is done.
async fn remove(aws: &Aws, bus: &str, name: &str) -> Result<(), CloudError> {
    let events = &aws.eventbridge;
    let targets = events.remove_targets().rule(name).event_bus_name(bus);
    let removed = targets.ids(TARGET).send().await;
    removed.or_absent("events:RemoveTargets")?;
    let rule = events.delete_rule().name(name).event_bus_name(bus);
    rule.send().await.or_absent("events:DeleteRule")?;
    let url = aws.sqs.get_queue_url().queue_name(name).send().await;
    let Some(found) = url.or_absent("sqs:GetQueueUrl")? else {
        return Ok(());
    };
    let queue = aws.sqs.delete_queue().set_queue_url(found.queue_url);
    queue.send().await.or_absent("sqs:DeleteQueue")?;
    Ok(())
}

/// Removes what listeners of an environment left; answers how many listeners that were.
pub async fn sweep(aws: &Aws, env: &str, bus: &str, which: Which) -> Result<usize, CloudError> {
    let left = left(aws, env, bus, which).await?;
    for name in &left {
        remove(aws, bus, name).await?;
    }
    Ok(left.len())
}

/// Names of what listeners left. A queue says until when its listener lives; a rule without a queue has lost its own.
pub async fn left(
    aws: &Aws,
    env: &str,
    bus: &str,
    which: Which,
) -> Result<Vec<String>, CloudError> {
    let prefix = prefix(env);
    let queues = aws.sqs.list_queues().queue_name_prefix(&prefix);
    let queues = queues.send().await.during("sqs:ListQueues")?;
    let (mut left, mut alive) = (Vec::new(), Vec::new());
    for url in queues.queue_urls() {
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        // Another environment's name may begin with this one's.
        if !is_own(&name, &prefix) {
            continue;
        }
        let tags = aws.sqs.list_queue_tags().queue_url(url).send().await;
        let Some(tags) = tags.or_absent("sqs:ListQueueTags")? else {
            continue;
        };
        let until = tags.tags().and_then(|tags| tags.get(ALIVE)?.parse().ok());
        let lives = until.is_some_and(|until: i64| until > Timestamp::now().as_second());
        match lives && which == Which::Dead {
            true => alive.push(name),
            false => left.push(name),
        }
    }
    let rules = aws.eventbridge.list_rules().name_prefix(&prefix);
    let rules = rules.event_bus_name(bus).send().await;
    let rules = rules.or_absent("events:ListRules")?;
    for rule in rules.iter().flat_map(|rules| rules.rules()) {
        let name = rule.name().unwrap_or_default().to_owned();
        if is_own(&name, &prefix) && !alive.contains(&name) && !left.contains(&name) {
            left.push(name);
        }
    }
    Ok(left)
}

fn is_own(name: &str, prefix: &str) -> bool {
    let rest = name.strip_prefix(prefix);
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::{is_own, prefix};

    #[test]
    fn a_listener_of_another_environment_is_never_taken_for_one_of_this() {
        let prefix = prefix("dev");
        assert!(is_own("payment-webhook-listen-dev-6432fa", &prefix));
        for name in [
            "payment-webhook-listen-dev-two-6432fa",
            "payment-webhook-listen-dev-",
            "payments-dev",
        ] {
            assert!(!is_own(name, &prefix), "{name}");
        }
    }
}
