//! A state machine as Step Functions describes it, in the terms of its properties.

use super::{LogLevel, StateMachine, Workflow};
use crate::graph::Input;
use crate::resources::{Condition, Unmanaged};
use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types::{
    LogLevel as Level, LoggingConfiguration, StateMachineStatus, StateMachineType,
};
use serde_json::Value;

/// What a state machine being deleted is waited for.
pub(super) const GOING: &str = "running executions to end and the state machine to be gone";
/// Whether payloads are written to the log.
pub(super) const EXECUTION_DATA: &str = "includeExecutionData";
/// A key that encrypts definition and history.
pub(super) const KEY: &str = "kmsKeyId";

/// The ending that Step Functions wants on a log group's ARN and others do not.
pub(super) const ALL_STREAMS: &str = ":*";

pub(super) fn properties(name: &str, shown: &DescribeStateMachineOutput) -> StateMachine {
    let definition = serde_json::from_str(&shown.definition);
    let logging = shown.logging_configuration.as_ref();
    StateMachine {
        name: name.to_owned(),
        workflow: match shown.r#type {
            StateMachineType::Express => Workflow::Express,
            _ => Workflow::Standard,
        },
        definition: definition.unwrap_or_else(|_| Value::String(shown.definition.clone())),
        role: Input::known(&shown.role_arn),
        tracing: shown
            .tracing_configuration
            .as_ref()
            .is_some_and(|t| t.enabled),
        log_group: Input::known(log_group(logging)),
        log_level: match logging.and_then(|logging| logging.level.as_ref()) {
            Some(Level::All) => LogLevel::All,
            Some(Level::Error) => LogLevel::Error,
            Some(Level::Fatal) => LogLevel::Fatal,
            _ => LogLevel::Off,
        },
        unmanaged: unmanaged(shown),
    }
}

pub(super) fn condition(shown: &DescribeStateMachineOutput) -> Condition {
    match shown.status {
        Some(StateMachineStatus::Deleting) => Condition::Settling(GOING),
        _ => Condition::Settled,
    }
}

fn log_group(logging: Option<&LoggingConfiguration>) -> String {
    let destinations = logging
        .map(|logging| logging.destinations())
        .unwrap_or_default();
    let group = destinations
        .first()
        .and_then(|d| d.cloud_watch_logs_log_group());
    let arn = group
        .and_then(|group| group.log_group_arn())
        .unwrap_or_default();
    arn.strip_suffix(ALL_STREAMS).unwrap_or(arn).to_owned()
}

fn unmanaged(shown: &DescribeStateMachineOutput) -> Unmanaged {
    let mut found = Unmanaged::new();
    let logging = shown.logging_configuration.as_ref();
    if logging.is_some_and(|logging| logging.include_execution_data) {
        found.insert(EXECUTION_DATA.to_owned(), true.into());
    }
    let encryption = shown.encryption_configuration.as_ref();
    if let Some(key) = encryption.and_then(|encryption| encryption.kms_key_id()) {
        found.insert(KEY.to_owned(), key.into());
    }
    found
}

/// Writes whole numbers without a fraction.
pub(super) fn normalise(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|n| n.fract() == 0.0 && n.abs() < 9e15);
            if let Some(whole) = whole.filter(|_| number.is_f64()) {
                *value = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(object) => object.values_mut().for_each(normalise),
        _ => {}
    }
}
