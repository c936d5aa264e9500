//! The state machine behind the pipe: every event of a batch is processed on its own, whatever the others do.

use super::{
    ALL_ERRORS, Backoff, Call, Catch, Choice, Definition, Fail, Flow, Map, Next, Pass, Retry,
    State, Task, expression,
};
use crate::graph::{AliasArn, Input, TableName};
use payments::store::attention;
use serde_json::{Value, json};

/// What the definition needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The alias of payment-processor.
    pub processor: Input<AliasArn>,
    /// The table of events.
    pub table: Input<TableName>,
    /// Pauses between tries of one event.
    pub retry: Backoff,
    /// Seconds that one try may take; longer than the function's own timeout, so that Lambda speaks first.
    pub timeout_seconds: u32,
    /// Events of one batch processed at the same time; 0 leaves it to AWS.
    pub concurrency: u32,
}

/// Seconds after which Step Functions ends an express workflow.
pub const EXPRESS_SECONDS: u64 = 300;
/// Items that Step Functions works on at once in a map where nothing is said about it.
pub const AT_ONCE: u32 = 40;
/// Seconds that writing a failure down may take.
const RECORD_SECONDS: u32 = 10;

/// Seconds until each event of a batch is processed or its failure is written down, at the very worst.
pub fn longest_run(retry: &Backoff, timeout_seconds: u32, batch: u32) -> u64 {
    let tries = f64::from(retry.attempts) + 1.0;
    let both = f64::from(timeout_seconds) + f64::from(RECORD_SECONDS);
    let of_one = tries * both + 2.0 * retry.pauses();
    (of_one * f64::from(batch.div_ceil(AT_ONCE))).ceil() as u64
}

/// How often the state of this event was tried again.
const RETRIES: &str = "$states.context.State.RetryCount";

const FAILED: &str = "failed";

/// Inserts of events; anything else, of any shape, is none. The brackets make a list of no and of one match too.
const EVENTS: &str =
    r#"[$states.input[eventName = "INSERT" and dynamodb.NewImage.recordType.S = "event"]]"#;

/// Errors of an invocation that another try may not meet: our own, Lambda's, and a function that died or hung.
const PASSING: &[&str] = &[
    "Transient",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
];

/// Errors of a DynamoDB write that another try may not meet.
const PASSING_WRITE: &[&str] = &[
    "DynamoDB.AmazonDynamoDBException",
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.InternalServerError",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceeded",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.TransactionConflictException",
    "DynamoDB.SdkClientException",
    "States.Timeout",
];

/// The definition of `payment-processor-{env}`.
pub fn payment_processor(settings: &Settings) -> Definition {
    let states = vec![
        (
            "ProcessEach".to_owned(),
            State::Map(Map {
                items: EVENTS.to_owned(),
                concurrency: settings.concurrency,
                each: each(settings),
                next: Next::to("AnyFailed"),
            }),
        ),
        (
            "AnyFailed".to_owned(),
            State::Choice(Choice {
                rules: vec![(
                    format!("$count($states.input[{FAILED}]) > 0"),
                    "SomeFailed".to_owned(),
                )],
                default: Some("AllProcessed".to_owned()),
            }),
        ),
        ("SomeFailed".to_owned(), State::Fail(some_failed())),
        ("AllProcessed".to_owned(), State::Succeed),
    ];
    Definition {
        comment: "Processes each inserted payment event on its own; fails at the end if any could not be processed"
            .to_owned(),
        flow: Flow {
            start_at: "ProcessEach".to_owned(),
            states,
        },
    }
}

fn each(settings: &Settings) -> Flow {
    let unrecorded = Pass {
        output: outcome(true, "$states.input.record", "$states.input.error"),
        next: Next::End,
    };
    Flow {
        start_at: "Process".to_owned(),
        states: vec![
            (
                "Process".to_owned(),
                State::Task(Box::new(process(settings))),
            ),
            (
                "RecordFailure".to_owned(),
                State::Task(Box::new(record(settings))),
            ),
            ("FailureNotRecorded".to_owned(), State::Pass(unrecorded)),
        ],
    }
}

