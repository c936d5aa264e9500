//! What the resources of a plan cost whether a webhook comes or not.

use super::{Data, Price, Prices};
use crate::plan::{Action, Plan, Step};
use crate::resources::Kind;
use serde::Serialize;

/// Dollars a month before a plan is applied and after it, without what traffic costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AtRest {
    /// As things stand.
    pub before_usd_month: f64,
    /// Once all of it is done.
    pub after_usd_month: f64,
    /// The day that the prices are of.
    pub prices_dated: String,
    /// Whether all of them were read at their source; see [`Price::read`].
    pub verified: bool,
}

/// The price of a month of one resource; `None` where only use is paid for.
fn price(kind: Kind, prices: &Prices) -> Option<&Price> {
    match kind {
        Kind::Key => Some(&prices.key_month),
        Kind::Secret => Some(&prices.secret_month),
        Kind::Alarm => Some(&prices.alarm_month),
        Kind::Dashboard => Some(&prices.dashboard_month),
        _ => None,
    }
}

/// Whether what a step is about stands before it; what is replaced has a delete of its own.
fn stands_before(step: &Step) -> bool {
    matches!(
        step.action,
        Action::Keep | Action::Update | Action::Adopt | Action::Delete
    )
}

impl AtRest {
    /// What a plan comes to; `None` where there are no prices of the region.
    pub fn of(plan: &Plan, region: &str, data: &Data) -> Option<Self> {
        let prices = data.prices(region).ok()?;
        let priced = |step: &Step| price(step.kind, prices);
        let sum = |counts: &dyn Fn(&Step) -> bool| -> f64 {
            let steps = plan.steps.iter().filter(|step| counts(step));
            let months = steps.filter_map(priced).map(|price| price.of(1.0));
            // In whole cents; an empty sum of floats is a negative zero.
            (months.fold(0.0, |all, one| all + one) * 100.0).round() / 100.0
        };
        Some(Self {
            before_usd_month: sum(&stands_before),
            after_usd_month: sum(&|step| step.action != Action::Delete),
            prices_dated: data.prices_dated.clone(),
            verified: plan.steps.iter().filter_map(priced).all(|price| price.read),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cost::ALARMS;
    use super::*;
    use crate::config::Config;
    use crate::plan::{Facts, build, destroy};
    use crate::resources::{Given, Tags};
    use crate::stack::{self, Stack};
    use crate::state::{Entry, State};
    use std::collections::BTreeMap;

    const REGION: &str = "eu-central-1";

    fn first_deploy(more: &str) -> Plan {
        let text = format!("region = \"{REGION}\"\nenv.dev = {{}}\n{more}");
        let config = Config::parse("infra.toml", &text, Some("dev"), None).expect("valid");
        let facts = Facts {
            stack: stack::NAME.to_owned(),
            env: "dev".to_owned(),
            given: Given {
                partition: "aws".to_owned(),
                region: REGION.to_owned(),
                account: "123456789012".to_owned(),
            },
            artifacts: [stack::VALIDATOR, stack::PROCESSOR]
                .map(|function| (function.to_owned(), format!("sha-{function}")))
                .into(),
            tags: Tags::new(),
        };
        let graph = Stack::payment_webhooks(&config).graph;
        build(&graph, &State::default(), &BTreeMap::new(), &facts).expect("a plan")
    }

    fn end_of(plan: &Plan) -> Plan {
        let entry = |step: &Step| Entry {
            kind: step.kind,
            physical: step.physical.clone(),
            properties: step.properties.clone(),
            outputs: step.outputs.clone(),
            tags: step.tags.clone(),
            dependencies: step.dependencies.clone(),
            accepted: None,
        };
        let steps = plan.steps.iter();
        let owned: Vec<_> = steps.map(|s| (s.resource.clone(), entry(s))).collect();
        destroy(&owned, &[])
    }

    fn at_rest(plan: &Plan) -> (f64, f64) {
        let data = Data::built_in().expect("tables");
        let at_rest = AtRest::of(plan, REGION, &data).expect("prices");
        assert_eq!(at_rest.prices_dated, data.prices_dated);
        (at_rest.before_usd_month, at_rest.after_usd_month)
    }

    #[test]
    fn a_first_deploy_comes_to_the_line_of_the_bill_that_no_traffic_changes() {
        let data = Data::built_in().expect("tables");
        let prices = data.prices(REGION).expect("prices");
        let alarms = ALARMS * prices.alarm_month.usd;
        let all = prices.key_month.usd + prices.secret_month.usd + prices.dashboard_month.usd;
        let (before, after) = at_rest(&first_deploy(""));
        assert_eq!(before, 0.0);
        assert!((after - all - alarms).abs() < 1e-9, "{after}");
        let (_, quiet) = at_rest(&first_deploy("alarms.enabled = false\n"));
        assert!((after - quiet - alarms).abs() < 1e-9, "{quiet}");
    }

    #[test]
    fn a_destroy_ends_at_nothing() {
        let deploy = first_deploy("");
        let (before, after) = at_rest(&end_of(&deploy));
        assert_eq!((before, after), (at_rest(&deploy).1, 0.0));
    }

    #[test]
    fn a_region_without_prices_has_no_figure() {
        let data = Data::built_in().expect("tables");
        assert_eq!(AtRest::of(&first_deploy(""), "mars-north-1", &data), None);
    }
}
