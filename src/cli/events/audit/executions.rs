//! The executions of the state machine, as far as an audit needs them.

use super::AT_ONCE;
use crate::cli::events::Deployed;
use crate::outputs::key;
use crate::resources::During;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use payments::store::Key;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most executions that are listed; each page has a thousand.
const LISTED: usize = 200_000;
/// The most executions that are asked for their input.
const ASKED: usize = 5_000;

/// What ran, and what it was given.
#[derive(Debug, Default)]
pub struct Executions {
    /// How many there are in each status; nothing where the state machine keeps no list of them.
    pub counts: BTreeMap<String, usize>,
    /// Whether there is a list; Express workflows keep none.
    pub listed: bool,
    /// Events of those that run.
    pub running: BTreeSet<Key>,
    /// Events of those that ended badly.
    pub broken: BTreeSet<Key>,
}

impl Executions {
    /// Lists those that started since then.
    pub async fn read(deployed: &Deployed, since: Timestamp) -> anyhow::Result<Self> {
        let machine = deployed.outputs.get(key::STATE_MACHINE_ARN)?;
        let mut found = Self {
            listed: true,
            ..Self::default()
        };
        let mut open = Vec::new();
        let mut token = None;
        loop {
            let call = deployed.aws.sfn.list_executions();
            let call = call
                .state_machine_arn(machine)
                .max_results(1_000)
                .set_next_token(token);
            let page = match call.send().await.during("states:ListExecutions") {
                Ok(page) => page,
                Err(error) if error.code == "StateMachineTypeNotSupported" => {
                    return Ok(Self::default());
                }
                Err(error) => return Err(error.into()),
            };
            let mut older = false;
            for one in page.executions() {
                older |= one.start_date().secs() < since.as_second();
                if older {
                    break;
                }
                let status = one.status().as_str();
                *found.counts.entry(status.to_owned()).or_default() += 1;
                if status != "SUCCEEDED" && open.len() < ASKED {
                    open.push(one.execution_arn().to_owned());
                }
            }
            token = page.next_token;
            if older || token.is_none() || found.counts.values().sum::<usize>() >= LISTED {
                break;
            }
        }
        found.ask(deployed, open).await?;
        Ok(found)
    }

    async fn ask(&mut self, deployed: &Deployed, open: Vec<String>) -> anyhow::Result<()> {
        let described: Vec<_> = stream::iter(open)
            .map(|arn| async move {
                let call = deployed.aws.sfn.describe_execution().execution_arn(arn);
                call.send().await.during("states:DescribeExecution")
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for one in described {
            let keys = keys(one.input().unwrap_or_default());
            match one.status().as_str() {
                "RUNNING" | "PENDING_REDRIVE" => self.running.extend(keys),
                // It may have ended well since it was listed.
                "SUCCEEDED" => {}
                _ => self.broken.extend(keys),
            }
        }
        Ok(())
    }
}

/// The events in an execution's input.
fn keys(input: &str) -> Vec<Key> {
    let records: Vec<Value> = serde_json::from_str(input).unwrap_or_default();
    let key = |record: &Value| {
        let keys = &record["dynamodb"]["Keys"];
        Some(Key {
            payment_id: keys["paymentId"]["S"].as_str()?.to_owned(),
            timestamp: keys["timestamp"]["N"].as_str()?.parse().ok()?,
        })
    };
    records.iter().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn events_are_read_from_the_input_and_what_is_none_is_passed_over() {
        let input = r#"[{"dynamodb":{"Keys":{"paymentId":{"S":"stripe:pi_1"},"timestamp":{"N":"17"}}}}, {"x":1}]"#;
        let found = keys(input);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].payment_id.as_str(), found[0].timestamp),
            ("stripe:pi_1", 17)
        );
        assert!(keys("{}").is_empty() && keys("").is_empty());
    }
}
