//! Both functions: their size, their wiring, their environment.

use super::Names;
use crate::config::{Config, FunctionSettings};
use crate::graph::{Handle, Input, Output, Text, given, join};
use crate::resources::Unmanaged;
use crate::resources::bucket::Bucket;
use crate::resources::function::{Architecture, Function};
use crate::resources::key::Key;
use crate::resources::log_group::LogGroup;
use crate::resources::role::Role;
use crate::resources::secret::Secret;
use std::collections::BTreeMap;

/// What all functions have in common, before they are wired.
pub(super) struct Unwired {
    name: String,
    artifact: &'static str,
    memory_mb: u32,
    timeout_seconds: u32,
    reserved_concurrency: u32,
    architecture: Architecture,
}

pub(super) fn function(
    config: &Config,
    artifact: &'static str,
    name: &str,
    settings: &FunctionSettings,
) -> Unwired {
    Unwired {
        name: name.to_owned(),
        artifact,
        memory_mb: settings.memory.get(),
        timeout_seconds: settings.timeout.get(),
        reserved_concurrency: settings.reserved_concurrency.get(),
        architecture: architecture(config),
    }
}

/// Always Graviton: also the emulator is told so, although it runs what the zip holds.
fn architecture(_config: &Config) -> Architecture {
    Architecture::Arm64
}

impl Unwired {
    pub(super) fn wired(
        self,
        role: &Handle<Role>,
        key: &Handle<Key>,
        logs: &Handle<LogGroup>,
    ) -> Function {
        Function {
            // A role made anew under its name is another one to KMS: with its id here every function of it is configured
            // and published again, which renews the grant on the key; facts of AWS: re:Post, lambda-kmsaccessdeniedexception.
            description: join([
                format!(
                    "{} of the payment webhook pipeline; owned by payhook; role ",
                    self.artifact
                )
                .into(),
                role.id().into(),
            ]),
            runtime: "provided.al2023".to_owned(),
            architecture: self.architecture,
            code: Output::given(given::ARTIFACT, self.artifact).into(),
            role: role.arn().into(),
            memory_mb: self.memory_mb,
            timeout_seconds: self.timeout_seconds,
            reserved_concurrency: Some(self.reserved_concurrency),
            environment: BTreeMap::new(),
            key: key.arn().into(),
            tracing: true,
            log_group: logs.log_group_name().into(),
            name: self.name,
            unmanaged: Unmanaged::new(),
        }
    }
}

impl Function {
    pub(super) fn environment(mut self, variables: BTreeMap<String, Input<Text>>) -> Self {
        self.environment = variables;
        self
    }
}

fn common_environment(
    config: &Config,
    names: &Names,
    secret: &Handle<Secret>,
) -> BTreeMap<String, Input<Text>> {
    let mut variables = BTreeMap::from([
        ("TABLE_NAME".to_owned(), Input::known(names.table.clone())),
        (
            "SECRET_ID".to_owned(),
            Input::from(secret.arn()).into_text(),
        ),
        ("PAYHOOK_ENV".to_owned(), Input::known(config.env.as_str())),
        (
            "PAYHOOK_PROVIDERS".to_owned(),
            Input::known(serde_json::to_string(&config.providers).unwrap_or_default()),
        ),
    ]);
    if let Some(days) = config.table.retention.days() {
        variables.insert(
            "PAYHOOK_RETENTION_DAYS".to_owned(),
            Input::known(days.to_string()),
        );
    }
    variables
}

pub(super) fn validator_environment(
    config: &Config,
    names: &Names,
    secret: &Handle<Secret>,
    bodies: &Handle<Bucket>,
) -> BTreeMap<String, Input<Text>> {
    let mut variables = common_environment(config, names, secret);
    variables.insert(
        "BODIES_BUCKET".to_owned(),
        Input::from(bodies.bucket_name()).into_text(),
    );
    variables.insert(
        "BODIES_OWNER".to_owned(),
        Input::from(Output::account()).into_text(),
    );
    variables
}

pub(super) fn processor_environment(
    config: &Config,
    names: &Names,
    secret: &Handle<Secret>,
) -> BTreeMap<String, Input<Text>> {
    let mut variables = common_environment(config, names, secret);
    let lease = config.lambda.payment_processor.lease_seconds();
    variables.insert(
        "PAYHOOK_EVENT_BUS".to_owned(),
        Input::known(config.events.bus.as_str()),
    );
    variables.insert(
        "PAYHOOK_LEASE_SECONDS".to_owned(),
        Input::known(lease.to_string()),
    );
    variables
}
