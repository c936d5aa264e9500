//! What a search by tags lists.

use super::account::{Inner, Item};
use super::outputs;
use crate::graph::LogicalName;
use crate::resources::{Outputs, Tagged, tag};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::Instant;

/// For how long what is gone is listed where AWS leaves it open.
const GHOST: Duration = Duration::from_secs(60);

impl Inner {
    /// Everything that carries these ownership tags; where AWS leaves it open, also what has been gone for a while.
    pub(super) fn tagged(&self, stack: &str, env: &str) -> Vec<Tagged> {
        let now = Instant::now();
        let late = self.chance.is_some();
        let there = |item: &&Item| item.shown <= now && (late || !item.is_gone(now));
        let ghosts = self.ghosts.iter().filter(|(until, _)| *until > now);
        let items = self.items.values().filter(there);
        items
            .chain(ghosts.map(|(_, item)| item))
            .filter(|item| item.kind.is_listed())
            .filter(|item| {
                let says = |key: &str, value: &str| item.tags.get(key).is_some_and(|v| v == value);
                says(tag::STACK, stack) && says(tag::ENV, env)
            })
            .filter_map(hit)
            .collect()
    }

    /// Keeps on the list what has just gone, where AWS leaves it open for how long.
    pub(super) fn haunt(&mut self, item: &Item) {
        if self.chance.is_some() {
            self.ghosts.push((Instant::now() + GHOST, item.clone()));
        }
    }
}

/// What an ARN would tell.
fn hit(item: &Item) -> Option<Tagged> {
    let chosen = outputs::chosen_by_aws(item.kind);
    let told = |property: &&str| item.properties.get(*property).cloned();
    let properties: Map<String, Value> = match chosen {
        Some(_) => Map::new(),
        None => ["name", "api"]
            .iter()
            .filter_map(|property| Some(((*property).to_owned(), told(property)?)))
            .collect(),
    };
    let outputs = item.outputs.iter();
    let outputs = outputs.filter(|(name, _)| chosen == Some(name.as_str()));
    Some(Tagged {
        kind: item.kind,
        logical: LogicalName::from(item.tags.get(tag::RESOURCE)?.as_str()),
        properties: properties.into(),
        outputs: outputs
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<Outputs>(),
        tags: item.tags.clone(),
    })
}
