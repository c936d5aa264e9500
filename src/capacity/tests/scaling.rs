//! docs/scaling.md says what the model says.

use super::*;
use crate::view;

const RATES: [u32; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

fn number(rate: u32) -> String {
    view::count(f64::from(rate))
}

fn table(heading: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = vec!["---".to_owned(); heading.len()];
    [line(&heading), line(&rule)]
        .into_iter()
        .chain(rows.map(|row| line(&row)))
        .collect()
}

/// The limit of each step that is used up most.
fn binding(workflow: Workflow) -> String {
    let steps = [
        "receive",
        "verify",
        "store",
        "hand over",
        "process",
        "publish",
    ];
    let heading: Vec<&str> = ["webhooks/s"].into_iter().chain(steps).collect();
    let rows = RATES.into_iter().map(|rate| {
        let plan = plan(&demand(rate, workflow));
        let first = |step: &str| {
            let limit = plan.limits.iter().find(|limit| limit.step == step);
            let limit = limit.expect("a limit of each step");
            let said = format!(
                "{} {}: {}",
                limit.service,
                limit.name,
                view::percent(limit.used())
            );
            match limit.binds() {
                true => format!("**{said}** ({})", limit.remedy.as_str()),
                false => said,
            }
        };
        let cells = steps.map(first);
        [number(rate)].into_iter().chain(cells).collect()
    });
    table(&heading, rows)
}

fn settings() -> String {
    let rows = RATES.into_iter().map(|rate| {
        let set = plan(&demand(rate, Workflow::Standard)).settings;
        [
            rate,
            set.rate_limit,
            set.burst_limit,
            set.validator_concurrency,
            set.processor_concurrency,
            set.batch_size,
            set.batching_window_seconds,
            set.parallelization_factor,
        ]
        .map(number)
        .to_vec()
    });
    let heading = [
        "webhooks/s",
        "`rate_limit`",
        "`burst_limit`",
        "validator's `reserved_concurrency`",
        "processor's `reserved_concurrency`",
        "`batch_size`",
        "`maximum_batching_window_seconds`",
        "`parallelization_factor`",
    ];
    table(&heading, rows)
}

fn costs() -> String {
    let rows = RATES.into_iter().map(|rate| {
        let million = |workflow| {
            let demand = demand(rate, workflow);
            let total = plan(&demand).total();
            (
                view::money(total),
                view::money(view::per_million(&demand, total)),
            )
        };
        let (standard, express) = (million(Workflow::Standard), million(Workflow::Express));
        vec![number(rate), standard.0, standard.1, express.0, express.1]
    });
    let heading = [
        "webhooks/s, all month",
        "standard, $ a month",
        "$ per million",
        "express, $ a month",
        "$ per million",
    ];
    table(&heading, rows)
}

fn bill() -> String {
    let (standard, express) = (
        demand(100, Workflow::Standard),
        demand(100, Workflow::Express),
    );
    let other = plan(&express).costs;
    let rows = plan(&standard)
        .costs
        .into_iter()
        .zip(other)
        .map(|(one, other)| {
            let million = |usd| view::money(view::per_million(&standard, usd));
            vec![
                one.step.to_owned(),
                one.what.clone(),
                million(one.usd_month()),
                million(other.usd_month()),
            ]
        });
    table(
        &[
            "step",
            "what",
            "standard, $ per million",
            "express, $ per million",
        ],
        rows,
    )
}

/// What one payment's partition takes, by the size of bodies.
fn one_payment() -> String {
    let rows = [1, 4, 16, 64, 256, 1_024].into_iter().map(|kilobytes| {
        let plan = plan(&Demand {
            body_bytes: kilobytes * 1_024,
            ..demand(100, Workflow::Standard)
        });
        let mut limits = plan.limits.iter();
        let limit = limits.find(|limit| limit.remedy == Remedy::Alone);
        let most = limit.expect("the limit").holds_to as u32;
        let of_it = &plan.work.one_payment;
        let units = |rate| view::count(of_it.units(rate));
        vec![number(kilobytes), units(1), units(most), number(most)]
    });
    let heading = [
        "body, KB",
        "units of one webhook alone",
        "units of one where as many as possible come",
        "webhooks per second of one payment",
    ];
    table(&heading, rows)
}

/// What keeping costs, at 100 webhooks per second.
fn kept() -> String {
    let rows = [Some(35), Some(90), Some(400), None]
        .into_iter()
        .map(|days| {
            let demand = Demand {
                kept: Kept {
                    event_days: days,
                    ..Kept::default()
                },
                ..demand(100, Workflow::Standard)
            };
            let costs = plan(&demand).costs;
            let line = costs.iter().find(|cost| cost.what.contains("storage"));
            let usd = line.expect("the line").usd_month();
            let days = days.map_or("0 (for ever), after a year".to_owned(), number);
            vec![
                days,
                view::money(usd),
                view::money(view::per_million(&demand, usd)),
            ]
        });
    let heading = [
        "`retention_days`",
        "$ a month",
        "$ per million webhooks of a month",
    ];
    table(&heading, rows)
}

#[test]
fn the_tables_of_docs_scaling_are_those_of_the_model() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scaling.md");
    let told = std::fs::read_to_string(&path).expect("docs/scaling.md");
    let mut right = told.clone();
    for (name, table) in [
        ("binding", binding(Workflow::Standard)),
        ("binding of express", binding(Workflow::Express)),
        ("one payment", one_payment()),
        ("settings", settings()),
        ("costs", costs()),
        ("bill", bill()),
        ("kept", kept()),
    ] {
        let (start, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->"),
        );
        let (before, rest) = right.split_once(&start).expect("the start of a table");
        let (_, after) = rest.split_once(&end).expect("the end of a table");
        right = format!("{before}{start}{table}{end}{after}");
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &right).expect("written");
        return;
    }
    assert!(
        told == right,
        "run this test with INSTA_UPDATE=always, and read what changed:\n{right}"
    );
}
