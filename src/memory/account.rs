//! What an account in memory holds, and what it answers to one call.

use super::chance::Chance;
use super::edges::Edge;
use super::uses::Orphan;
use super::{Call, latency, outputs};
use crate::resources::{
    Address, Class, CloudError, Condition, Given, Kind, Outputs, Pace, Put, Seen, Tags, definition,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) logical: String,
    pub(super) properties: Value,
    pub(super) outputs: Outputs,
    pub(super) tags: Tags,
    /// Reads show it from then on.
    pub(super) shown: Instant,
    pub(super) settled: Instant,
    pub(super) visible: Instant,
    pub(super) deleting: Option<Instant>,
    /// Edges over which it is seen only later.
    pub(super) late: Vec<(&'static Edge, Instant)>,
    /// Why AWS gives it up once it is made.
    pub(super) failure: Option<&'static str>,
    pub(super) what: &'static str,
}

#[derive(Clone, Default)]
pub(super) struct Inner {
    pub(super) items: BTreeMap<String, Item>,
    pub(super) calls: Vec<Call>,
    pub(super) serial: u64,
    pub(super) problems: Vec<String>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) rates: Pace,
    pub(super) throttles: usize,
    /// For how long reads do not show what is made.
    pub(super) hidden: BTreeMap<Kind, Duration>,
    /// Decides what AWS leaves open; without it everything takes the time that is published.
    pub(super) chance: Option<Chance>,
    /// How many of a kind the account may have.
    pub(super) quotas: BTreeMap<Kind, usize>,
    /// Names that cannot be used again yet.
    pub(super) held: BTreeMap<String, Instant>,
    /// Deleted secrets that are kept for their window, and come back under the same ARN.
    pub(super) asleep: BTreeMap<String, Outputs>,
    /// What is gone and still listed by its tags, and until when.
    pub(super) ghosts: Vec<(Instant, Item)>,
}

impl Item {
    pub(super) fn is_gone(&self, now: Instant) -> bool {
        self.deleting.is_some_and(|end| end <= now)
    }

    pub(super) fn condition(&self, now: Instant) -> Condition {
        match self.deleting {
            Some(_) => Condition::Settling("it to be deleted"),
            None if self.settled > now => Condition::Settling(self.what),
            None => match self.failure {
                Some(why) => Condition::Failed(why.to_owned()),
                None => Condition::Settled,
            },
        }
    }
}

