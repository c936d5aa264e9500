//! Constraints 1 to 7.

use super::{Breach, all, each, unless};
use crate::graph::{Graph, Input, KeyArn, Part};
use crate::resources::api_stage::ApiStage;
use crate::resources::bucket::Bucket;
use crate::resources::function::{Architecture, Function};
use crate::resources::key::Key;
use crate::resources::log_group::LogGroup;
use crate::resources::pipe::Pipe;
use crate::resources::queue::Queue;
use crate::resources::secret::Secret;
use crate::resources::state_machine::StateMachine;
use crate::resources::table::{AttributeKind, Billing, StreamView, Table};
use serde_json::{Value, json};

pub(super) fn graviton(graph: &Graph) -> Vec<Breach> {
    each(graph, |function: &Function| {
        [
            unless(
                function.architecture == Architecture::Arm64,
                "it does not run on arm64",
            ),
            unless(
                function.runtime == "provided.al2023",
                "its runtime is not provided.al2023",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}

pub(super) fn table(graph: &Graph) -> Vec<Breach> {
    each(graph, |table: &Table| {
        let partition = ("paymentId", AttributeKind::S);
        let sort = ("timestamp", AttributeKind::N);
        [
            unless(
                table.billing == Billing::OnDemand,
                "it is not billed on demand",
            ),
            unless(
                table.point_in_time_recovery,
                "point-in-time recovery is off",
            ),
            unless(
                table.stream == Some(StreamView::NewAndOldImages),
                "its stream does not carry new and old images",
            ),
            unless(
                table.key.is_some(),
                "it is not encrypted with the customer-managed key",
            ),
            unless(
                (table.partition_key.name.as_str(), table.partition_key.kind) == partition,
                "its partition key is not paymentId (S)",
            ),
            unless(
                (table.sort_key.name.as_str(), table.sort_key.kind) == sort,
                "its sort key is not timestamp (N)",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}

pub(super) fn one_key(graph: &Graph) -> Vec<Breach> {
    let keys = all::<Key>(graph);
    let mut breaches = each(graph, |key: &Key| {
        unless(key.rotation, "it is not rotated")
            .into_iter()
            .collect()
    });
    if let [_, (second, _), ..] = keys.as_slice() {
        let problem = "there is more than one key".to_owned();
        breaches.push(Breach {
            resource: second.clone(),
            problem,
        });
    }
    let Some((owner, _)) = keys.first() else {
        return breaches;
    };
    let ours = |key: Option<&Input<KeyArn>>| {
        let of_key = |part: &Part| matches!(part, Part::Output(r) if r.resource == *owner);
        let used = key.is_some_and(|key| key.parts().iter().any(of_key));
        unless(used, "it is not encrypted with the stack's key")
            .into_iter()
            .collect::<Vec<_>>()
    };
    breaches.extend(each(graph, |f: &Function| ours(Some(&f.key))));
    // A table without any key is constraint 2's to tell; here only another key counts.
    breaches.extend(each(graph, |t: &Table| {
        t.key.as_ref().map_or(vec![], |key| ours(Some(key)))
    }));
    breaches.extend(each(graph, |b: &Bucket| ours(b.key.as_ref())));
    breaches.extend(each(graph, |s: &Secret| ours(Some(&s.key))));
    breaches.extend(each(graph, |q: &Queue| ours(Some(&q.key))));
    breaches.extend(each(graph, |l: &LogGroup| ours(Some(&l.key))));
    breaches
}

pub(super) fn reserved_concurrency(graph: &Graph) -> Vec<Breach> {
    each(graph, |function: &Function| {
        unless(
            function.reserved_concurrency.is_some(),
            "it has no reserved concurrency",
        )
        .into_iter()
        .collect()
    })
}

pub(super) fn tracing(graph: &Graph) -> Vec<Breach> {
    let off = |tracing: bool| {
        unless(tracing, "X-Ray tracing is off")
            .into_iter()
            .collect()
    };
    let mut breaches = each(graph, |function: &Function| off(function.tracing));
    breaches.extend(each(graph, |stage: &ApiStage| off(stage.tracing)));
    breaches.extend(each(graph, |machine: &StateMachine| off(machine.tracing)));
    breaches
}

/// Every task, at any depth, retries with growing, jittered, capped pauses; whatever calls a function also catches.
pub(super) fn retries(graph: &Graph) -> Vec<Breach> {
    each(graph, |machine: &StateMachine| {
        let mut tasks = Vec::new();
        collect_tasks(&machine.definition, &mut tasks);
        let invoking: Vec<&(String, Value)> =
            tasks.iter().filter(|(_, task)| invokes(task)).collect();
        let mut problems: Vec<String> = unless(!invoking.is_empty(), "it calls no function")
            .into_iter()
            .collect();
        for (name, task) in invoking {
            let backoff = task["Retry"]
                .as_array()
                .is_some_and(|r| r.iter().any(is_exponential));
            problems.extend((!backoff).then(|| {
                format!("state `{name}` does not retry with exponential backoff, jitter and a cap")
            }));
            let caught = task["Catch"].as_array().is_some_and(|catches| {
                catches
                    .iter()
                    .any(|c| c["ErrorEquals"] == json!(["States.ALL"]))
            });
            problems
                .extend((!caught).then(|| format!("state `{name}` does not catch what is left")));
        }
        problems
    })
}

/// The integration's ARN is a join, since it names the partition.
fn invokes(task: &Value) -> bool {
    task["Resource"]
        .to_string()
        .contains(":states:::lambda:invoke")
}

fn is_exponential(retry: &Value) -> bool {
    retry["BackoffRate"].as_f64().is_some_and(|rate| rate > 1.0)
        && retry["MaxAttempts"]
            .as_u64()
            .is_some_and(|attempts| attempts >= 1)
        && retry["MaxDelaySeconds"].is_u64()
        && retry["JitterStrategy"] == "FULL"
}

fn collect_tasks(value: &Value, tasks: &mut Vec<(String, Value)>) {
    let Value::Object(object) = value else { return };
    if let Some(Value::Object(states)) = object.get("States") {
        for (name, state) in states {
            if state["Type"] == "Task" {
                tasks.push((name.clone(), state.clone()));
            }
        }
    }
    object
        .values()
        .for_each(|inner| collect_tasks(inner, tasks));
}

pub(super) fn pipe(graph: &Graph) -> Vec<Breach> {
    let insert_of_event = json!({
        "eventName": ["INSERT"],
        "dynamodb": { "NewImage": { "recordType": { "S": ["event"] } } }
    });
    each(graph, |pipe: &Pipe| {
        [
            unless(
                uses::<Table, _>(graph, &pipe.source, "streamArn"),
                "its source is not the stream of the stack's table",
            ),
            unless(
                uses::<StateMachine, _>(graph, &pipe.target, "stateMachineArn"),
                "its target is not the stack's state machine",
            ),
            unless(
                pipe.filters == [insert_of_event.clone()],
                "it lets more through than inserts of events",
            ),
            unless(pipe.maximum_retry_attempts >= 0, "it retries without end"),
            unless(
                pipe.maximum_record_age_seconds > 0,
                "it keeps trying old records without end",
            ),
            unless(pipe.bisect_on_failure, "it does not bisect a failing batch"),
            unless(
                uses::<Queue, _>(graph, &pipe.dead_letter_queue, "queueArn"),
                "it has no dead-letter queue",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}

/// Whether an input is the named output of a resource of kind `R`.
fn uses<R, T>(graph: &Graph, input: &Input<T>, output: &str) -> bool
where
    R: crate::graph::Declared,
{
    match input.parts() {
        [Part::Output(reference)] => {
            reference.output == output
                && graph
                    .get(&reference.resource)
                    .is_some_and(|node| node.kind == R::KIND)
        }
        _ => false,
    }
}
