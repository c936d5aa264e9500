//! `payhook capacity`: which limit binds first at a number of webhooks, what to set, what it costs.

use super::refusal::Misuse;
use super::{Context, Exit, Global, Interrupt, Ui, number};
use crate::capacity::{
    Assumed, Cost, Data, Demand, Kept, Plan, Setting, Settings, Workflow, fragment,
};
use crate::config::{Config, Region};
use crate::view;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::path::Path;

/// Compute settings, limits and cost for a number of webhooks per second; asks AWS nothing.
///
/// The output is a fragment of infra.toml, with everything else as comments: the settings of the environment that are
/// too small, or all of them where there is no infra.toml and --region is given.
#[derive(Debug, Args)]
pub struct Capacity {
    /// Webhooks per second, on average: what is paid for.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = rate)]
    rps: u32,
    /// Webhooks per second at the busiest: what has to get through; without it, as many as --rps.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = rate)]
    peak: Option<u32>,
    /// Of these, webhooks per second of one and the same payment, at most as many as --peak.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = rate, default_value_t = 10)]
    one_payment: u32,
    /// Size of one body in KB of 1,024 bytes.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = kilobytes, default_value_t = 4)]
    body_kb: u32,
    /// Kind of the state machine; without it, the environment's in infra.toml.
    #[arg(long, value_enum)]
    workflow: Option<Kind>,
    /// Region; without it, the environment's in infra.toml.
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<String>,
}

/// The most webhooks per second that the model is for.
const MOST: u32 = 100_000;
/// The largest request that API Gateway takes, in KB.
const LARGEST_KB: u32 = 10_240;

fn rate(text: &str) -> Result<u32, String> {
    number::up_to(MOST, text)
}

fn kilobytes(text: &str) -> Result<u32, String> {
    number::up_to(LARGEST_KB, text)
}

fn region(text: &str) -> Result<String, String> {
    match Region::new(text) {
        Some(region) => Ok(region.to_string()),
        None => Err("give a region name such as eu-central-1".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Keeps the history of every execution, and is paid by the step.
    Standard,
    /// Is paid by time, and leaves its history to the logs.
    Express,
}

impl From<Kind> for Workflow {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Standard => Workflow::Standard,
            Kind::Express => Workflow::Express,
        }
    }
}

impl Capacity {
    pub fn run(self, ui: &Ui, interrupt: &Interrupt, global: &Global) -> anyhow::Result<Exit> {
        let config = self.config(ui, interrupt, global)?;
        let demand = self.demand(config.as_ref())?;
        let data = Data::built_in()?;
        let standing = config.as_ref().map(Settings::standing);
        let plan = Plan::of(&demand, standing.as_ref(), &data);
        let settings = plan.settings.changes(standing.as_ref());
        let env = config.as_ref().map(|config| config.env.as_str());
        let fragment = fragment(&settings, env);
        let told = view::Capacity {
            demand: &demand,
            plan: &plan,
            env,
            fragment: &fragment,
            quotas_dated: &data.quotas.dated,
            prices_dated: &data.prices_dated,
        };
        match ui.is_json() {
            true => ui.json(&as_json(&told, &settings)),
            false => ui.raw(view::capacity(&told)),
        }
        Ok(Exit::Done)
    }

    /// The environment in infra.toml; without that file the region has to be given.
    fn config(
        &self,
        ui: &Ui,
        interrupt: &Interrupt,
        global: &Global,
    ) -> anyhow::Result<Option<Config>> {
        let named = global.env.is_some() || global.config != Path::new("infra.toml");
        if self.region.is_some() && !named && !global.config.exists() {
            return Ok(None);
        }
        Ok(Some(Context::load(ui, interrupt, global)?.config))
    }

    fn demand(&self, config: Option<&Config>) -> anyhow::Result<Demand> {
        let peak = self.peak.unwrap_or(self.rps);
        if peak < self.rps {
            let misuse = Misuse {
                words: format!("--peak {peak} is below --rps {}", self.rps),
                next: "the busiest second has at least as many webhooks as the average one".into(),
            };
            return Err(misuse.into());
        }
        let region = config.map(|config| config.region.to_string());
        let workflow = self.workflow.map(Workflow::from);
        let workflow = workflow.or(config.map(|config| config.workflow.kind.into()));
        Ok(Demand {
            rps: self.rps,
            peak,
            one_payment: self.one_payment.min(peak),
            body_bytes: self.body_kb * 1_024,
            workflow: workflow.unwrap_or(Workflow::Standard),
            region: self.region.clone().or(region).unwrap_or_default(),
            kept: config.map_or_else(Kept::default, Kept::of),
            assumed: Assumed::default(),
        })
    }
}

fn as_json(told: &view::Capacity<'_>, settings: &[(Setting, Option<String>)]) -> Value {
    let (demand, plan) = (told.demand, told.plan);
    let limits = plan.limits.iter().map(|limit| {
        json!({
            "step": limit.step, "service": limit.service, "limit": limit.name, "needed": limit.needed,
            "allowed": limit.allowed, "used": limit.used(), "at": limit.at, "holdsTo": limit.holds_to,
            "binds": limit.binds(), "remedy": limit.remedy.as_str(), "source": limit.source, "verified": limit.read,
        })
    });
    let settings = settings.iter().map(|(setting, now)| {
        json!({"section": setting.section, "key": setting.key, "value": setting.value, "now": now})
    });
    let total = plan.unpriced.is_none().then(|| plan.total());
    json!({
        "event": "capacity",
        "rps": demand.rps, "peak": demand.peak, "onePayment": demand.one_payment, "bodyBytes": demand.body_bytes,
        "workflow": demand.workflow.as_str(), "region": demand.region, "env": told.env,
        "eventDays": demand.kept.event_days, "logDays": demand.kept.log_days,
        "infraToml": told.fragment, "settings": settings.collect::<Vec<_>>(),
        "limits": limits.collect::<Vec<_>>(), "quotasDated": told.quotas_dated,
        "costs": plan.costs.iter().map(|cost| bill(demand, cost)).collect::<Vec<_>>(), "pricesDated": told.prices_dated,
        "unpriced": plan.unpriced.as_ref().map(ToString::to_string),
        "usdMonth": total, "usdMillion": total.map(|total| view::per_million(demand, total)),
    })
}

fn bill(demand: &Demand, cost: &Cost) -> Value {
    let parts = cost.parts.iter().map(|part| {
        json!({
            "price": part.name, "amount": part.amount, "unit": part.price.unit, "usdMonth": part.usd_month(),
            "usd": part.price.usd, "per": part.price.per, "source": part.price.source, "verified": part.price.read,
        })
    });
    json!({
        "step": cost.step, "what": cost.what, "usdMonth": cost.usd_month(),
        "usdMillion": view::per_million(demand, cost.usd_month()), "verified": cost.read(),
        "parts": parts.collect::<Vec<_>>(),
    })
}