/// How a resource is told from all others of its account.
pub(super) fn identity(at: &Address) -> Option<String> {
    let scope = |property: &str| {
        at.properties
            .get(property)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let kind = at.kind.as_str();
    Some(match outputs::chosen_by_aws(at.kind) {
        Some(output) => format!("{kind}/{}", at.outputs.get(output)?),
        None => match at.kind {
            Kind::ApiDeployment => format!("{kind}/{}/{}", scope("api")?, scope("content")?),
            Kind::ApiStage => format!("{kind}/{}/{}", scope("api")?, at.physical),
            Kind::Permission => format!("{kind}/{}/{}", scope("function")?, at.physical),
            _ => format!("{kind}/{}", at.physical),
        },
    })
}

impl Inner {
    /// Refuses a call that comes faster than is published.
    pub(super) fn admit(&mut self, call: &str) -> Result<(), CloudError> {
        self.rates.admit(call).map_err(|rate| {
            self.throttles += 1;
            let code = "TooManyRequestsException";
            CloudError::new(call, Class::Throttle, code, rate.name)
        })
    }

    /// Finds a resource by name or recorded id, else (where AWS chose the id) by ownership tags.
    pub(super) fn find(&self, at: &Address) -> Option<(String, &Item)> {
        let now = Instant::now();
        let by_id = self
            .recorded(at)
            .or_else(|| self.items.get_key_value(&identity(at)?));
        let found = by_id.or_else(|| {
            outputs::chosen_by_aws(at.kind)?;
            let prefix = format!("{}/", at.kind.as_str());
            let ownership = at
                .tags
                .iter()
                .filter(|(key, _)| key.starts_with("payhook:"));
            let owned = |item: &Item| ownership.clone().all(|(k, v)| item.tags.get(k) == Some(v));
            self.items
                .iter()
                .find(|(id, item)| id.starts_with(&prefix) && owned(item))
        });
        found
            .filter(|(_, item)| !item.is_gone(now))
            .map(|(id, item)| (id.clone(), item))
    }

    /// A snapshot of an API by the id on record, whatever content is wanted by now.
    fn recorded(&self, at: &Address) -> Option<(&String, &Item)> {
        let id = at
            .outputs
            .get("deploymentId")
            .filter(|_| at.kind == Kind::ApiDeployment)?;
        let mut items = self.items.iter();
        items.find(|(_, item)| item.outputs.get("deploymentId") == Some(id))
    }

    pub(super) fn see(&self, at: &Address) -> Option<Seen> {
        let now = Instant::now();
        // Not on record: another content is what a stopped replace was to take the place of.
        let new = at.outputs.is_empty();
        let other = || self.others(at).into_iter().next().filter(|_| new);
        let found = self.find(at).map(|(_, item)| item);
        let shown = |item: &&Item| item.shown <= now;
        let item = found.filter(shown).or_else(other)?;
        let rules = definition(at.kind);
        Some(Seen {
            properties: rules.canonical(&item.properties),
            outputs: item.outputs.clone(),
            tags: rules.tagged().then(|| item.tags.clone()),
            condition: item.condition(now),
            unseen: vec![],
            leftovers: vec![],
        })
    }

    /// Snapshots of the same API with another content, the newest first.
    pub(super) fn others(&self, at: &Address) -> Vec<&Item> {
        let now = Instant::now();
        let of = |item: &Item| {
            (
                item.properties["api"].clone(),
                item.properties["content"].clone(),
            )
        };
        let (api, content) = (&at.properties["api"], &at.properties["content"]);
        let prefix = format!("{}/", at.kind.as_str());
        let mut others: Vec<&Item> = self
            .items
            .iter()
            .filter(|(id, item)| {
                at.kind == Kind::ApiDeployment && id.starts_with(&prefix) && !item.is_gone(now)
            })
            .map(|(_, item)| item)
            .filter(|item| item.shown <= now && of(item).0 == *api && of(item).1 != *content)
            .collect();
        others.sort_by_key(|item| std::cmp::Reverse(item.outputs.get("deploymentId").cloned()));
        others
    }

    pub(super) fn create(&mut self, given: &Given, at: &Address) -> Result<Put, CloudError> {
        let now = Instant::now();
        let name = identity(at);
        if let Some(name) = &name {
            self.check_name(name, now)?;
        }
        self.check_quota(at.kind)?;
        let failure = self.check_uses(at)?;
        self.serial += 1;
        let slept = name.and_then(|name| self.asleep.remove(&name));
        let outputs = slept.unwrap_or_else(|| outputs::outputs(at, given, self.serial));
        let mut located = at.clone();
        located.outputs = outputs.clone();
        let pace = latency(at.kind);
        let settled = now + self.time(pace.create);
        let item = Item {
            kind: at.kind,
            logical: at.logical.to_string(),
            properties: at.properties.clone(),
            outputs: outputs.clone(),
            tags: at.tags.clone(),
            shown: now + self.hides(at.kind),
            settled,
            visible: settled + pace.visible,
            deleting: None,
            late: self.late(at.kind, settled),
            failure,
            what: pace.what,
        };
        let id = identity(&located).unwrap_or_else(|| format!("{}/{}", at.kind, self.serial));
        self.items.insert(id, item);
        Ok(if outputs::chosen_by_aws(at.kind).is_some() {
            Put::Made(outputs)
        } else if pace.create.is_zero() {
            Put::Done(outputs)
        } else {
            Put::Waiting(pace.what)
        })
    }

    pub(super) fn update(&mut self, at: &Address, id: &str) -> Result<(Put, bool), CloudError> {
        let failure = self.check_uses(at)?;
        let settling = self.time(latency(at.kind).update);
        let rules = definition(at.kind);
        let now = Instant::now();
        let serial = self.serial + 1;
        let Some(item) = self.items.get_mut(id) else {
            return Err(CloudError::new(
                "memory:Put",
                Class::NotFound,
                "NotFound",
                "it is gone",
            ));
        };
        let same = rules.canonical(&item.properties) == rules.canonical(&at.properties)
            && (!rules.tagged() || item.tags == at.tags);
        if same {
            return Ok((Put::Done(item.outputs.clone()), false));
        }
        for (property, output) in rules.renews() {
            if item.properties.get(*property) != at.properties.get(*property) {
                item.outputs.insert(
                    (*output).to_owned(),
                    outputs::renewed(output, &at.physical, serial),
                );
            }
        }
        let fresh = rules.predicted(&at.properties, &outputs::given_of(&item.outputs));
        for (name, value) in fresh.into_iter().filter(|(name, _)| name == "apiContent") {
            item.outputs.insert(name, value);
        }
        item.properties = at.properties.clone();
        item.tags = at.tags.clone();
        let pace = latency(at.kind);
        item.settled = now + settling;
        item.failure = failure;
        let put = match pace.update.is_zero() {
            true => Put::Done(item.outputs.clone()),
            false => Put::Waiting(pace.what),
        };
        self.serial = serial;
        Ok((put, true))
    }
}
