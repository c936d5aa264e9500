//! What `capacity` found, as a fragment of infra.toml whose comments say the rest.

use crate::capacity::{Cost, Demand, Limit, Plan};
use std::fmt::Write;

/// The settings as TOML; limits and costs stand before and behind them as comments.
pub fn capacity(demand: &Demand, plan: &Plan, quotas_dated: &str, prices_dated: &str) -> String {
    let mut text = format!(
        "# {} webhooks per second, {} at the busiest, bodies of {} bytes, {} workflow, {}\n",
        count(f64::from(demand.rps)),
        count(f64::from(demand.peak)),
        count(f64::from(demand.body_bytes)),
        demand.workflow.as_str(),
        demand.region,
    );
    let first = plan
        .first()
        .map_or(String::new(), |limit| binding(demand, limit));
    let _ = write!(
        text,
        "#\n# Binds first: {first}.\n\n{}\n",
        plan.settings.toml()
    );
    let _ = writeln!(
        text,
        "# Quotas of {quotas_dated}, before AWS raised any; * was not verified:"
    );
    for limit in &plan.limits {
        let _ = writeln!(text, "#   {}", line(limit));
    }
    let _ = writeln!(
        text,
        "#\n# US dollars a month and for a million webhooks, by mostly unverified prices of {prices_dated}:"
    );
    for cost in &plan.costs {
        let _ = writeln!(
            text,
            "#   {}",
            bill(demand, cost.step, cost.what, cost.usd_month)
        );
    }
    let _ = writeln!(text, "#   {}", bill(demand, "", "total", plan.total()));
    text
}

fn binding(demand: &Demand, limit: &Limit) -> String {
    let share = format!(
        "{}: {}, reached at {} webhooks per second",
        limit.service,
        limit.name,
        count(limit.holds_to(demand.peak))
    );
    match limit.binds() {
        true => format!("{share}; {}", limit.remedy.as_str()),
        false => format!("{share}, so the peak gets through"),
    }
}

fn line(limit: &Limit) -> String {
    let name = format!(
        "{}: {}{}",
        limit.service,
        limit.name,
        if limit.read { "" } else { " *" }
    );
    let remedy = match limit.binds() {
        true => format!("  <- {}", limit.remedy.as_str()),
        false => String::new(),
    };
    format!(
        "{:>6} of {:>11}  {name}{remedy}",
        percent(limit.used()),
        count(limit.allowed)
    )
}

fn bill(demand: &Demand, step: &str, what: &str, usd: f64) -> String {
    format!(
        "{:>13}  {:>8}  {}",
        money(usd),
        money(per_million(demand, usd)),
        [step, what].join(" ").trim()
    )
}

/// Dollars for a million webhooks.
pub fn per_million(demand: &Demand, usd_month: f64) -> f64 {
    usd_month / Cost::millions(demand)
}

/// A number in groups of three digits, whole where it is large.
pub fn count(value: f64) -> String {
    let digits = match value < 10.0 && value.fract() > 0.0 {
        true => return format!("{value:.1}"),
        false => format!("{value:.0}"),
    };
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Dollars, with cents where they matter.
pub fn money(usd: f64) -> String {
    match usd < 100.0 {
        true => format!("{usd:.2}"),
        false => count(usd),
    }
}

/// A part as percent.
pub fn percent(part: f64) -> String {
    match part < 0.01 {
        true => "< 1 %".to_owned(),
        false => format!("{} %", count((part * 100.0).round())),
    }
}
