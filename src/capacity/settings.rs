//! What to set in infra.toml for a demand.

use super::work::{HANDED_OVER_BYTES, Table};
use super::{Demand, Quotas, Workflow};
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
    /// Of both functions, in MB: the default, which no number of webhooks changes.
    pub memory_mb: u32,
}

impl Settings {
    /// The settings that let the peak through.
    pub fn of(demand: &Demand, quotas: &Quotas) -> Settings {
        let (peak, region) = (f64::from(demand.peak), demand.region.as_str());
        let starts = match demand.workflow {
            Workflow::Standard => &quotas.standard_starts,
            Workflow::Express => &quotas.express_starts,
        };
        // As few executions as may be started; more events than these would not fit the input of one.
        let largest = (PLANNED * quotas.execution_input.of(region) / HANDED_OVER_BYTES).floor();
        let wanted = (peak / (PLANNED * starts.of(region))).ceil().min(largest);
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
            memory_mb: 256,
        }
    }

    /// A fragment of infra.toml.
    pub fn toml(&self) -> String {
        let mut text = String::new();
        let mut section = |name: &str, keys: &[(&str, u32)]| {
            let _ = writeln!(text, "{}[{name}]", if text.is_empty() { "" } else { "\n" });
            for (key, value) in keys {
                let _ = writeln!(text, "{key} = {value}");
            }
        };
        section(
            "throttling",
            &[
                ("rate_limit", self.rate_limit),
                ("burst_limit", self.burst_limit),
            ],
        );
        section(
            "lambda.webhook_validator",
            &[("reserved_concurrency", self.validator_concurrency)],
        );
        section(
            "lambda.payment_processor",
            &[("reserved_concurrency", self.processor_concurrency)],
        );
        section(
            "pipe",
            &[
                ("batch_size", self.batch_size),
                (
                    "maximum_batching_window_seconds",
                    self.batching_window_seconds,
                ),
                ("parallelization_factor", self.parallelization_factor),
            ],
        );
        let _ = writeln!(text, "\n[workflow]\ntype = \"{}\"", self.workflow.as_str());
        text
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
