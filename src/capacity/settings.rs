//! What to set in infra.toml for a demand.

use super::work::{HANDED_OVER_BYTES, MAP_AT_ONCE, Table};
use super::{Demand, Quotas, Workflow};
use crate::config::{Config, MemoryMb};
use std::fmt::Write;

/// Part of a quota that is planned with; the rest is for what else happens in the account.
pub const PLANNED: f64 = 0.8;
/// What the API lets through at the least, as infra.toml has it by default: a few webhooks at once are no attack.
const LEAST_RATE: u32 = 50;
const LEAST_BURST: u32 = 100;
/// How much more than needed is reserved, since runs are not spread evenly.
const RESERVE: f64 = 1.25;

/// The settings that depend on the number of webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub rate_limit: u32,
    pub burst_limit: u32,
    pub validator_concurrency: u32,
    pub processor_concurrency: u32,
    pub batch_size: u32,
    pub batching_window_seconds: u32,
    pub parallelization_factor: u32,
    pub workflow: Workflow,
    /// In MB, which no number of webhooks changes.
    pub validator_mb: u32,
    pub processor_mb: u32,
}

/// One key of infra.toml and its value as TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The table that it is in, below the environment.
    pub section: &'static str,
    pub key: &'static str,
    pub value: String,
}

impl Settings {
    /// The settings that let the peak through.
    pub fn of(demand: &Demand, quotas: &Quotas) -> Settings {
        let (peak, region) = (f64::from(demand.peak), demand.region.as_str());
        let starts = match demand.workflow {
            Workflow::Standard => &quotas.standard_starts,
            Workflow::Express => &quotas.express_starts,
        };
        // As few executions as may be started.
        let wanted = (peak / (PLANNED * starts.of(region))).ceil();
        let wanted = wanted.min(largest_batch(demand, quotas));
        let shard = peak / Table::of(demand).partitions(demand, quotas);
        let poll = demand.assumed.poll_ms / 1_000.0;
        let window = match wanted <= (shard * poll).max(1.0) {
            true => 0.0,
            false => (wanted / shard).ceil().min(300.0),
        };
        let batch_size = wanted.max(10.0);
        let batch = (shard * window.max(poll)).clamp(1.0, batch_size);
        let in_flight = shard / batch * demand.assumed.start_ms / 1_000.0 / PLANNED;
        Settings {
            rate_limit: demand.peak.max(LEAST_RATE),
            burst_limit: whole(peak.clamp(f64::from(LEAST_BURST), quotas.api_burst.of(region))),
            validator_concurrency: concurrency(peak, demand.assumed.validator_ms, quotas, region),
            processor_concurrency: concurrency(peak, demand.assumed.processor_ms, quotas, region),
            batch_size: whole(batch_size),
            batching_window_seconds: whole(window),
            parallelization_factor: whole(in_flight.ceil().clamp(1.0, 10.0)),
            workflow: demand.workflow,
            validator_mb: MemoryMb::default().get(),
            processor_mb: MemoryMb::default().get(),
        }
    }

    /// What infra.toml says of an environment.
    pub fn standing(config: &Config) -> Settings {
        let (validator, processor) = (
            &config.lambda.webhook_validator,
            &config.lambda.payment_processor,
        );
        Settings {
            rate_limit: config.throttling.rate_limit.get(),
            burst_limit: config.throttling.burst_limit.get(),
            validator_concurrency: validator.reserved_concurrency.get(),
            processor_concurrency: processor.reserved_concurrency.get(),
            batch_size: config.pipe.batch_size.get(),
            batching_window_seconds: config.pipe.maximum_batching_window.get(),
            parallelization_factor: config.pipe.parallelization_factor.get(),
            workflow: config.workflow.kind.into(),
            validator_mb: validator.memory.get(),
            processor_mb: processor.memory.get(),
        }
    }

