//! `payhook capacity`: which limit binds first at a number of webhooks, what to set, what it costs.

use super::refusal::Misuse;
use super::{Context, Exit, Global, Interrupt, Ui};
use crate::capacity::{Assumed, Data, Demand, Plan, Workflow};
use crate::view;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

/// Compute settings, limits and cost for a number of webhooks per second; asks AWS nothing.
///
/// The output is a fragment of infra.toml, with everything else as comments.
#[derive(Debug, Args)]
pub struct Capacity {
    /// Webhooks per second, on average: what is paid for.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rps: u32,
    /// Webhooks per second at the busiest: what has to get through; without it, as many as --rps.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    peak: Option<u32>,
    /// Size of one body in KB of 1,024 bytes.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_240))]
    body_kb: u32,
    /// Kind of the state machine.
    #[arg(long, value_enum, default_value_t = Kind::Standard)]
    workflow: Kind,
    /// Region; without it, the environment's in infra.toml.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Keeps the history of every execution, and is paid by the step.
    Standard,
    /// Is paid by time, and leaves its history to the logs.
    Express,
}

impl Capacity {
    pub fn run(self, ui: &Ui, interrupt: &Interrupt, global: &Global) -> anyhow::Result<Exit> {
        let demand = self.demand(ui, interrupt, global)?;
        let data = Data::built_in()?;
        let plan = Plan::of(&demand, &data).map_err(|unknown| Misuse {
            words: unknown.to_string(),
            next: "give one of them with --region; quotas and prices differ little between regions"
                .into(),
        })?;
        match ui.is_json() {
            true => ui.json(&told(&demand, &plan, &data)),
            false => ui.raw(view::capacity(
                &demand,
                &plan,
                &data.quotas.dated,
                &data.prices_dated,
            )),
        }
        Ok(Exit::Done)
    }

    fn demand(&self, ui: &Ui, interrupt: &Interrupt, global: &Global) -> anyhow::Result<Demand> {
        let peak = self.peak.unwrap_or(self.rps);
        if peak < self.rps {
            let misuse = Misuse {
                words: format!("--peak {peak} is below --rps {}", self.rps),
                next: "the busiest second has at least as many webhooks as the average one".into(),
            };
            return Err(misuse.into());
        }
        let region = match &self.region {
            Some(region) => region.clone(),
            None => Context::load(ui, interrupt, global)?
                .config
                .region
                .to_string(),
        };
        Ok(Demand {
            rps: self.rps,
            peak,
            body_bytes: self.body_kb * 1_024,
            workflow: match self.workflow {
                Kind::Standard => Workflow::Standard,
                Kind::Express => Workflow::Express,
            },
            region,
            assumed: Assumed::default(),
        })
    }
}

fn told(demand: &Demand, plan: &Plan, data: &Data) -> Value {
    let limits = plan.limits.iter().map(|limit| {
        json!({
            "step": limit.step, "service": limit.service, "limit": limit.name, "needed": limit.needed,
            "allowed": limit.allowed, "used": limit.used(), "holdsTo": limit.holds_to(demand.peak),
            "binds": limit.binds(), "remedy": limit.remedy.as_str(), "verified": limit.read,
        })
    });
    let costs = plan.costs.iter().map(|cost| {
        json!({
            "step": cost.step, "what": cost.what, "usdMonth": cost.usd_month,
            "usdMillion": view::per_million(demand, cost.usd_month),
        })
    });
    json!({
        "rps": demand.rps, "peak": demand.peak, "bodyBytes": demand.body_bytes,
        "workflow": demand.workflow.as_str(), "region": demand.region,
        "infraToml": plan.settings.toml(),
        "limits": limits.collect::<Vec<_>>(), "quotasDated": data.quotas.dated,
        "costs": costs.collect::<Vec<_>>(), "pricesDated": data.prices_dated,
        "usdMonth": plan.total(), "usdMillion": view::per_million(demand, plan.total()),
    })
}
