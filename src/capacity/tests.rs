mod scaling;

use super::*;
use crate::config::Config;
use crate::stack::Stack;

fn demand(peak: u32, workflow: Workflow) -> Demand {
    Demand {
        rps: peak,
        peak,
        one_payment: peak.min(10),
        body_bytes: 4_096,
        workflow,
        region: "us-east-1".into(),
        kept: Kept::default(),
        assumed: Assumed::default(),
    }
}

fn plan(demand: &Demand) -> Plan {
    Plan::of(demand, None, &Data::built_in().expect("tables"))
}

fn read(text: &str, env: &str) -> Config {
    Config::parse("infra.toml", text, Some(env), None)
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"))
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
        let fragment = fragment(&settings.changes(None), None);
        let text = format!("region = \"us-east-1\"\n{fragment}\n[env.prod]\n");
        assert_eq!(Settings::standing(&read(&text, "prod")), settings);
    }
}

const SHIPPED: &str = include_str!("../../infra.toml");

/// The text with what a fragment says in the places where it belongs.
fn merged(text: &str, fragment: &str) -> String {
    fn merge(into: &mut toml::Table, from: toml::Table) {
        for (key, value) in from {
            match (into.get_mut(&key), value) {
                (Some(toml::Value::Table(into)), toml::Value::Table(from)) => merge(into, from),
                (_, value) => drop(into.insert(key, value)),
            }
        }
    }
    let mut whole: toml::Table = text.parse().expect("infra.toml");
    merge(&mut whole, fragment.parse().expect("a fragment"));
    whole.to_string()
}

#[test]
fn the_changes_of_an_environment_are_taken_in_its_sections_and_are_then_enough() {
    let data = Data::built_in().expect("tables");
    for env in ["dev", "prod"] {
        let config = read(SHIPPED, env);
        let standing = Settings::standing(&config);
        for demand in all() {
            let of = |standing| Plan::of(&demand, Some(standing), &data);
            let settings = of(&standing).settings;
            let fragment = fragment(&settings.changes(Some(&standing)), Some(env));
            let after = Settings::standing(&read(&merged(SHIPPED, &fragment), env));
            assert_eq!(after, settings, "{env} {}:\n{fragment}", demand.peak);
            assert_eq!(of(&after).settings.changes(Some(&after)), []);
        }
    }
}

#[test]
fn what_is_enough_stays_and_what_is_not_says_what_stands() {
    let standing = Settings::standing(&read(SHIPPED, "prod"));
    let data = Data::built_in().expect("tables");
    let changes = |peak, workflow| {
        let plan = Plan::of(&demand(peak, workflow), Some(&standing), &data);
        fragment(&plan.settings.changes(Some(&standing)), Some("prod"))
    };
    assert_eq!(changes(100, Workflow::Standard), "");
    assert_eq!(
        changes(1_000, Workflow::Express),
        "[env.prod.throttling]\n\
         rate_limit = 1000  # now 500\n\n\
         [env.prod.lambda.webhook_validator]\n\
         reserved_concurrency = 125  # now 50\n\n\
         [env.prod.lambda.payment_processor]\n\
         reserved_concurrency = 125  # now 50\n\n\
         [env.prod.workflow]\n\
         type = \"express\"  # now \"standard\"\n"
    );
}

