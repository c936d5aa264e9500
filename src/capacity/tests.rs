mod scaling;

use super::*;
use crate::config::{Config, WorkflowType};

fn demand(peak: u32, workflow: Workflow) -> Demand {
    Demand {
        rps: peak,
        peak,
        body_bytes: 4_096,
        workflow,
        region: "us-east-1".into(),
        assumed: Assumed::default(),
    }
}

fn plan(demand: &Demand) -> Plan {
    Plan::of(demand, &Data::built_in().expect("tables")).expect("prices")
}

const RATES: [u32; 9] = [1, 7, 10, 100, 990, 1_000, 10_000, 54_321, 100_000];

fn all() -> impl Iterator<Item = Demand> {
    let workflows = [Workflow::Standard, Workflow::Express];
    RATES
        .into_iter()
        .flat_map(move |rate| workflows.map(|workflow| demand(rate, workflow)))
}

#[test]
fn infra_toml_takes_every_setting_as_it_is_computed() {
    for demand in all() {
        let settings = plan(&demand).settings;
        let text = format!("region = \"us-east-1\"\n{}\n[env.prod]\n", settings.toml());
        let config = Config::parse("infra.toml", &text, Some("prod"), None)
            .unwrap_or_else(|error| panic!("{}: {error:?}\n{text}", demand.peak));
        assert_eq!(config.throttling.rate_limit.get(), settings.rate_limit);
        let express = config.workflow.kind == WorkflowType::Express;
        assert_eq!(express, demand.workflow == Workflow::Express);
        assert_eq!(config.throttling.burst_limit.get(), settings.burst_limit);
        let functions = [
            &config.lambda.webhook_validator,
            &config.lambda.payment_processor,
        ];
        let reserved = functions.map(|function| function.reserved_concurrency.get());
        assert_eq!(
            reserved,
            [
                settings.validator_concurrency,
                settings.processor_concurrency
            ]
        );
        assert!(
            functions
                .iter()
                .all(|function| function.memory.get() == settings.memory_mb)
        );
        assert_eq!(config.pipe.batch_size.get(), settings.batch_size);
        assert_eq!(
            config.pipe.maximum_batching_window.get(),
            settings.batching_window_seconds
        );
        assert_eq!(
            config.pipe.parallelization_factor.get(),
            settings.parallelization_factor
        );
    }
}

#[test]
fn what_is_set_lets_the_peak_through() {
    for demand in all() {
        let peak = f64::from(demand.peak);
        let Plan { settings, work, .. } = plan(&demand);
        assert!(f64::from(settings.rate_limit) >= peak);
        let concurrent = |run_ms: f64| (peak * run_ms / 1_000.0).max(peak / 10.0);
        assert!(
            f64::from(settings.validator_concurrency) >= concurrent(demand.assumed.validator_ms)
        );
        assert!(
            f64::from(settings.processor_concurrency) >= concurrent(demand.assumed.processor_ms)
        );
        // One shard hands over as many events as come to it.
        let shard = peak / work.partitions;
        let handed = f64::from(settings.parallelization_factor) * work.batch
            / (demand.assumed.start_ms / 1_000.0);
        assert!(handed >= shard, "{}: {handed} of {shard}", demand.peak);
    }
}

#[test]
fn a_batch_always_fits_the_input_of_an_execution() {
    for demand in all() {
        let batch = f64::from(plan(&demand).settings.batch_size);
        assert!(
            batch * work::HANDED_OVER_BYTES <= 262_144.0,
            "{}",
            demand.peak
        );
    }
}

#[test]
fn more_webhooks_never_use_less_of_a_limit_nor_cost_less() {
    for workflow in [Workflow::Standard, Workflow::Express] {
        let mut before: Option<Plan> = None;
        for rate in RATES {
            let now = plan(&demand(rate, workflow));
            if let Some(before) = before {
                assert!(now.total() > before.total(), "{rate}");
                let used = |plan: &Plan, name: &str| {
                    let limit = plan.limits.iter().find(|limit| limit.name == name);
                    limit.expect("the limit").needed
                };
                // Larger batches start fewer executions, which is their point.
                for limit in before
                    .limits
                    .iter()
                    .filter(|limit| !["process", "hand over"].contains(&limit.step))
                {
                    assert!(
                        used(&now, &limit.name) >= limit.needed,
                        "{rate}: {}",
                        limit.name
                    );
                }
            }
            before = Some(now);
        }
    }
}

#[test]
fn limits_stand_in_the_order_in_which_they_bind() {
    for demand in all() {
        let limits = plan(&demand).limits;
        assert!(limits.is_sorted_by(|a, b| a.used() >= b.used()));
        for limit in &limits {
            assert_eq!(
                limit.binds(),
                limit.holds_to(demand.peak) < f64::from(demand.peak)
            );
        }
    }
}

#[test]
fn units_of_one_webhook_are_those_of_the_functions_calls() {
    // Event of 800 bytes and half of 4,096: three units, twice in the transaction, once for the lease, once for the end;
    // the head is one unit, and the marker two in the transaction.
    let work = plan(&demand(10, Workflow::Standard)).work;
    assert_eq!(
        (work.table_writes, work.payment_writes, work.table_reads),
        (15.0, 13.0, 1.0)
    );
    // One event an execution: the map, its one task, the choice, the end.
    let slow = plan(&demand(1, Workflow::Standard)).work;
    assert_eq!((slow.batch, slow.transitions), (1.0, 4.0));
}

#[test]
fn a_body_that_fits_no_item_is_paid_for_in_s3_and_not_in_the_table() {
    let large = Demand {
        body_bytes: 1024 * 1024,
        ..demand(10, Workflow::Standard)
    };
    let (large, small) = (plan(&large), plan(&demand(10, Workflow::Standard)));
    let s3 = |plan: &Plan| {
        plan.costs
            .iter()
            .find(|cost| cost.what.starts_with("S3"))
            .map(|cost| cost.usd_month)
    };
    assert!(s3(&large) > s3(&small) && s3(&small) == Some(0.0));
    assert!(large.work.table_writes < small.work.table_writes);
    let refused = Demand {
        body_bytes: 5 * 1024 * 1024,
        ..demand(10, Workflow::Standard)
    };
    let first = plan(&refused).limits.remove(0);
    assert_eq!(
        (first.service.as_str(), first.remedy),
        ("Lambda", Remedy::Refused)
    );
}
