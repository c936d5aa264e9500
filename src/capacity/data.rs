//! What AWS allows and what it takes: dated tables, compiled in.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A quota before anybody asked for more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    pub service: String,
    pub name: String,
    pub default: f64,
    /// Where it differs from the default.
    #[serde(default)]
    pub regions: BTreeMap<String, f64>,
    /// Whether AWS raises it on request.
    pub adjustable: bool,
    pub source: String,
    /// Whether the value was read at its source on the table's date; it is unverified otherwise.
    pub read: bool,
}

impl Quota {
    /// The value in a region.
    pub fn of(&self, region: &str) -> f64 {
        self.regions.get(region).copied().unwrap_or(self.default)
    }
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident of $row:ty { $($field:ident),* } $($more:ident: $type:ty),*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(pub $more: $type,)*
            $(pub $field: $row,)*
        }

        impl $name {
            /// Every row with its name, in order.
            pub fn rows(&self) -> Vec<(&'static str, &$row)> {
                vec![$((stringify!($field), &self.$field)),*]
            }
        }
    };
}

table! {
    /// Every quota that the model knows.
    Quotas of Quota {
        api_rate, api_burst, api_payload, lambda_payload, lambda_concurrency, lambda_unreserved, lambda_growth,
        lambda_requests, partition_writes, new_table_writes, table_writes, pipe_concurrency, execution_input,
        standard_starts, express_starts, standard_transitions, open_executions, put_events, kms_requests, secret_reads,
        log_writes
    }
    dated: String
}

/// Dollars for a number of units, fewer beyond some amounts of a month.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub usd: f64,
    pub per: f64,
    pub unit: String,
    /// Amounts of a month in rising order, and the dollars from there on.
    #[serde(default)]
    pub above: Vec<(f64, f64)>,
    pub source: String,
    pub read: bool,
}

impl Price {
    /// Dollars for an amount in one month.
    pub fn of(&self, amount: f64) -> f64 {
        let starts = std::iter::once((0.0, self.usd)).chain(self.above.iter().copied());
        let ends = self.above.iter().map(|(start, _)| *start);
        let ends = ends.chain(std::iter::once(f64::INFINITY));
        starts
            .zip(ends)
            .map(|((start, usd), end)| (amount.min(end) - start).max(0.0) / self.per * usd)
            .sum()
    }
}

table! {
    /// The prices of one region.
    Prices of Price {
        api_request, lambda_request, lambda_gb_second, table_write, table_read, stream_read, table_gb_month,
        backup_gb_month, object_write, object_gb_month, pipe_request, state_transition, express_request,
        express_gb_second, bus_event, log_gb, log_gb_month, trace, kms_request, key_month, secret_month, alarm_month,
        dashboard_month
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceList {
    dated: String,
    regions: BTreeMap<String, Prices>,
}

/// Quotas and prices, each with its date.
pub struct Data {
    pub quotas: Quotas,
    pub prices_dated: String,
    prices: BTreeMap<String, Prices>,
}

/// There are no prices for a region.
#[derive(Debug, thiserror::Error)]
#[error("there are no prices for {region}; known are {}", known.join(", "))]
pub struct NoPrices {
    pub region: String,
    pub known: Vec<String>,
}

impl Data {
    /// The tables that are compiled in.
    pub fn built_in() -> Result<Data, toml::de::Error> {
        let list: PriceList = toml::from_str(include_str!("prices.toml"))?;
        Ok(Data {
            quotas: toml::from_str(include_str!("quotas.toml"))?,
            prices_dated: list.dated,
            prices: list.regions,
        })
    }

    /// The prices of a region.
    pub fn prices(&self, region: &str) -> Result<&Prices, NoPrices> {
        self.prices.get(region).ok_or_else(|| NoPrices {
            region: region.to_owned(),
            known: self.prices.keys().cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_are_whole_and_say_where_each_value_is_from() {
        let data = Data::built_in().expect("tables");
        for (name, quota) in data.quotas.rows() {
            assert!(quota.source.starts_with("https://docs.aws"), "{name}");
            assert!(quota.default > 0.0, "{name}");
        }
        for region in ["us-east-1", "eu-central-1"] {
            for (name, price) in data.prices(region).expect("prices").rows() {
                assert!(
                    price.source.starts_with("https://aws.amazon.com/"),
                    "{name}"
                );
                assert!(price.above.is_sorted(), "{name}");
            }
        }
        let error = data.prices("mars-north-1").expect_err("an error");
        assert!(
            error
                .to_string()
                .ends_with("known are eu-central-1, us-east-1")
        );
    }

    #[test]
    fn what_is_beyond_an_amount_costs_what_it_costs_there() {
        let price = Price {
            usd: 2.0,
            per: 10.0,
            unit: "units".into(),
            above: vec![(100.0, 1.0), (200.0, 0.5)],
            source: String::new(),
            read: true,
        };
        for (amount, dollars) in [
            (0.0, 0.0),
            (50.0, 10.0),
            (100.0, 20.0),
            (150.0, 25.0),
            (300.0, 35.0),
        ] {
            assert_eq!(price.of(amount), dollars, "{amount}");
        }
    }
}
