//! What to do about each alarm.

const RUNBOOK: &str = include_str!("../../../docs/runbook.md");

/// The lines of an alarm's section without the empty ones; `None` when there is no such section.
pub fn entry(alarm: &str) -> Option<Vec<String>> {
    let (_, rest) = RUNBOOK.split_once(&format!("\n## {alarm}\n"))?;
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let lines = section.lines().filter(|line| !line.trim().is_empty());
    Some(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::{RUNBOOK, entry};
    use crate::config::Config;
    use crate::stack::Stack;
    use std::collections::BTreeSet;

    #[test]
    fn every_alarm_has_an_entry_and_every_entry_an_alarm() {
        let config = Config::parse(
            "infra.toml",
            include_str!("../../../infra.toml"),
            Some("dev"),
            None,
        );
        let stack = Stack::payment_webhooks(&config.unwrap());
        let names = stack
            .graph
            .nodes()
            .map(|node| node.name.as_str().to_owned());
        let alarms: BTreeSet<String> = names
            .filter_map(|name| name.strip_prefix("alarm-").map(str::to_owned))
            .collect();
        let headings = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## "));
        assert_eq!(headings.map(str::to_owned).collect::<BTreeSet<_>>(), alarms);
        for alarm in &alarms {
            assert!(entry(alarm).unwrap().len() >= 2, "{alarm} says what to do");
        }
    }

    #[test]
    fn an_entry_is_the_section_of_that_alarm_alone() {
        let entry = entry("dead-letters").unwrap().join("\n");
        assert!(entry.contains("payhook dlq redrive"), "{entry}");
        assert!(
            !entry.contains("##") && !entry.contains("failed-executions"),
            "{entry}"
        );
    }
}
