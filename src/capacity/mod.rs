//! The pipeline on paper: which limit binds first at a number of webhooks per second, what to set, what it costs. Pure.

mod cost;
mod data;
mod limits;
mod settings;
mod work;

pub use cost::{Cost, monthly};
pub use data::{Data, NoPrices, Price, Prices, Quota, Quotas};
pub use limits::{Limit, Remedy, limits};
pub use settings::Settings;
pub use work::{Assumed, Work};

/// Which kind of workflow the state machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workflow {
    Standard,
    Express,
}

impl Workflow {
    /// As infra.toml and the command line write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Workflow::Standard => "standard",
            Workflow::Express => "express",
        }
    }
}

/// What is asked of the pipeline.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Webhooks per second over the month: what is paid for.
    pub rps: u32,
    /// Webhooks per second at the busiest: what has to get through.
    pub peak: u32,
    /// Bytes of one body.
    pub body_bytes: u32,
    pub workflow: Workflow,
    pub region: String,
    pub assumed: Assumed,
}

/// The answer for one demand.
pub struct Plan {
    pub settings: Settings,
    pub work: Work,
    /// The limit that is used up most first.
    pub limits: Vec<Limit>,
    pub costs: Vec<Cost>,
}

impl Plan {
    /// Computes everything for a demand.
    pub fn of(demand: &Demand, data: &Data) -> Result<Plan, NoPrices> {
        let prices = data.prices(&demand.region)?;
        let settings = Settings::of(demand, &data.quotas);
        let work = Work::of(demand, &settings, &data.quotas);
        Ok(Plan {
            limits: limits(demand, &settings, &work, &data.quotas),
            costs: monthly(demand, &settings, &work, prices),
            settings,
            work,
        })
    }

    /// The limit that binds first; there always is one.
    pub fn first(&self) -> Option<&Limit> {
        self.limits.first()
    }

    /// Dollars a month.
    pub fn total(&self) -> f64 {
        self.costs.iter().map(|cost| cost.usd_month).sum()
    }
}

#[cfg(test)]
mod tests;
