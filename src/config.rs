//! infra.toml: defaults and one section per environment, resolved into one typed configuration.
//!
//! The shipped infra.toml is the reference of every key, its unit, default and allowed range.

mod environments;
mod problem;
mod providers;
mod read;
mod section;
mod setting;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use crate::asl;
use payments::settings::ProviderSettings;

pub(crate) use problem::nearest;
pub use problem::{ConfigError, Problem};
pub use values::*;

/// Everything infra.toml says about one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub env: EnvName,
    pub region: Region,
    /// The only account that may be touched, if stated.
    pub account: Option<AccountId>,
    pub endpoint: Endpoint,
    /// `destroy` is refused.
    pub protect: bool,
    /// What no deploy and no destroy replaces or deletes.
    pub protect_resources: Selection,
    /// What a destroy leaves standing.
    pub retain: Selection,
    pub state: State,
    pub tags: BTreeMap<TagKey, TagValue>,
    pub lambda: Lambda,
    pub logs: Logs,
    pub throttling: Throttling,
    pub workflow: Workflow,
    pub retry: Retry,
    pub pipe: Pipe,
    pub table: Table,
    pub key: Key,
    pub secret: Secret,
    pub events: Events,
    pub alarms: Alarms,
    pub dashboard: Dashboard,
    /// The providers that are on; as JSON, the functions' `PAYHOOK_PROVIDERS`.
    pub providers: ProviderSettings,
    pub local: Local,
    pub artifact: Artifact,
}

/// Where AWS calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// AWS itself.
    Aws,
    /// The emulator that payhook starts and stops, on [`Local::port`].
    Emulator,
    /// Something that already runs; nothing is started.
    At(EndpointUrl),
}

/// Where payhook keeps what it knows that it owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub backend: StateBackend,
    /// The bucket, if stated; named after account and region otherwise.
    pub bucket: Option<BucketName>,
    pub prefix: KeyPrefix,
    /// Where the bucket is, if not where the stack is.
    pub region: Option<Region>,
}

/// The two functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lambda {
    pub webhook_validator: FunctionSettings,
    pub payment_processor: FunctionSettings,
}

/// Size and limits of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSettings {
    pub memory: MemoryMb,
    pub timeout: TimeoutSeconds,
    pub reserved_concurrency: ReservedConcurrency,
}

/// Every log group of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    pub retention: LogRetentionDays,
}

/// What the API stage lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttling {
    pub rate_limit: RateLimit,
    pub burst_limit: BurstLimit,
}

/// The state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    pub kind: WorkflowType,
}

/// How the state machine tries an event again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    pub interval: IntervalSeconds,
    pub backoff_rate: BackoffRate,
    pub max_attempts: MaxAttempts,
    /// Always above the interval, as Step Functions demands.
    pub max_delay: MaxDelaySeconds,
}

/// How records travel from the stream to the state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipe {
    pub batch_size: BatchSize,
    pub maximum_batching_window: BatchingWindowSeconds,
    pub maximum_retry_attempts: PipeRetryAttempts,
    pub maximum_record_age: RecordAgeSeconds,
    pub parallelization_factor: ParallelizationFactor,
}

/// The table; point-in-time recovery is always on and has no setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub deletion_protection: bool,
    pub retention: ItemRetention,
}

/// The customer-managed key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub rotation_period: RotationPeriodDays,
    pub deletion_window: DeletionWindowDays,
}

/// The container of the providers' secrets; their values are never managed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub recovery_window: RecoveryWindowDays,
}

/// Where outcomes are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    pub bus: EventBus,
}

/// Alarms of the on-call engineer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarms {
    pub enabled: bool,
    pub email: Option<Email>,
}

/// The dashboard of the on-call engineer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    pub enabled: bool,
}

/// The emulator of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    pub port: Port,
    pub python: Program,
}

/// How the functions are built for AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub builder: Builder,
    pub target: ArmTarget,
    /// The linker cargo uses for that target, if stated.
    pub linker: Option<Program>,
}

impl Retry {
    /// The same as the state machine is told.
    pub fn backoff(&self) -> asl::Backoff {
        asl::Backoff {
            interval_seconds: self.interval.get(),
            rate: self.backoff_rate.get(),
            attempts: self.max_attempts.get(),
            max_delay_seconds: self.max_delay.get(),
        }
    }
}

/// Seconds by which one clock may be ahead of another.
const MARGIN: u32 = 5;

impl FunctionSettings {
    /// Seconds that the state machine gives one run. Lambda must be the first to say that time is up: its answer names the
    /// cause.
    pub fn run_seconds(&self) -> u32 {
        self.timeout.get() + MARGIN
    }

    /// Seconds that an event is kept from others while a run works on it: longer than any run can last, by Lambda's clock
    /// and by the state machine's, so that no second one starts while one may still be writing.
    ///
    /// Tries of one execution are one owner, whose lease each of them renews; in the pauses between them nobody needs it.
    pub fn lease_seconds(&self) -> u32 {
        self.run_seconds() + MARGIN
    }
}

impl Config {
    /// Providers that are on, are asked, and name their events in a list of which their webhooks only tell that it has grown.
    pub fn listing(&self) -> Vec<&str> {
        let asked = self
            .providers
            .iter()
            .filter(|(_, settings)| settings.confirm.is_some());
        let lists = |key: &&str| {
            let provider = payments::providers::by_key(key);
            provider.is_some_and(|provider| provider.list_notice().is_some())
        };
        asked.map(|(key, _)| key.as_str()).filter(lists).collect()
    }

    /// Reads infra.toml and resolves one environment, the file's `default_env` if none is named.
    ///
    /// `endpoint` is the value of AWS_ENDPOINT_URL, which wins over the file in every environment.
    pub fn load(
        path: &Path,
        env: Option<&str>,
        endpoint: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.into(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text, env, endpoint)
    }

    /// Resolves one environment of a text called `name` in errors.
    ///
    /// Every environment is checked, so that a mistake in prod shows before prod is deployed.
    pub fn parse(
        name: &str,
        text: &str,
        env: Option<&str>,
        endpoint: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let endpoint = match endpoint.filter(|given| !given.is_empty()) {
            Some(given) => {
                Some(
                    EndpointUrl::new(given).ok_or_else(|| ConfigError::EndpointVariable {
                        given: given.into(),
                    })?,
                )
            }
            None => None,
        };
        let mut config = read::resolve(name, text, env)?;
        if let Some(given) = endpoint {
            config.endpoint = Endpoint::At(given);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
