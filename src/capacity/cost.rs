//! What a month costs, step by step.

use super::work::INDEX_WRITES;
use super::{Demand, Price, Prices, Settings, Work, Workflow};

/// Seconds of a month, which AWS counts as 730 hours.
pub const MONTH: f64 = 730.0 * 3_600.0;
const GB: f64 = 1_024.0 * 1_024.0 * 1_024.0;
/// Memory that an express workflow of this size is billed for, in GB.
const EXPRESS_GB: f64 = 64.0 / 1_024.0;
/// Days of a month, as long as [`MONTH`].
const MONTH_DAYS: f64 = MONTH / 86_400.0;
/// Months that are counted of what is kept for ever.
const YEAR: f64 = 12.0;
/// Alarms of the stack.
pub const ALARMS: f64 = 11.0;

/// One line of the bill.
#[derive(Clone, Debug)]
pub struct Cost {
    pub step: &'static str,
    /// What is paid for.
    pub what: String,
    pub parts: Vec<Part>,
}

/// An amount at a price.
#[derive(Clone, Debug)]
pub struct Part {
    /// The price's name in prices.toml.
    pub name: &'static str,
    pub price: Price,
    /// Units in a month.
    pub amount: f64,
}

impl Part {
    /// Dollars a month.
    pub fn usd_month(&self) -> f64 {
        self.price.of(self.amount)
    }
}

impl Cost {
    /// Millions of webhooks in a month.
    pub fn millions(demand: &Demand) -> f64 {
        f64::from(demand.rps) * MONTH / 1e6
    }

    /// Dollars a month.
    pub fn usd_month(&self) -> f64 {
        self.parts.iter().map(Part::usd_month).sum()
    }

    /// Whether every price in it was read at its source; see [`Price::read`].
    pub fn read(&self) -> bool {
        self.parts.iter().all(|part| part.price.read)
    }
}

macro_rules! parts {
    ($prices:ident, $($name:ident: $amount:expr),* $(,)?) => {
        vec![$(Part { name: stringify!($name), price: $prices.$name.clone(), amount: $amount }),*]
    };
}

/// Every line of a month's bill, once as much is kept as is ever kept.
pub fn monthly(demand: &Demand, settings: &Settings, work: &Work, prices: &Prices) -> Vec<Cost> {
    let webhooks = f64::from(demand.rps) * MONTH;
    let line = |step, what: &str, parts| Cost {
        step,
        what: what.to_owned(),
        parts,
    };
    let (months, kept) = months_kept(demand.kept.event_days);
    let log_gb = webhooks * demand.assumed.log_bytes / GB;
    let log_months = f64::from(demand.kept.log_days) / MONTH_DAYS;
    let looks = MONTH / (demand.assumed.poll_ms / 1_000.0) * work.partitions;
    let table_gb = webhooks * work.stored_bytes / GB * months;
    let objects = match work.object_bytes > 0.0 {
        true => webhooks,
        false => 0.0,
    };
    vec![
        line(
            "receive",
            "API Gateway",
            parts!(prices, api_request: webhooks),
        ),
        line(
            "verify",
            "webhook-validator",
            function(
                prices,
                webhooks,
                settings.validator_mb,
                demand.assumed.validator_ms,
            ),
        ),
        line(
            "store",
            "DynamoDB writes and reads",
            parts!(prices,
                table_write: webhooks * (work.table_writes + INDEX_WRITES),
                table_read: webhooks * work.table_reads,
            ),
        ),
        line(
            "store",
            &format!("DynamoDB storage and recovery, {kept}"),
            parts!(prices, table_gb_month: table_gb, backup_gb_month: table_gb),
        ),
        line(
            "store",
            "S3, for bodies that fit no item",
            parts!(prices,
                object_write: objects,
                object_gb_month: objects * work.object_bytes / GB * months,
            ),
        ),
        line(
            "hand over",
            "stream and pipe",
            parts!(prices, stream_read: looks, pipe_request: webhooks),
        ),
        line(
            "process",
            "Step Functions",
            workflow(demand, work, prices, webhooks),
        ),
        line(
            "process",
            "payment-processor",
            function(
                prices,
                webhooks,
                settings.processor_mb,
                demand.assumed.processor_ms,
            ),
        ),
        line(
            "publish",
            "EventBridge",
            parts!(prices, bus_event: webhooks),
        ),
        line(
            "all",
            &format!("logs, kept {} days, and traces", demand.kept.log_days),
            parts!(prices,
                log_gb: log_gb,
                log_gb_month: log_gb * log_months,
                trace: webhooks * demand.assumed.traced,
            ),
        ),
        line(
            "all",
            "key, secret, alarms and dashboard",
            parts!(prices,
                key_month: 1.0,
                secret_month: 1.0,
                alarm_month: ALARMS,
                dashboard_month: 1.0,
                kms_request: keys(demand, settings),
            ),
        ),
    ]
}

/// Months of webhooks that are there at the same time, and how the bill says so.
fn months_kept(days: Option<u32>) -> (f64, String) {
    match days {
        Some(days) => (f64::from(days) / MONTH_DAYS, format!("{days} days kept")),
        None => (YEAR, "kept for ever, after a year".to_owned()),
    }
}

fn function(prices: &Prices, runs: f64, memory_mb: u32, run_ms: f64) -> Vec<Part> {
    let gb = f64::from(memory_mb) / 1_024.0;
    parts!(prices, lambda_request: runs, lambda_gb_second: runs * gb * run_ms / 1_000.0)
}

/// Requests to KMS in a month.
fn keys(demand: &Demand, settings: &Settings) -> f64 {
    let environments =
        f64::from(settings.validator_concurrency) + f64::from(settings.processor_concurrency);
    environments / demand.assumed.cached_seconds * MONTH
}

fn workflow(demand: &Demand, work: &Work, prices: &Prices, webhooks: f64) -> Vec<Part> {
    let executions = webhooks * work.executions;
    match demand.workflow {
        Workflow::Standard => parts!(prices, state_transition: webhooks * work.transitions),
        Workflow::Express => {
            // Billed in steps of 100 ms.
            let seconds = (work.execution_seconds * 10.0).ceil() / 10.0;
            parts!(prices,
                express_request: executions,
                express_gb_second: executions * seconds * EXPRESS_GB,
            )
        }
    }
}
