//! Assembles the configuration of one environment section by section.

use std::ops::Range;
use toml::de::DeTable;

use super::environments::{choose, environments};
use super::problem::{ConfigError, invalid};
use super::providers;
use super::section::{Notes, Section};
use super::setting::Setting;
use super::values::{
    ApiTimeoutSeconds, ArmTarget, Builder, EndpointUrl, EnvName, Region, StateBackend,
    TimeoutSeconds, WorkflowType,
};
use super::{
    Alarms, Artifact, Config, Dashboard, Endpoint, Events, FunctionSettings, Key, Lambda, Local,
    Logs, Pipe, Retry, Secret, State, Table, Throttling, Workflow,
};
use crate::asl;

/// Resolves the wanted environment and checks all of them.
pub(super) fn resolve(name: &str, text: &str, wanted: Option<&str>) -> Result<Config, ConfigError> {
    let notes = Notes::default();
    let config = read_all(&notes, text, wanted);
    let findings = notes.findings.into_inner();
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        _ => Err(invalid(name, text, findings, &notes.masked.into_inner())),
    }
}

/// Every key a file can hold, by its path, with what it allows.
#[cfg(test)]
pub(super) fn keys() -> std::collections::BTreeMap<String, String> {
    let notes = Notes::default();
    read_all(&notes, "[env.dev]\n", None);
    notes.keys.into_inner()
}

fn read_all(notes: &Notes, text: &str, wanted: Option<&str>) -> Option<Config> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        notes.add(
            error.span(),
            format!("this is not TOML: {}", error.message()),
            "here".into(),
            None,
        );
    }
    if !errors.is_empty() {
        return None;
    }
    let root = root.get_ref();
    let envs = environments(notes, root);
    let chosen = choose(notes, root, &envs, wanted);
    let mut config = None;
    for (env, overrides) in &envs {
        let read = read_env(notes, root, overrides, env);
        if Some(env) == chosen.as_ref() {
            config = read;
        }
    }
    config
}

fn read_env<'a>(
    notes: &'a Notes,
    root: &'a DeTable<'a>,
    overrides: &'a DeTable<'a>,
    env: &EnvName,
) -> Option<Config> {
    let mut top = Section::new(notes, root, overrides);
    let region = region(&mut top, env);
    let account = top.value("account");
    let endpoint = endpoint(&mut top, env);
    let protect = top.value_or("protect", false);
    let protect_resources = top.value_or_default("protect_resources");
    let retain = top.value_or_default("retain");
    let state = state(top.section("state"));
    let tags = top.entries("tags");
    let lambda = lambda(top.section("lambda"));
    let logs = logs(top.section("logs"));
    let throttling = throttling(top.section("throttling"));
    let (workflow, express) = workflow(top.section("workflow"));
    let retry = retry(top.section("retry"));
    let pipe = pipe(top.section("pipe"));
    if workflow.kind == WorkflowType::Express {
        ends_in_time(notes, express, &retry, &lambda.payment_processor, &pipe);
    }
    let table = table(top.section("table"));
    let key = key(top.section("key"));
    let secret = secret(top.section("secret"));
    let events = events(top.section("events"));
    let alarms = alarms(top.section("alarms"));
    let dashboard = dashboard(top.section("dashboard"));
    let providers = providers::read(top.section("providers"));
    let local = local(top.section("local"));
    let artifact = artifact(top.section("artifact"));
    top.done();
    Some(Config {
        env: env.clone(),
        region: region?,
        account,
        endpoint,
        protect,
        protect_resources,
        retain,
        state,
        tags,
        lambda,
        logs,
        throttling,
        workflow,
        retry,
        pipe,
        table,
        key,
        secret,
        events,
        alarms,
        dashboard,
        providers,
        local,
        artifact,
    })
}

fn region(top: &mut Section<'_>, env: &EnvName) -> Option<Region> {
    let region = top.value("region");
    if !top.has("region") {
        top.notes().add(
            None,
            format!("environment `{env}` has no region"),
            String::new(),
            Some(format!(
                "add a line such as region = \"eu-central-1\" at the top or below [env.{env}]"
            )),
        );
    }
    region
}

/// AWS for every environment but `local`, which is the only one that may name another endpoint.
fn endpoint(top: &mut Section<'_>, env: &EnvName) -> Endpoint {
    let at: Option<EndpointUrl> = top.value("endpoint");
    if env.is_local() {
        return at.map_or(Endpoint::Emulator, Endpoint::At);
    }
    if let Some(span) = top.span("endpoint") {
        top.notes().add(
            Some(span),
            format!(
                "`endpoint` belongs below [env.local], and environment `{env}` is deployed to AWS"
            ),
            "this endpoint".into(),
            Some("move it below [env.local], or set AWS_ENDPOINT_URL for a single run".into()),
        );
    }
    Endpoint::Aws
}

fn state(mut section: Section<'_>) -> State {
    let state = State {
        backend: section.value_or("backend", StateBackend::Local),
        bucket: section.value("bucket"),
        prefix: section.value_or_default("prefix"),
        region: section.value("region"),
    };
    section.done();
    state
}