#[test]
fn a_batch_that_is_too_large_to_be_handed_over_is_made_smaller() {
    let large = "region = \"us-east-1\"\n[pipe]\nbatch_size = 10000\n[env.prod]\n";
    let standing = Settings::standing(&read(large, "prod"));
    let data = Data::built_in().expect("tables");
    for (workflow, most) in [(Workflow::Standard, 349), (Workflow::Express, 40)] {
        let plan = Plan::of(&demand(100, workflow), Some(&standing), &data);
        assert_eq!(plan.settings.batch_size, most);
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
            let reached = limit.holds_to < f64::from(limit.at);
            assert_eq!(limit.binds(), reached, "{limit:?}");
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
            .map(Cost::usd_month)
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

#[test]
fn one_payment_alone_is_held_to_the_rate_of_its_partition() {
    let at = |one_payment| {
        let plan = plan(&Demand {
            one_payment,
            ..demand(1_000, Workflow::Standard)
        });
        let mut limits = plan.limits.into_iter();
        let limit = limits.find(|limit| limit.remedy == Remedy::Alone);
        (plan.work.one_payment, limit.expect("the limit"))
    };
    // Alone: 13 units of writing. Of two at once one writes the head again; no more than 40 are ever at it.
    let (work, limit) = at(1);
    assert_eq!((work.units(1), limit.needed), (13.0, 13.0));
    assert_eq!(work.units(1_000), 13.0 + 39.0 / 2.0);
    let most = limit.holds_to as u32;
    for (rate, binds) in [(most, false), (most + 1, true)] {
        assert_eq!(at(rate).1.binds(), binds, "{rate}");
    }
    assert!((30..77).contains(&most), "{most}");
}

#[test]
fn a_burst_is_held_to_the_bucket_of_the_account() {
    let burst = |peak| {
        let limits = plan(&demand(peak, Workflow::Standard)).limits;
        let bucket = limits.iter().find(|limit| limit.remedy == Remedy::WithRate);
        bucket.map(|limit| (limit.needed, limit.allowed))
    };
    assert_eq!(burst(10_000), Some((10_000.0, 5_000.0)));
}

#[test]
fn storage_is_paid_for_as_long_as_infra_toml_keeps_things() {
    let line = |kept, what: &str| {
        let plan = plan(&Demand {
            kept,
            ..demand(100, Workflow::Standard)
        });
        let line = plan.costs.iter().find(|cost| cost.what.contains(what));
        line.map(Cost::usd_month).expect("the line")
    };
    let kept = |event_days, log_days| Kept {
        event_days,
        log_days,
    };
    let storage = |days| line(kept(days, 90), "storage and recovery");
    assert!((storage(Some(400)) / storage(Some(40)) - 10.0).abs() < 1e-9);
    // Nothing is ever enough for ever; a year of it is what is told.
    assert!((storage(None) / storage(Some(365)) - 1.0).abs() < 1e-9);
    assert!(line(kept(None, 400), "logs") > line(kept(None, 14), "logs"));
    let shipped = [
        Kept::of(&read(SHIPPED, "dev")),
        Kept::of(&read(SHIPPED, "prod")),
    ];
    assert_eq!(shipped, [kept(None, 14), kept(None, 400)]);
}

#[test]
fn every_alarm_of_the_stack_is_paid_for() {
    let stack = Stack::payment_webhooks(&read(SHIPPED, "prod"));
    let alarms = stack
        .graph
        .nodes()
        .filter(|node| node.name.as_str().starts_with("alarm-"));
    assert_eq!(alarms.count() as f64, cost::ALARMS);
}

#[test]
fn a_line_of_the_bill_says_whether_its_prices_were_read() {
    for workflow in [Workflow::Standard, Workflow::Express] {
        for cost in plan(&demand(100, workflow)).costs {
            let unread = cost.parts.iter().any(|part| !part.price.read);
            assert_eq!(cost.read(), !unread, "{}", cost.what);
        }
    }
    let read: Vec<_> = plan(&demand(100, Workflow::Standard)).costs;
    let read = read
        .iter()
        .filter(|cost| cost.read())
        .map(|cost| cost.what.as_str());
    assert_eq!(read.collect::<Vec<_>>(), ["Step Functions"]);
}

#[test]
fn a_region_without_prices_has_settings_and_limits_of_its_own_all_the_same() {
    let region = |region: &str| {
        plan(&Demand {
            region: region.into(),
            ..demand(100, Workflow::Standard)
        })
    };
    let (ireland, virginia) = (region("eu-west-1"), region("us-east-1"));
    assert_eq!(ireland.settings, virginia.settings);
    assert_eq!(ireland.limits.len(), virginia.limits.len());
    assert!(ireland.costs.is_empty() && ireland.unpriced.is_some());
    assert!(!virginia.costs.is_empty() && virginia.unpriced.is_none());
}
