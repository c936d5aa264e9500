//! A function as Lambda describes it, in the terms of its properties.

use super::{Architecture, Function};
use crate::graph::Input;
use crate::resources::veil::veil;
use crate::resources::{Class, CloudError, Condition, Unmanaged};
use aws_sdk_lambda::operation::get_alias::GetAliasOutput;
use aws_sdk_lambda::types::{
    Architecture as Shown, FunctionConfiguration, LastUpdateStatus, LogFormat, State, TracingMode,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the bootstrap of every custom runtime ignores but Lambda requires.
pub(super) const HANDLER: &str = "bootstrap";
/// Properties in which the version behind `live` differs from the function.
pub(super) const LIVE: &str = "live";
/// Versions that get a share of the alias's traffic.
pub(super) const TRAFFIC: &str = "liveTraffic";
/// What somebody wrote on the alias.
pub(super) const NOTE: &str = "liveDescription";
/// All that publishing takes back.
pub(super) const OF_ALIAS: [&str; 3] = [LIVE, TRAFFIC, NOTE];

pub(super) const STORAGE: &str = "ephemeralStorageMb";
pub(super) const LAYERS: &str = "layers";
pub(super) const SUBNETS: &str = "subnets";
pub(super) const DEAD_LETTERS: &str = "deadLetterTarget";
pub(super) const FILES: &str = "fileSystems";

/// What every function has without asking.
pub(super) const STORAGE_MB: i32 = 512;

/// What Lambda waits for before a change is in effect, or why it gave up.
pub(super) fn condition(shown: &FunctionConfiguration) -> Condition {
    match shown.state() {
        Some(State::Pending) => return Condition::Settling("the function to become active"),
        Some(State::Deleting) => return Condition::Settling("the function to be gone"),
        Some(State::Failed) => {
            let why = shown.state_reason().unwrap_or("Lambda gives no reason");
            return Condition::Failed(why.to_owned());
        }
        _ => {}
    }
    match shown.last_update_status() {
        Some(LastUpdateStatus::InProgress) => {
            Condition::Settling("the function's update to take effect")
        }
        Some(LastUpdateStatus::Failed) => {
            let why = shown.last_update_status_reason();
            Condition::Failed(why.unwrap_or("Lambda gives no reason").to_owned())
        }
        _ => Condition::Settled,
    }
}

/// What a function's or version's configuration says; concurrency belongs to neither.
pub(super) fn properties(
    declared: &Function,
    shown: &FunctionConfiguration,
) -> Result<Function, CloudError> {
    let name = &declared.name;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let logging = shown
        .logging_config()
        .and_then(|logging| logging.log_group());
    let tracing = shown.tracing_config().and_then(|tracing| tracing.mode());
    Ok(Function {
        name: name.clone(),
        description: Input::known(text(shown.description())),
        runtime: text(shown.runtime().map(|runtime| runtime.as_str())),
        architecture: match shown.architectures() {
            [Shown::Arm64, ..] => Architecture::Arm64,
            _ => Architecture::X86_64,
        },
        code: Input::known(text(shown.code_sha256())),
        role: Input::known(text(shown.role())),
        memory_mb: number(shown.memory_size()),
        timeout_seconds: number(shown.timeout()),
        reserved_concurrency: None,
        environment: environment(declared, shown)?,
        key: Input::known(text(shown.kms_key_arn())),
        tracing: tracing == Some(&TracingMode::Active),
        log_group: Input::known(text(logging)),
        unmanaged: unmanaged(shown),
    })
}

fn number(number: Option<i32>) -> u32 {
    number.unwrap_or_default().unsigned_abs()
}

/// Without leave to decrypt, Lambda shows an error in the place of the variables: that is not an empty environment.
///
/// A variable that payhook does not declare may hold a secret: its value goes no further than here.
fn environment(
    declared: &Function,
    shown: &FunctionConfiguration,
) -> Result<BTreeMap<String, Input<crate::graph::Text>>, CloudError> {
    let name = &declared.name;
    let Some(environment) = shown.environment() else {
        return Ok(BTreeMap::new());
    };
    if let Some(error) = environment.error() {
        let message = format!(
            "the environment of `{name}` cannot be decrypted ({}); whoever deploys needs kms:Decrypt on {}, and the key must be enabled",
            error
                .message()
                .or(error.error_code())
                .unwrap_or("no reason given"),
            shown.kms_key_arn().unwrap_or("its key"),
        );
        let call = "lambda:GetFunction";
        return Err(CloudError::new(
            call,
            Class::Denied,
            "environment-unreadable",
            message,
        ));
    }
    let variables = environment.variables().into_iter().flatten();
    Ok(variables
        .map(|(key, value)| {
            let value = match declared.environment.contains_key(key) {
                true => value.clone(),
                false => veil(&format!("{name}/{key}"), value),
            };
            (key.clone(), Input::known(value))
        })
        .collect())
}

/// Settings that an update of the configuration takes back.
fn unmanaged(shown: &FunctionConfiguration) -> Unmanaged {
    let format = shown
        .logging_config()
        .and_then(|logging| logging.log_format());
    let storage = shown.ephemeral_storage().map(|storage| storage.size());
    let layers: Vec<&str> = shown.layers().iter().filter_map(|l| l.arn()).collect();
    let subnets = shown
        .vpc_config()
        .map(|vpc| vpc.subnet_ids())
        .unwrap_or_default();
    let dead_letters = shown
        .dead_letter_config()
        .and_then(|config| config.target_arn());
    let files = shown.file_system_configs().iter().map(|files| files.arn());
    let files: Vec<&str> = files.collect();
    let found = [
        (FILES, (!files.is_empty()).then(|| json!(files))),
        (
            "handler",
            shown.handler().filter(|h| *h != HANDLER).map(Value::from),
        ),
        (
            "logFormat",
            format
                .filter(|f| **f != LogFormat::Text)
                .map(|f| f.as_str().into()),
        ),
        (
            STORAGE,
            storage.filter(|size| *size != STORAGE_MB).map(Value::from),
        ),
        (LAYERS, (!layers.is_empty()).then(|| json!(layers))),
        (SUBNETS, (!subnets.is_empty()).then(|| json!(subnets))),
        (
            DEAD_LETTERS,
            dead_letters.filter(|arn| !arn.is_empty()).map(Value::from),
        ),
    ];
    found
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// How the alias `live` departs from the function as it is configured.
pub(super) fn alias_unmanaged(
    latest: &Function,
    live: Option<&Function>,
    alias: Option<&GetAliasOutput>,
) -> Unmanaged {
    let mut found = Unmanaged::new();
    let (Some(live), Some(alias)) = (live, alias) else {
        found.insert(LIVE.to_owned(), "missing".into());
        return found;
    };
    let differing = differing(latest, live);
    if !differing.is_empty() {
        found.insert(LIVE.to_owned(), json!(differing));
    }
    let weights = alias
        .routing_config()
        .and_then(|r| r.additional_version_weights());
    if let Some(weights) = weights.filter(|weights| !weights.is_empty()) {
        let weights: BTreeMap<_, _> = weights.iter().collect();
        found.insert(TRAFFIC.to_owned(), json!(weights));
    }
    if let Some(note) = alias.description().filter(|note| !note.is_empty()) {
        found.insert(NOTE.to_owned(), note.into());
    }
    found
}

/// Names of the properties in which two functions differ.
pub(super) fn differing(one: &Function, other: &Function) -> Vec<String> {
    let data = |function: &Function| serde_json::to_value(function).unwrap_or_default();
    let (one, other) = (data(one), data(other));
    let properties = one.as_object().into_iter().flatten();
    properties
        .filter(|(name, value)| other.get(name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect()
}
