//! What a month costs, step by step.

use super::work::INDEX_WRITES;
use super::{Demand, Prices, Settings, Work, Workflow};

/// Seconds of a month, which AWS counts as 730 hours.
pub const MONTH: f64 = 730.0 * 3_600.0;
const GB: f64 = 1_024.0 * 1_024.0 * 1_024.0;
/// Memory that an express workflow of this size is billed for, in GB.
const EXPRESS_GB: f64 = 64.0 / 1_024.0;

/// One line of the bill.
#[derive(Clone, Debug)]
pub struct Cost {
    pub step: &'static str,
    /// What is paid for.
    pub what: &'static str,
    pub usd_month: f64,
}

impl Cost {
    /// Millions of webhooks in a month.
    pub fn millions(demand: &Demand) -> f64 {
        f64::from(demand.rps) * MONTH / 1e6
    }
}

/// Every line of a month's bill.
pub fn monthly(demand: &Demand, settings: &Settings, work: &Work, prices: &Prices) -> Vec<Cost> {
    let webhooks = f64::from(demand.rps) * MONTH;
    let line = |step, what, usd_month| Cost {
        step,
        what,
        usd_month,
    };
    let gb = f64::from(settings.memory_mb) / 1_024.0;
    let function = |run_ms: f64| {
        prices.lambda_request.of(webhooks)
            + prices.lambda_gb_second.of(webhooks * gb * run_ms / 1_000.0)
    };
    let writes = webhooks * (work.table_writes + INDEX_WRITES);
    let stored_gb = webhooks * work.stored_bytes / GB;
    let looks = MONTH / (demand.assumed.poll_ms / 1_000.0) * work.partitions;
    let fixed = [
        &prices.key_month,
        &prices.secret_month,
        &prices.dashboard_month,
    ];
    vec![
        line("receive", "API Gateway", prices.api_request.of(webhooks)),
        line(
            "verify",
            "webhook-validator",
            function(demand.assumed.validator_ms),
        ),
        line(
            "store",
            "DynamoDB writes and reads",
            prices.table_write.of(writes) + prices.table_read.of(webhooks * work.table_reads),
        ),
        line(
            "store",
            "DynamoDB storage and recovery, one month kept",
            prices.table_gb_month.of(stored_gb) + prices.backup_gb_month.of(stored_gb),
        ),
        line(
            "store",
            "S3, for bodies that fit no item",
            objects(work, prices, webhooks),
        ),
        line(
            "hand over",
            "stream and pipe",
            prices.stream_read.of(looks) + prices.pipe_request.of(webhooks),
        ),
        line(
            "process",
            "Step Functions",
            workflow(demand, work, prices, webhooks),
        ),
        line(
            "process",
            "payment-processor",
            function(demand.assumed.processor_ms),
        ),
        line("publish", "EventBridge", prices.bus_event.of(webhooks)),
        line(
            "all",
            "logs and traces",
            prices.log_gb.of(webhooks * demand.assumed.log_bytes / GB)
                + prices.trace.of(webhooks * demand.assumed.traced),
        ),
        line(
            "all",
            "key, secret and dashboard",
            fixed.iter().map(|price| price.of(1.0)).sum::<f64>()
                + prices.kms_request.of(keys(demand, settings)),
        ),
    ]
}

fn objects(work: &Work, prices: &Prices, webhooks: f64) -> f64 {
    match work.object_bytes > 0.0 {
        true => {
            prices.object_write.of(webhooks)
                + prices.object_gb_month.of(webhooks * work.object_bytes / GB)
        }
        false => 0.0,
    }
}

/// Requests to KMS in a month.
fn keys(demand: &Demand, settings: &Settings) -> f64 {
    let environments =
        f64::from(settings.validator_concurrency) + f64::from(settings.processor_concurrency);
    environments / demand.assumed.cached_seconds * MONTH
}

fn workflow(demand: &Demand, work: &Work, prices: &Prices, webhooks: f64) -> f64 {
    let executions = webhooks * work.executions;
    match demand.workflow {
        Workflow::Standard => prices.state_transition.of(webhooks * work.transitions),
        Workflow::Express => {
            // Billed in steps of 100 ms.
            let seconds = (work.execution_seconds * 10.0).ceil() / 10.0;
            prices.express_request.of(executions)
                + prices
                    .express_gb_second
                    .of(executions * seconds * EXPRESS_GB)
        }
    }
}
