//! The pipeline on paper: which limit binds first at a number of webhooks per second, what to set, what it costs. Pure.

mod cost;
mod data;
mod limits;
mod rest;
mod settings;
mod work;

use crate::config::{Config, WorkflowType};
pub use cost::{Cost, Part, monthly};
pub use data::{Data, NoPrices, Price, Prices, Quota, Quotas};
pub use limits::{Limit, Remedy, limits};
pub use rest::AtRest;
pub use settings::{Setting, Settings, fragment};
pub use work::{Assumed, OnePayment, Work};

/// Which kind of workflow the state machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workflow {
    Standard,
    Express,
}

impl From<WorkflowType> for Workflow {
    fn from(kind: WorkflowType) -> Self {
        match kind {
            WorkflowType::Standard => Workflow::Standard,
            WorkflowType::Express => Workflow::Express,
        }
    }
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
    /// Of these, the webhooks of one and the same payment.
    pub one_payment: u32,
    /// Bytes of one body.
    pub body_bytes: u32,
    pub workflow: Workflow,
    pub region: String,
    pub kept: Kept,
    pub assumed: Assumed,
}

/// For how long things are kept, and so paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Days of an event and its body; `None` is for ever.
    pub event_days: Option<u32>,
    /// Days of a log line.
    pub log_days: u32,
}

impl Kept {
    /// As infra.toml says.
    pub fn of(config: &Config) -> Kept {
        Kept {
            event_days: config.table.retention.days(),
            log_days: config.logs.retention.get(),
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Kept {
            event_days: crate::config::ItemRetention::default().days(),
            log_days: crate::config::LogRetentionDays::default().get(),
        }
    }
}

/// The answer for one demand.
pub struct Plan {
    /// What stands where that is enough, and else what is needed.
    pub settings: Settings,
    pub work: Work,
    /// The limit that is used up most first.
    pub limits: Vec<Limit>,
    /// None where the prices of the region are not known.
    pub costs: Vec<Cost>,
    /// Why there are no costs.
    pub unpriced: Option<NoPrices>,
}

impl Plan {
    /// Computes everything for a demand; `standing` is what infra.toml says now.
    pub fn of(demand: &Demand, standing: Option<&Settings>, data: &Data) -> Plan {
        let needed = Settings::of(demand, &data.quotas);
        let settings = match standing {
            Some(standing) => needed.over(standing, demand, &data.quotas),
            None => needed,
        };
        let work = Work::of(demand, &settings, &data.quotas);
        let (costs, unpriced) = match data.prices(&demand.region) {
            Ok(prices) => (monthly(demand, &settings, &work, prices), None),
            Err(unknown) => (Vec::new(), Some(unknown)),
        };
        Plan {
            limits: limits(demand, &settings, &work, &data.quotas),
            costs,
            unpriced,
            settings,
            work,
        }
    }

    /// The limit that binds first; there always is one.
    pub fn first(&self) -> Option<&Limit> {
        self.limits.first()
    }

    /// Dollars a month, where prices are known.
    pub fn total(&self) -> f64 {
        self.costs.iter().map(|cost| cost.usd_month()).sum()
    }
}

#[cfg(test)]
mod tests;
