//! A pipe's properties in the shapes of EventBridge, both ways.

use super::{Pipe, StartingPosition};
use crate::graph::{Input, Unresolved};
use crate::resources::{At, Condition, Unmanaged};
use aws_sdk_pipes::operation::describe_pipe::DescribePipeOutput;
use aws_sdk_pipes::types::PipeTargetParameters;

use aws_sdk_pipes::types::{
    DeadLetterConfig, DynamoDbStreamStartPosition, Filter, FilterCriteria,
    OnPartialBatchItemFailureStreams, PipeSourceDynamoDbStreamParameters, PipeSourceParameters,
    PipeState, PipeTargetInvocationType, PipeTargetStateMachineParameters, RequestedPipeState,
    RequestedPipeStateDescribeResponse, UpdatePipeSourceDynamoDbStreamParameters,
    UpdatePipeSourceParameters,
};
use serde_json::{Value, json};

/// Properties behind the source parameters; an emulator that drops those shows none of them.
const SOURCE: &[&str] = &[
    "filters",
    "batchSize",
    "batchingWindowSeconds",
    "startingPosition",
    "maximumRetryAttempts",
    "maximumRecordAgeSeconds",
    "parallelizationFactor",
    "bisectOnFailure",
    "deadLetterQueue",
    "inputTemplate",
];

/// The source parameters of a new pipe.
pub(super) fn source(pipe: &Pipe) -> Result<PipeSourceParameters, Unresolved> {
    let position = match pipe.starting_position {
        StartingPosition::TrimHorizon => DynamoDbStreamStartPosition::TrimHorizon,
        StartingPosition::Latest => DynamoDbStreamStartPosition::Latest,
    };
    let stream = PipeSourceDynamoDbStreamParameters::builder()
        .starting_position(position)
        .batch_size(number(pipe.batch_size))
        .maximum_batching_window_in_seconds(number(pipe.batching_window_seconds))
        .maximum_retry_attempts(pipe.maximum_retry_attempts)
        .maximum_record_age_in_seconds(pipe.maximum_record_age_seconds)
        .parallelization_factor(number(pipe.parallelization_factor))
        .set_on_partial_batch_item_failure(bisect(pipe))
        .dead_letter_config(dead_letters(pipe)?)
        .build();
    Ok(PipeSourceParameters::builder()
        .filter_criteria(criteria(pipe))
        // Building fails only without a starting position.
        .set_dynamo_db_stream_parameters(stream.ok())
        .build())
}

/// The source parameters of an update: EventBridge replaces the whole block, so all of it is sent.
pub(super) fn new_source(pipe: &Pipe) -> Result<UpdatePipeSourceParameters, Unresolved> {
    let stream = UpdatePipeSourceDynamoDbStreamParameters::builder()
        .batch_size(number(pipe.batch_size))
        .maximum_batching_window_in_seconds(number(pipe.batching_window_seconds))
        .maximum_retry_attempts(pipe.maximum_retry_attempts)
        .maximum_record_age_in_seconds(pipe.maximum_record_age_seconds)
        .parallelization_factor(number(pipe.parallelization_factor))
        .set_on_partial_batch_item_failure(bisect(pipe))
        .dead_letter_config(dead_letters(pipe)?)
        .build();
    Ok(UpdatePipeSourceParameters::builder()
        .filter_criteria(criteria(pipe))
        .dynamo_db_stream_parameters(stream)
        .build())
}

/// The target parameters: without an explicit type EventBridge waits for an answer, which a standard state machine
/// never gives.
pub(super) fn target(pipe: &Pipe) -> PipeTargetParameters {
    let machine = PipeTargetStateMachineParameters::builder()
        // Also for an express workflow, which could be waited for: what stays broken is written on its event and stops no
        // other, while a pipe that waited would hold its shard up and hand the whole batch over again.
        .invocation_type(PipeTargetInvocationType::FireAndForget)
        .build();
    PipeTargetParameters::builder()
        .step_function_state_machine_parameters(machine)
        // Only an empty template takes one away.
        .input_template(&pipe.input_template)
        .build()
}

pub(super) fn requested(pipe: &Pipe) -> RequestedPipeState {
    match pipe.running {
        true => RequestedPipeState::Running,
        false => RequestedPipeState::Stopped,
    }
}

fn criteria(pipe: &Pipe) -> FilterCriteria {
    let filters = pipe.filters.iter();
    let filters = filters.map(|pattern| Filter::builder().pattern(pattern.to_string()).build());
    FilterCriteria::builder()
        .set_filters(Some(filters.collect()))
        .build()
}

fn bisect(pipe: &Pipe) -> Option<OnPartialBatchItemFailureStreams> {
    pipe.bisect_on_failure
        .then_some(OnPartialBatchItemFailureStreams::AutomaticBisect)
}