    /// What stands where it is enough, and else what is needed.
    pub fn over(self, standing: &Settings, demand: &Demand, quotas: &Quotas) -> Settings {
        let largest = whole(largest_batch(demand, quotas));
        Settings {
            rate_limit: self.rate_limit.max(standing.rate_limit),
            burst_limit: self.burst_limit.max(standing.burst_limit),
            validator_concurrency: self
                .validator_concurrency
                .max(standing.validator_concurrency),
            processor_concurrency: self
                .processor_concurrency
                .max(standing.processor_concurrency),
            batch_size: self.batch_size.max(standing.batch_size).min(largest),
            batching_window_seconds: self
                .batching_window_seconds
                .max(standing.batching_window_seconds),
            parallelization_factor: self
                .parallelization_factor
                .max(standing.parallelization_factor),
            workflow: self.workflow,
            validator_mb: standing.validator_mb,
            processor_mb: standing.processor_mb,
        }
    }

    /// Every setting that depends on the number of webhooks.
    pub fn all(&self) -> Vec<Setting> {
        let number = |section, key, value: u32| Setting {
            section,
            key,
            value: value.to_string(),
        };
        let (validator, processor) = ("lambda.webhook_validator", "lambda.payment_processor");
        let reserved = "reserved_concurrency";
        let window = self.batching_window_seconds;
        vec![
            number("throttling", "rate_limit", self.rate_limit),
            number("throttling", "burst_limit", self.burst_limit),
            number(validator, reserved, self.validator_concurrency),
            number(processor, reserved, self.processor_concurrency),
            number("pipe", "batch_size", self.batch_size),
            number("pipe", "maximum_batching_window_seconds", window),
            number(
                "pipe",
                "parallelization_factor",
                self.parallelization_factor,
            ),
            Setting {
                section: "workflow",
                key: "type",
                value: format!("\"{}\"", self.workflow.as_str()),
            },
        ]
    }

    /// The settings that differ from what stands, each with what does; all of them where nothing stands.
    pub fn changes(&self, standing: Option<&Settings>) -> Vec<(Setting, Option<String>)> {
        let all = self.all().into_iter();
        let Some(standing) = standing else {
            return all.map(|setting| (setting, None)).collect();
        };
        all.zip(standing.all())
            .filter(|(to, now)| to != now)
            .map(|(to, now)| (to, Some(now.value)))
            .collect()
    }
}

/// Settings as a fragment of infra.toml: of one environment, or above all; `now` says what stands in their place.
pub fn fragment(settings: &[(Setting, Option<String>)], env: Option<&str>) -> String {
    let mut text = String::new();
    let mut section = None;
    for (setting, now) in settings {
        if section.replace(setting.section) != Some(setting.section) {
            let gap = if text.is_empty() { "" } else { "\n" };
            let env = env.map_or(String::new(), |env| format!("env.{env}."));
            let _ = writeln!(text, "{gap}[{env}{}]", setting.section);
        }
        let now = now
            .as_ref()
            .map_or(String::new(), |now| format!("  # now {now}"));
        let _ = writeln!(text, "{} = {}{now}", setting.key, setting.value);
    }
    text
}

/// Events whose keys fit the input of one execution; of an express one, which ends after five minutes, no more than are
/// worked on at once.
fn largest_batch(demand: &Demand, quotas: &Quotas) -> f64 {
    let fit = (PLANNED * quotas.execution_input.of(&demand.region) / HANDED_OVER_BYTES).floor();
    match demand.workflow {
        Workflow::Standard => fit,
        Workflow::Express => fit.min(MAP_AT_ONCE),
    }
}

/// Concurrent runs for the peak: as long as a run takes, and no more requests per second than Lambda hands to one.
fn concurrency(peak: f64, run_ms: f64, quotas: &Quotas, region: &str) -> u32 {
    let seconds = (run_ms / 1_000.0).max(1.0 / quotas.lambda_requests.of(region));
    // Ten are the default, and few enough to keep.
    whole((RESERVE * peak * seconds).ceil().max(10.0))
}

/// A number that was made whole before and is far within range.
fn whole(value: f64) -> u32 {
    value as u32
}
