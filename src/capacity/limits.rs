//! Which limit is used up how far.

use super::work::{INDEX_SHARDS, INDEX_WRITES};
use super::{Demand, Quota, Quotas, Settings, Work, Workflow};

/// What helps when a limit is too low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// AWS raises it on request.
    Raise,
    /// Raise the table's warm throughput before the traffic comes; payhook does not do that.
    Warm,
    /// It passes by itself: until then senders are answered 429 or 5xx and try again.
    Wait,
    /// Another workflow does not have it.
    Express,
    /// Nothing here: it rises with the rate that AWS grants. Who is answered 429 tries again.
    WithRate,
    /// Nothing: more than this takes a second stack.
    Split,
    /// Nothing: only this payment waits, and its provider tries again.
    Alone,
    /// Nothing: the sender is answered 413.
    Refused,
}

impl Remedy {
    /// What to do, in a few words.
    pub fn as_str(self) -> &'static str {
        match self {
            Remedy::Raise => "ask AWS to raise it",
            Remedy::Warm => "warm the table first",
            Remedy::Wait => "grows by itself",
            Remedy::Express => "raise it, or take express",
            Remedy::WithRate => "senders try again; rises with the rate",
            Remedy::Split => "a second stack",
            Remedy::Alone => "only this payment waits",
            Remedy::Refused => "the sender is answered 413",
        }
    }
}

/// One limit, and what the peak asks of it.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The step of the pipeline.
    pub step: &'static str,
    pub service: String,
    pub name: String,
    pub needed: f64,
    pub allowed: f64,
    /// Webhooks per second for which that much is needed.
    pub at: u32,
    /// Webhooks per second at which the limit is reached, other things as they are.
    pub holds_to: f64,
    pub remedy: Remedy,
    /// Where the value is from.
    pub source: String,
    /// Whether the value was read at its source; see [`Quota::read`].
    pub read: bool,
}

impl Limit {
    /// What part is used; above 1 the limit binds.
    pub fn used(&self) -> f64 {
        self.needed / self.allowed
    }

    /// Whether the peak does not get through.
    pub fn binds(&self) -> bool {
        self.used() > 1.0
    }
}

/// Every limit on the way, the one that is used up most first.
pub fn limits(demand: &Demand, settings: &Settings, work: &Work, quotas: &Quotas) -> Vec<Limit> {
    let (peak, region) = (f64::from(demand.peak), demand.region.as_str());
    let environments =
        f64::from(settings.validator_concurrency) + f64::from(settings.processor_concurrency);
    let reservable = |quota: &Quota| quota.of(region) - quotas.lambda_unreserved.of(region);
    let writes = peak * work.table_writes;
    let row = |step, quota: &Quota, needed: f64, remedy| {
        of_quota(step, quota, demand, needed, quota.of(region), remedy)
    };
    let mut all = vec![
        row("receive", &quotas.api_rate, peak, Remedy::Raise),
        // All webhooks of one second at the same instant, the worst that a second can hold.
        row("receive", &quotas.api_burst, peak, Remedy::WithRate),
        Limit {
            name: "bytes of one body, as base64 and with its headers".into(),
            ..row(
                "verify",
                &quotas.lambda_payload,
                f64::from(demand.body_bytes) * 4.0 / 3.0 + 8_192.0,
                Remedy::Refused,
            )
        },
        Limit {
            name: "concurrent runs that can be reserved in the account".into(),
            ..of_quota(
                "verify",
                &quotas.lambda_concurrency,
                demand,
                environments,
                reservable(&quotas.lambda_concurrency),
                Remedy::Raise,
            )
        },
        row(
            "verify",
            &quotas.lambda_growth,
            f64::from(settings.validator_concurrency),
            Remedy::Wait,
        ),
        row("store", &quotas.new_table_writes, writes, Remedy::Warm),
        row("store", &quotas.table_writes, writes, Remedy::Raise),
        Limit {
            name: "write units per second of the index of what needs attention".into(),
            ..of_quota(
                "store",
                &quotas.partition_writes,
                demand,
                peak * INDEX_WRITES,
                INDEX_SHARDS * quotas.partition_writes.of(region),
                Remedy::Split,
            )
        },
        one_payment(demand, work, quotas),
        row(
            "hand over",
            &quotas.pipe_concurrency,
            in_flight(demand, work),
            Remedy::Raise,
        ),
        row("publish", &quotas.put_events, peak, Remedy::Raise),
        row(
            "all",
            &quotas.kms_requests,
            environments / demand.assumed.cached_seconds,
            Remedy::Raise,
        ),
        row(
            "all",
            &quotas.secret_reads,
            environments / demand.assumed.cached_seconds,
            Remedy::Split,
        ),
        // An environment hands its lines over about once a second.
        row(
            "all",
            &quotas.log_writes,
            environments.min(2.0 * peak),
            Remedy::Raise,
        ),
    ];
    all.extend(
        workflow(demand, work, quotas)
            .into_iter()
            .map(|(quota, needed, remedy)| row("process", quota, needed, remedy)),
    );
    all.sort_by(|a, b| b.used().total_cmp(&a.used()));
    all
}

fn of_quota(
    step: &'static str,
    quota: &Quota,
    demand: &Demand,
    needed: f64,
    allowed: f64,
    remedy: Remedy,
) -> Limit {
    Limit {
        step,
        service: quota.service.clone(),
        name: quota.name.clone(),
        needed,
        allowed,
        at: demand.peak,
        holds_to: f64::from(demand.peak) * allowed / needed,
        remedy,
        source: quota.source.clone(),
        read: quota.read,
    }
}

/// One payment is one partition key, so that one partition takes all its writes.
fn one_payment(demand: &Demand, work: &Work, quotas: &Quotas) -> Limit {
    let allowed = quotas.partition_writes.of(&demand.region);
    let (rate, of_it) = (demand.one_payment, &work.one_payment);
    Limit {
        name: "write units per second of the busiest payment".into(),
        at: rate,
        holds_to: f64::from(of_it.most(allowed)),
        ..of_quota(
            "store",
            &quotas.partition_writes,
            demand,
            f64::from(rate) * of_it.units(rate),
            allowed,
            Remedy::Alone,
        )
    }
}

/// Batches that the pipe is handing over at the same time.
fn in_flight(demand: &Demand, work: &Work) -> f64 {
    f64::from(demand.peak) * work.executions * demand.assumed.start_ms / 1_000.0
}

fn workflow<'q>(demand: &Demand, work: &Work, quotas: &'q Quotas) -> Vec<(&'q Quota, f64, Remedy)> {
    let peak = f64::from(demand.peak);
    let starts = peak * work.executions;
    match demand.workflow {
        Workflow::Express => vec![(&quotas.express_starts, starts, Remedy::Raise)],
        Workflow::Standard => vec![
            (&quotas.standard_starts, starts, Remedy::Express),
            (
                &quotas.standard_transitions,
                peak * work.transitions,
                Remedy::Express,
            ),
            (
                &quotas.open_executions,
                starts * work.execution_seconds,
                Remedy::Express,
            ),
        ],
    }
}