fn dead_letters(pipe: &Pipe) -> Result<DeadLetterConfig, Unresolved> {
    let arn = pipe.dead_letter_queue.get()?;
    Ok(DeadLetterConfig::builder().arn(arn).build())
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn natural(value: Option<i32>, default: u32) -> u32 {
    value.map_or(default, |v| u32::try_from(v).unwrap_or(0))
}

/// The properties that AWS shows, and the names of those that this endpoint does not.
pub(super) fn properties(
    at: &At<Pipe>,
    shown: &DescribePipeOutput,
    emulated: bool,
) -> (Pipe, Vec<&'static str>) {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let wants_running = shown.desired_state() == Some(&RequestedPipeStateDescribeResponse::Running);
    let mut pipe = Pipe {
        name: text(shown.name()),
        description: text(shown.description()),
        source: Input::known(text(shown.source())),
        target: Input::known(text(shown.target())),
        role: Input::known(text(shown.role_arn())),
        running: match shown.current_state() {
            Some(PipeState::Running) => true,
            Some(PipeState::Stopped) => false,
            _ => wants_running,
        },
        input_template: text(shown.target_parameters().and_then(|t| t.input_template())),
        unmanaged: unmanaged(shown),
        ..at.properties.clone()
    };
    let source = shown.source_parameters();
    if source.is_none() && emulated {
        pipe.input_template = at.properties.input_template.clone();
        return (pipe, SOURCE.to_vec());
    }
    let filters = source
        .and_then(|s| s.filter_criteria())
        .map(FilterCriteria::filters);
    pipe.filters = filters
        .unwrap_or_default()
        .iter()
        .filter_map(Filter::pattern)
        .map(|p| serde_json::from_str(p).unwrap_or_else(|_| Value::from(p)))
        .collect();
    let stream = source.and_then(|s| s.dynamo_db_stream_parameters());
    read_stream(&mut pipe, stream);
    (pipe, Vec::new())
}

/// Absent values are AWS's defaults.
fn read_stream(pipe: &mut Pipe, stream: Option<&PipeSourceDynamoDbStreamParameters>) {
    let of = |value: fn(&PipeSourceDynamoDbStreamParameters) -> Option<i32>| stream.and_then(value);
    pipe.batch_size = natural(of(|s| s.batch_size), 100);
    pipe.batching_window_seconds = natural(of(|s| s.maximum_batching_window_in_seconds), 0);
    pipe.parallelization_factor = natural(of(|s| s.parallelization_factor), 1);
    pipe.maximum_retry_attempts = of(|s| s.maximum_retry_attempts).unwrap_or(-1);
    pipe.maximum_record_age_seconds = of(|s| s.maximum_record_age_in_seconds).unwrap_or(-1);
    pipe.bisect_on_failure = stream
        .and_then(|s| s.on_partial_batch_item_failure())
        .is_some();
    pipe.starting_position = match stream.map(|s| s.starting_position()) {
        Some(DynamoDbStreamStartPosition::TrimHorizon) => StartingPosition::TrimHorizon,
        _ => StartingPosition::Latest,
    };
    let queue = stream
        .and_then(|s| s.dead_letter_config())
        .and_then(DeadLetterConfig::arn);
    pipe.dead_letter_queue = Input::known(queue.unwrap_or_default());
}

fn unmanaged(shown: &DescribePipeOutput) -> Unmanaged {
    let target = shown.target_parameters();
    let invocation = target
        .and_then(|t| t.step_function_state_machine_parameters())
        .and_then(|m| m.invocation_type())
        .filter(|t| **t != PipeTargetInvocationType::FireAndForget);
    // Without the block AWS's default applies, which is to wait for an answer.
    let implicit = target.is_some_and(|t| t.step_function_state_machine_parameters().is_none());
    let invocation = match implicit {
        true => Some(json!("REQUEST_RESPONSE")),
        false => invocation.map(|t| t.as_str().into()),
    };
    let filled = |value: Option<&str>| value.filter(|v| !v.is_empty()).map(Value::from);
    let logs = shown.log_configuration().and_then(|l| l.level());
    let settings = [
        ("invocationType", invocation),
        ("enrichment", filled(shown.enrichment())),
        ("kmsKeyIdentifier", filled(shown.kms_key_identifier())),
        (
            "logLevel",
            logs.map(|l| l.as_str())
                .filter(|l| *l != "OFF")
                .map(Value::from),
        ),
    ];
    let set = settings.into_iter();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Where the pipe stands on its way.
pub(super) fn condition(shown: &DescribePipeOutput) -> Condition {
    let reason = || {
        let state = shown.current_state().map_or("UNKNOWN", PipeState::as_str);
        match shown.state_reason().filter(|r| !r.is_empty()) {
            Some(reason) => format!("{state}: {reason}"),
            None => state.to_owned(),
        }
    };
    match shown.current_state() {
        Some(PipeState::Running | PipeState::Stopped) => Condition::Settled,
        Some(PipeState::Creating) => Condition::Settling("pipe to be created"),
        Some(PipeState::Updating) => Condition::Settling("pipe to be updated"),
        Some(PipeState::Starting) => Condition::Settling("pipe to start"),
        Some(PipeState::Stopping) => Condition::Settling("pipe to stop"),
        Some(PipeState::Deleting) => Condition::Settling(super::calls::GOING),
        _ => Condition::Failed(reason()),
    }
}
