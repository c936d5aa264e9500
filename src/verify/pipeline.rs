//! Constraints 6 and 7, and the state machine's and the pipe's part in 3, 5 and 8.

use super::encryption::group_of;
use super::report::Subject;
use super::{Check, Examination, Expected, Verdict, iam, or_unreadable};
use crate::resources::{CloudError, During};
use aws_sdk_pipes::operation::describe_pipe::DescribePipeOutput;
use serde_json::Value;

impl Examination<'_> {
    pub(super) async fn state_machine(&self) -> Vec<Check> {
        let name = self
            .state_machine
            .rsplit(':')
            .next()
            .unwrap_or(self.state_machine);
        let subject = self.subject("state-machine", name);
        or_unreadable(
            self.read_state_machine(&subject).await,
            &subject,
            &[3, 5, 6, 8],
        )
    }

    async fn read_state_machine(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let request = self
            .aws
            .sfn
            .describe_state_machine()
            .state_machine_arn(self.state_machine);
        let machine = request.send().await.during("states:DescribeStateMachine")?;
        let traced = machine
            .tracing_configuration()
            .map(|tracing| tracing.enabled());
        let status = machine.status().map(|status| status.as_str());
        let mut checks = vec![
            subject.shown(5, "tracing", "X-Ray tracing", true, traced),
            subject.equal(6, "status", "status", "ACTIVE", status),
        ];
        checks.extend(retries(subject, machine.definition(), self.expected));
        let logs = machine
            .logging_configuration()
            .map(|logging| logging.destinations())
            .unwrap_or_default();
        let group = logs
            .first()
            .and_then(|to| to.cloud_watch_logs_log_group()?.log_group_arn());
        checks.extend(self.log_group(group.map(group_of)).await);
        checks.extend(iam::role(self.aws, Some(machine.role_arn())).await);
        Ok(checks)
    }

    pub(super) async fn pipe(&self) -> Vec<Check> {
        let subject = self.subject("pipe", self.pipe);
        or_unreadable(self.read_pipe(&subject).await, &subject, &[7, 8])
    }

    async fn read_pipe(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let request = self.aws.pipes.describe_pipe().name(self.pipe);
        let pipe = request.send().await.during("pipes:DescribePipe")?;
        let mut checks = wiring(subject, &pipe, self);
        checks.extend(delivery(subject, &pipe, self.queue));
        checks.extend(iam::role(self.aws, pipe.role_arn()).await);
        Ok(checks)
    }
}

/// What the definition says of retries and of what is left after them.
pub(super) fn retries(subject: &Subject<'_>, definition: &str, expected: &Expected) -> Vec<Check> {
    let definition = serde_json::from_str(definition).unwrap_or(Value::Null);
    let task = retried_task(&definition);
    let retry = task.and_then(|task| {
        task.get("Retry")?
            .as_array()?
            .iter()
            .find(|retry| retry.get("BackoffRate").is_some())
    });
    let field = |name: &str| retry.and_then(|retry| retry.get(name));
    let number = |name: &str| field(name).and_then(Value::as_f64);
    let caught = task
        .and_then(|task| task.get("Catch")?.as_array())
        .is_some_and(|catches| {
            catches.iter().any(|catch| {
                catch["ErrorEquals"]
                    .as_array()
                    .is_some_and(|errors| errors.contains(&"States.ALL".into()))
            })
        });
    let cap = number("MaxDelaySeconds");
    vec![
        subject.equal(
            6,
            "definition",
            "backoff rate",
            expected.backoff_rate,
            number("BackoffRate"),
        ),
        subject.equal(
            6,
            "definition",
            "attempts",
            f64::from(expected.max_attempts),
            number("MaxAttempts"),
        ),
        subject.equal(
            6,
            "definition",
            "jitter",
            "FULL",
            field("JitterStrategy").and_then(Value::as_str),
        ),
        subject.judged(
            6,
            "definition",
            "longest delay",
            "a cap in seconds",
            cap.map(|s| s.to_string()),
            cap.is_some(),
        ),
        subject.equal(
            6,
            "definition",
            "catches all errors that are left",
            true,
            Some(caught),
        ),
    ]
}

/// The task with retries, at whatever depth of maps and parallels.
fn retried_task(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(object)
            if object.get("Type") == Some(&"Task".into()) && object.contains_key("Retry") =>
        {
            Some(value)
        }
        Value::Object(object) => object.values().find_map(retried_task),
        Value::Array(items) => items.iter().find_map(retried_task),
        _ => None,
    }
}

fn wiring(subject: &Subject<'_>, pipe: &DescribePipeOutput, of: &Examination<'_>) -> Vec<Check> {
    let source = pipe.source().map(str::to_owned);
    let from_table = format!(":table/{}/stream/", of.table);
    let right = source
        .as_deref()
        .is_some_and(|source| source.contains(&from_table));
    vec![
        subject.equal(
            7,
            "running",
            "state",
            "RUNNING",
            pipe.current_state().map(|state| state.as_str()),
        ),
        subject.judged(
            7,
            "source",
            "source",
            format!("the stream of {}", of.table),
            source,
            right,
        ),
        subject.equal(7, "target", "target", of.state_machine, pipe.target()),
    ]
}

/// What is delivered, how often it is tried, and where it goes then.
pub(super) fn delivery(
    subject: &Subject<'_>,
    pipe: &DescribePipeOutput,
    queue: &str,
) -> Vec<Check> {
    let parameters = pipe.source_parameters();
    let patterns: Vec<Value> = parameters
        .and_then(|p| p.filter_criteria())
        .map(|criteria| criteria.filters())
        .unwrap_or_default()
        .iter()
        .filter_map(|filter| serde_json::from_str(filter.pattern()?).ok())
        .collect();
    let inserts = !patterns.is_empty()
        && patterns
            .iter()
            .all(|pattern| pattern["eventName"] == serde_json::json!(["INSERT"]));
    let stream = parameters.and_then(|p| p.dynamo_db_stream_parameters());
    let attempts = stream.and_then(|stream| stream.maximum_retry_attempts());
    let bisect = stream
        .and_then(|stream| stream.on_partial_batch_item_failure())
        .map(|bisect| bisect.as_str());
    let dead = stream
        .and_then(|stream| stream.dead_letter_config()?.arn())
        .map(str::to_owned);
    let right = dead
        .as_deref()
        .is_some_and(|arn| arn.rsplit(':').next() == Some(queue));
    let shown: Vec<String> = patterns.iter().map(Value::to_string).collect();
    let bounded = attempts.is_some_and(|attempts| attempts >= 0);
    let checks = vec![
        subject.judged(
            7,
            "filters",
            "filter",
            "INSERT of events only",
            Some(shown.join(" ")),
            inserts,
        ),
        subject.judged(
            7,
            "maximumRetryAttempts",
            "retries",
            "a bound",
            attempts.map(|n| n.to_string()),
            bounded,
        ),
        subject.equal(
            7,
            "bisectOnFailure",
            "failed batches are",
            "AUTOMATIC_BISECT",
            bisect,
        ),
        subject.judged(
            7,
            "deadLetterQueue",
            "dead letters go to",
            format!("queue {queue}"),
            dead,
            right,
        ),
    ];
    // AWS always shows them; some emulators take them and leave them out of every answer.
    let left_out = parameters.is_none() && subject.emulated;
    let unobservable = |check: Check| Check {
        verdict: Verdict::NotObservable,
        ..check
    };
    match left_out {
        true => checks.into_iter().map(unobservable).collect(),
        false => checks,
    }
}