fn process(settings: &Settings) -> Task {
    Task {
        call: Call::Invoke {
            function: settings.processor.clone(),
            payload: json!({
                "record": expression("$states.input"),
                "execution": expression("$states.context.Execution.Id"),
                "lastTry": expression(&format!(
                    "$exists({RETRIES}) and {RETRIES} >= {}",
                    settings.retry.attempts
                )),
            }),
        },
        timeout_seconds: settings.timeout_seconds,
        output: Some(json!({ FAILED: false })),
        retry: vec![Retry {
            errors: owned(PASSING),
            backoff: settings.retry,
        }],
        catch: vec![Catch {
            errors: vec![ALL_ERRORS.to_owned()],
            output: json!({
                "record": expression("$states.input"),
                "error": expression("$states.errorOutput.Error"),
                "cause": expression(&bounded("$states.errorOutput.Cause")),
            }),
            next: "RecordFailure".to_owned(),
        }],
        next: Next::End,
    }
}

/// Writes the failure on the event's item, unless another run has settled it or it is gone.
fn record(settings: &Settings) -> Task {
    let failure = json!({ "M": {
        "error": { "S": expression("$states.input.error") },
        "cause": { "S": expression("$states.input.cause") },
        "execution": { "S": expression("$states.context.Execution.Id") },
    }});
    let values = [
        (":failed", json!({ "S": "failed" })),
        (":processed", json!({ "S": "processed" })),
        (":ignored", json!({ "S": "ignored" })),
        (
            ":at",
            json!({ "S": expression("$states.context.State.EnteredTime") }),
        ),
        (":failure", failure),
        (":shard", json!({ "S": attention::ANY_SHARD })),
        (
            ":state",
            json!({ "S": expression(r#""failed " & $states.context.State.EnteredTime"#) }),
        ),
    ];
    let output = outcome(true, "$states.input.record", "$states.input.error");
    Task {
        call: Call::UpdateItem {
            table: settings.table.clone(),
            key: expression("$states.input.record.dynamodb.Keys"),
            update: format!(
                "SET processing = :failed, failedAt = :at, failure = :failure, {STATE} = :state, \
                 {SHARD} = if_not_exists({SHARD}, :shard) REMOVE leaseOwner, leaseUntil",
                SHARD = attention::SHARD,
                STATE = attention::STATE,
            ),
            condition: "attribute_exists(paymentId) AND NOT processing IN (:processed, :ignored)"
                .to_owned(),
            values: values.map(|(name, value)| (name.to_owned(), value)).into(),
        },
        timeout_seconds: RECORD_SECONDS,
        output: Some(output.clone()),
        retry: vec![Retry {
            errors: owned(PASSING_WRITE),
            backoff: settings.retry,
        }],
        // A failure that cannot be written down must still not stop the other events of the batch.
        catch: vec![Catch {
            errors: vec![ALL_ERRORS.to_owned()],
            output: expression("$states.input"),
            next: "FailureNotRecorded".to_owned(),
        }],
        next: Next::End,
    }
}

/// What the end of the execution learns of one event: never its content.
fn outcome(failed: bool, record: &str, error: &str) -> Value {
    json!({
        FAILED: failed,
        "paymentId": expression(&format!(
            r#"$exists({record}.dynamodb.Keys.paymentId.S) ? {record}.dynamodb.Keys.paymentId.S : "unknown""#
        )),
        "error": expression(error),
    })
}

fn some_failed() -> Fail {
    let failed = format!("$states.input[{FAILED}]");
    let cause = format!(
        r#"$string($count({failed})) & " of " & $string($count($states.input)) & " payment events failed: " & $substring($join([{failed}.(paymentId & " (" & error & ")")], ", "), 0, 2000)"#
    );
    Fail {
        error: "PaymentEventsFailed".to_owned(),
        cause: expression(&cause),
    }
}

/// At most 500 characters: a cause may quote what a function was given.
fn bounded(cause: &str) -> String {
    format!(r#"$exists({cause}) ? $substring($string({cause}), 0, 500) : """#)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