fn lambda(mut section: Section<'_>) -> Lambda {
    let validator = section.section("webhook_validator");
    let processor = section.section("payment_processor");
    section.done();
    Lambda {
        webhook_validator: function::<ApiTimeoutSeconds>(validator),
        payment_processor: function::<TimeoutSeconds>(processor),
    }
}

/// One function, whose timeout has the limit of what calls it.
fn function<T: Setting + Default + Into<TimeoutSeconds>>(
    mut section: Section<'_>,
) -> FunctionSettings {
    let settings = FunctionSettings {
        memory: section.value_or_default("memory_mb"),
        timeout: section.value_or_default::<T>("timeout_seconds").into(),
        reserved_concurrency: section.value_or_default("reserved_concurrency"),
    };
    section.done();
    settings
}

fn logs(mut section: Section<'_>) -> Logs {
    let retention = section.value_or_default("retention_days");
    section.done();
    Logs { retention }
}

fn throttling(mut section: Section<'_>) -> Throttling {
    let throttling = Throttling {
        rate_limit: section.value_or_default("rate_limit"),
        burst_limit: section.value_or_default("burst_limit"),
    };
    section.done();
    throttling
}

/// With the place where the type stands.
fn workflow(mut section: Section<'_>) -> (Workflow, Option<Range<usize>>) {
    let kind = section.value_or("type", WorkflowType::Standard);
    let at = section.span("type");
    section.done();
    (Workflow { kind }, at)
}

/// Step Functions ends an express workflow wherever it is; a failure that is not written down by then never is.
fn ends_in_time(
    notes: &Notes,
    at: Option<Range<usize>>,
    retry: &Retry,
    processor: &FunctionSettings,
    pipe: &Pipe,
) {
    let longest = asl::longest_run(
        &retry.backoff(),
        processor.run_seconds(),
        pipe.batch_size.get(),
    );
    if longest > asl::EXPRESS_SECONDS {
        notes.add(
            at,
            format!(
                "with these settings an execution may take {longest} seconds, and an express workflow is ended after {}",
                asl::EXPRESS_SECONDS
            ),
            "this type".into(),
            Some(format!(
                "lower lambda.payment_processor.timeout_seconds ({}), retry.max_attempts ({}), retry.max_delay_seconds ({}) \
                 or pipe.batch_size ({}, of which {} run at once), or take \"standard\"",
                processor.timeout,
                retry.max_attempts,
                retry.max_delay,
                pipe.batch_size,
                asl::AT_ONCE
            )),
        );
    }
}

fn retry(mut section: Section<'_>) -> Retry {
    let retry = Retry {
        interval: section.value_or_default("interval_seconds"),
        backoff_rate: section.value_or_default("backoff_rate"),
        max_attempts: section.value_or_default("max_attempts"),
        max_delay: section.value_or_default("max_delay_seconds"),
    };
    if retry.max_delay.get() <= retry.interval.get() {
        let at = section
            .span("max_delay_seconds")
            .or_else(|| section.span("interval_seconds"));
        section.notes().add(
            at,
            format!(
                "`retry.max_delay_seconds` ({}) must be above `retry.interval_seconds` ({})",
                retry.max_delay, retry.interval
            ),
            "these two do not fit".into(),
            Some("Step Functions refuses a longest delay that is not above the first".into()),
        );
    }
    section.done();
    retry
}

fn pipe(mut section: Section<'_>) -> Pipe {
    let pipe = Pipe {
        batch_size: section.value_or_default("batch_size"),
        maximum_batching_window: section.value_or_default("maximum_batching_window_seconds"),
        maximum_retry_attempts: section.value_or_default("maximum_retry_attempts"),
        maximum_record_age: section.value_or_default("maximum_record_age_seconds"),
        parallelization_factor: section.value_or_default("parallelization_factor"),
    };
    section.done();
    pipe
}

fn table(mut section: Section<'_>) -> Table {
    let table = Table {
        deletion_protection: section.value_or("deletion_protection", false),
        retention: section.value_or_default("retention_days"),
    };
    section.done();
    table
}

fn key(mut section: Section<'_>) -> Key {
    let key = Key {
        rotation_period: section.value_or_default("rotation_period_days"),
        deletion_window: section.value_or_default("deletion_window_days"),
    };
    section.done();
    key
}

fn secret(mut section: Section<'_>) -> Secret {
    let recovery_window = section.value_or_default("recovery_window_days");
    section.done();
    Secret { recovery_window }
}

fn events(mut section: Section<'_>) -> Events {
    let bus = section.value_or_default("bus");
    section.done();
    Events { bus }
}

fn alarms(mut section: Section<'_>) -> Alarms {
    let alarms = Alarms {
        enabled: section.value_or("enabled", true),
        email: section.value("email"),
    };
    section.done();
    alarms
}

fn dashboard(mut section: Section<'_>) -> Dashboard {
    let enabled = section.value_or("enabled", true);
    section.done();
    Dashboard { enabled }
}

fn local(mut section: Section<'_>) -> Local {
    let local = Local {
        port: section.value_or_default("port"),
        python: section.value_or_default("python"),
    };
    section.done();
    local
}

fn artifact(mut section: Section<'_>) -> Artifact {
    let artifact = Artifact {
        builder: section.value_or("builder", Builder::Auto),
        target: section.value_or("target", ArmTarget::Gnu),
        linker: section.value("linker"),
    };
    section.done();
    artifact
}
