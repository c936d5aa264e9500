//! Hands events to the state machine as the pipe does.

use crate::resources::{Aws, Class, CloudError, During};
use payments::store::Key;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

/// As many events share an execution; each is processed and tried again on its own.
pub const AT_ONCE: usize = 10;

/// Pauses before the call is made again; Step Functions refills its bucket of starts every second.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Starts one execution for some events; the processor does nothing for those that are settled, so that a start whose
/// answer was lost may be repeated.
pub async fn start(aws: &Aws, state_machine: &str, keys: &[Key]) -> Result<(), CloudError> {
    let records: Vec<_> = keys.iter().map(record).collect();
    let input = serde_json::Value::from(records).to_string();
    for pause in PAUSES {
        match start_once(aws, state_machine, &input).await {
            Err(error) if matches!(error.class, Class::Throttle | Class::Unavailable) => {
                sleep(pause).await;
            }
            ended => return ended,
        }
    }
    start_once(aws, state_machine, &input).await
}

async fn start_once(aws: &Aws, state_machine: &str, input: &str) -> Result<(), CloudError> {
    aws.sfn
        .start_execution()
        .state_machine_arn(state_machine)
        .input(input)
        .send()
        .await
        .during("states:StartExecution")
        .map(drop)
}

/// What the pipe's input template leaves of the insert of an event.
fn record(key: &Key) -> serde_json::Value {
    json!({
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": {
                "paymentId": {"S": key.payment_id},
                "timestamp": {"N": key.timestamp.to_string()},
            },
            "NewImage": {"recordType": {"S": "event"}},
        },
    })
}
