//! Definitions as JSON; outputs of other resources stand in it as references of the graph.

use super::{Backoff, expression};
use super::{Call, Catch, Choice, Definition, Fail, Flow, Map, Next, Pass, Retry, State, Task};
use crate::graph::{Input, Output, Text, join};
use serde_json::{Value, json};

impl Definition {
    /// The definition as the property of a state machine.
    pub fn to_value(&self) -> Value {
        let mut value = json!({ "Comment": self.comment, "QueryLanguage": "JSONata" });
        extend(&mut value, flow(&self.flow));
        value
    }
}

fn extend(value: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (value, more) {
        object.extend(more);
    }
}

fn flow(flow: &Flow) -> Value {
    let states: serde_json::Map<String, Value> = flow
        .states
        .iter()
        .map(|(name, of)| (name.clone(), state(of)))
        .collect();
    json!({ "StartAt": flow.start_at, "States": states })
}

fn state(state: &State) -> Value {
    match state {
        State::Pass(of) => pass(of),
        State::Task(of) => task(of),
        State::Choice(of) => choice(of),
        State::Map(of) => map(of),
        State::Succeed => json!({ "Type": "Succeed" }),
        State::Fail(Fail { error, cause }) => {
            json!({ "Type": "Fail", "Error": error, "Cause": cause })
        }
    }
}

fn next(next: &Next) -> Value {
    match next {
        Next::To(name) => json!({ "Next": name }),
        Next::End => json!({ "End": true }),
    }
}

fn pass(pass: &Pass) -> Value {
    let mut value = json!({ "Type": "Pass", "Output": pass.output });
    extend(&mut value, next(&pass.next));
    value
}

fn task(task: &Task) -> Value {
    let (resource, arguments) = call(&task.call);
    let mut value = json!({
        "Type": "Task",
        "Resource": resource,
        "Arguments": arguments,
        "TimeoutSeconds": task.timeout_seconds,
    });
    if let Some(output) = &task.output {
        extend(&mut value, json!({ "Output": output }));
    }
    if !task.retry.is_empty() {
        let retry: Vec<_> = task.retry.iter().map(retrier).collect();
        extend(&mut value, json!({ "Retry": retry }));
    }
    if !task.catch.is_empty() {
        let catch: Vec<_> = task.catch.iter().map(catcher).collect();
        extend(&mut value, json!({ "Catch": catch }));
    }
    extend(&mut value, next(&task.next));
    value
}

/// The ARN of a service integration, which names the partition but no account.
fn integration(name: &str) -> Input<Text> {
    join([
        "arn:".into(),
        Output::partition().into(),
        format!(":states:::{name}").into(),
    ])
}

fn call(call: &Call) -> (Input<Text>, Value) {
    match call {
        Call::Invoke { function, payload } => (
            integration("lambda:invoke"),
            json!({ "FunctionName": function, "Payload": payload }),
        ),
        Call::UpdateItem {
            table,
            key,
            update,
            condition,
            values,
        } => (
            integration("dynamodb:updateItem"),
            json!({
                "TableName": table,
                "Key": key,
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }),
        ),
    }
}

fn retrier(retry: &Retry) -> Value {
    let Backoff {
        interval_seconds,
        rate,
        attempts,
        max_delay_seconds,
    } = retry.backoff;
    json!({
        "ErrorEquals": retry.errors,
        "IntervalSeconds": interval_seconds,
        "BackoffRate": rate,
        "MaxAttempts": attempts,
        "MaxDelaySeconds": max_delay_seconds,
        "JitterStrategy": "FULL",
    })
}

fn catcher(catch: &Catch) -> Value {
    json!({ "ErrorEquals": catch.errors, "Output": catch.output, "Next": catch.next })
}

fn choice(choice: &Choice) -> Value {
    let rules: Vec<_> = choice
        .rules
        .iter()
        .map(|(condition, to)| json!({ "Condition": expression(condition), "Next": to }))
        .collect();
    let mut value = json!({ "Type": "Choice", "Choices": rules });
    if let Some(default) = &choice.default {
        extend(&mut value, json!({ "Default": default }));
    }
    value
}

fn map(map: &Map) -> Value {
    let mut each = json!({ "ProcessorConfig": { "Mode": "INLINE" } });
    extend(&mut each, flow(&map.each));
    let mut value = json!({
        "Type": "Map",
        "Items": expression(&map.items),
        "MaxConcurrency": map.concurrency,
        "ItemProcessor": each,
    });
    extend(&mut value, next(&map.next));
    value
}
