//! What `capacity` found, as a fragment of infra.toml whose comments say the rest.

use crate::capacity::{AtRest, Cost, Demand, Limit, Plan};
use std::fmt::Write;

/// What there is to say about a demand.
pub struct Capacity<'a> {
    pub demand: &'a Demand,
    pub plan: &'a Plan,
    /// The environment whose settings in infra.toml were looked at.
    pub env: Option<&'a str>,
    /// The settings to change, as TOML.
    pub fragment: &'a str,
    /// Days of the tables that are compiled in.
    pub quotas_dated: &'a str,
    pub prices_dated: &'a str,
}

/// The settings as TOML; limits and costs stand before and behind them as comments.
pub fn capacity(told: &Capacity<'_>) -> String {
    let (demand, plan) = (told.demand, told.plan);
    let mut text = format!(
        "# {} webhooks per second, {} at the busiest, bodies of {} bytes, {} workflow, {}\n",
        count(f64::from(demand.rps)),
        count(f64::from(demand.peak)),
        count(f64::from(demand.body_bytes)),
        demand.workflow.as_str(),
        demand.region,
    );
    let first = plan.first().map_or(String::new(), binding);
    let _ = write!(text, "#\n# Binds first: {first}.\n{}", settings(told));
    let _ = writeln!(
        text,
        "# Quotas of {}, before AWS raised any; * was not verified:",
        told.quotas_dated
    );
    for limit in &plan.limits {
        let _ = writeln!(text, "#   {}", line(limit));
    }
    if let Some(unpriced) = &plan.unpriced {
        let _ = writeln!(
            text,
            "#\n# Costs: {unpriced}; --region computes with those."
        );
        return text;
    }
    let _ = writeln!(
        text,
        "#\n# US dollars a month and for a million webhooks, by prices of {}; * has prices that were not verified:",
        told.prices_dated
    );
    for cost in &plan.costs {
        let mark = if cost.read() { "" } else { " *" };
        let what = format!("{} {}{mark}", cost.step, cost.what);
        let _ = writeln!(text, "#   {}", bill(demand, &what, cost.usd_month()));
    }
    let _ = writeln!(text, "#   {}", bill(demand, "total", plan.total()));
    text
}

fn settings(told: &Capacity<'_>) -> String {
    let fragment = told.fragment;
    match told.env {
        Some(env) if fragment.is_empty() => {
            format!("# Settings: those of `{env}` in infra.toml are enough.\n#\n")
        }
        Some(env) => format!(
            "# Settings: change these of `{env}` in infra.toml; where a section stands there already, its keys go into it.\n\n{fragment}\n"
        ),
        None => format!("\n{fragment}\n"),
    }
}

fn binding(limit: &Limit) -> String {
    let share = format!(
        "{}: {}, reached at {} webhooks per second",
        limit.service,
        limit.name,
        count(limit.holds_to)
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

fn bill(demand: &Demand, what: &str, usd: f64) -> String {
    format!(
        "{:>13}  {:>8}  {what}",
        money(usd),
        money(per_million(demand, usd)),
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

/// What a plan changes of what is paid without any traffic, in a sentence; nothing where it changes nothing.
pub fn at_rest(at_rest: &AtRest) -> Option<String> {
    let (before, after) = (
        money(at_rest.before_usd_month),
        money(at_rest.after_usd_month),
    );
    let trust = match at_rest.verified {
        true => "",
        false => ", not all of them verified",
    };
    (before != after).then(|| {
        format!(
            "Without any traffic it costs {after} USD a month, {before} before (prices of {}{trust}); `payhook capacity` counts the traffic.",
            at_rest.prices_dated
        )
    })
}

/// A part as percent.
pub fn percent(part: f64) -> String {
    match part < 0.01 {
        true => "< 1 %".to_owned(),
        false => format!("{} %", count((part * 100.0).round())),
    }
}
