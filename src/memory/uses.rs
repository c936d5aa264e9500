//! What one resource in memory means to others: who sees it when, which names it keeps, what goes with it.

use super::account::{Inner, Item, identity};
use super::edges::{EDGES, Edge, Refusal, refused};
use super::latency;
use crate::resources::{Address, Class, CloudError, Delete, Kind, Of, definition, sees_late};
use std::time::Duration;
use tokio::time::Instant;

/// How long SQS holds the name of a deleted queue; facts: section 12.
const QUEUE_NAME_HELD: Duration = Duration::from_secs(60);

/// Something under which what it uses was deleted in this run.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    used: String,
    user: String,
    told: String,
}

impl Item {
    /// Whether it is there, but not for users of this kind.
    fn is_early(&self, user: Kind, now: Instant) -> bool {
        let late = self.late_edges(user, now).next().is_some();
        late || self.visible > now && sees_late(user, self.kind)
    }

    /// The edges over which users of this kind do not see it yet.
    fn late_edges(&self, user: Kind, now: Instant) -> impl Iterator<Item = &'static Edge> {
        let late = self.late.iter().filter(move |(_, from)| *from > now);
        late.map(|(edge, _)| *edge)
            .filter(move |edge| edge.user == user)
    }
}

impl Inner {
    /// The time that something takes for which a time is published.
    pub(super) fn time(&mut self, published: Duration) -> Duration {
        match &mut self.chance {
            Some(chance) => chance.up_to(published * 3),
            None => published,
        }
    }

    /// For how long reads do not show what is made now.
    pub(super) fn hides(&mut self, kind: Kind) -> Duration {
        let told = self.hidden.get(&kind).copied().unwrap_or_default();
        let most = definition(kind).hidden();
        let most = most.saturating_sub(Duration::from_secs(1));
        match &mut self.chance {
            Some(chance) => chance.up_to(most),
            None => told,
        }
    }

    /// When what settles then is seen over each edge.
    pub(super) fn late(&mut self, kind: Kind, settled: Instant) -> Vec<(&'static Edge, Instant)> {
        let Some(chance) = &mut self.chance else {
            return Vec::new();
        };
        let edges = EDGES.iter().filter(|edge| edge.made == kind);
        edges
            .map(|edge| (edge, settled + chance.up_to(edge.most())))
            .collect()
    }

    /// Refuses what uses outputs that are not there yet for this kind; answers with why it will fail later.
    pub(super) fn check_uses(&self, at: &Address) -> Result<Option<&'static str>, CloudError> {
        let now = Instant::now();
        let early = self
            .items
            .iter()
            .filter(|(_, item)| item.is_early(at.kind, now));
        let (own, mut text, mut failure) = (identity(at), None, None);
        for (_, item) in early.filter(|(id, _)| own.as_ref() != Some(*id)) {
            let text = text.get_or_insert_with(|| at.properties.to_string());
            let mut values = item.outputs.values();
            if !values.any(|value| value.len() > 8 && text.contains(value.as_str())) {
                continue;
            }
            if self.chance.is_none() {
                refuse_early(at.kind, item.kind)?;
            }
            for edge in item.late_edges(at.kind, now) {
                match edge.refusal {
                    Refusal::Call(code, words) => return Err(refused(code, words)),
                    Refusal::Later(why) => failure = Some(why),
                }
            }
        }
        Ok(failure)
    }

    /// Refuses a name that is taken, or that AWS still holds.
    pub(super) fn check_name(&self, name: &str, now: Instant) -> Result<(), CloudError> {
        let taken = self.items.get(name).filter(|item| !item.is_gone(now));
        if taken.is_some() {
            let words = "it exists already";
            return Err(CloudError::new(
                "memory:Put",
                Class::Conflict,
                "AlreadyExists",
                words,
            ));
        }
        match self.held.get(name).filter(|until| **until > now) {
            Some(_) => Err(refused(
                "AWS.SimpleQueueService.QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            )),
            None => Ok(()),
        }
    }

    /// Refuses one more than the account may have.
    pub(super) fn check_quota(&self, kind: Kind) -> Result<(), CloudError> {
        let Some(most) = self.quotas.get(&kind) else {
            return Ok(());
        };
        let now = Instant::now();
        let alive = self.items.values().filter(|item| !item.is_gone(now));
        match alive.filter(|item| item.kind == kind).count() >= *most {
            true => Err(CloudError::new(
                "memory:Put",
                Class::Quota,
                "LimitExceededException",
                format!("this account may have {most} of it"),
            )),
            false => Ok(()),
        }
    }

    /// Begins to delete.
    pub(super) fn delete(&mut self, kind: Kind, id: &str) -> Delete {
        let pace = latency(kind).delete;
        let gone = Instant::now() + self.time(pace);
        if pace.is_zero() {
            self.vanish(id);
            return Delete::Gone;
        }
        self.hold(id);
        if let Some(item) = self.items.get_mut(id) {
            item.deleting = Some(gone);
        }
        Delete::Waiting("it to be gone")
    }

    /// Removes something, and what does not stand without it.
    pub(super) fn vanish(&mut self, id: &str) {
        self.hold(id);
        let Some(item) = self.items.remove(id) else {
            return;
        };
        self.haunt(&item);
        let parts: &[(Kind, &str, &str)] = &[
            (Kind::ApiDeployment, "api", "apiId"),
            (Kind::ApiStage, "api", "apiId"),
            (Kind::Permission, "function", "functionName"),
        ];
        for (kind, property, output) in parts {
            let Some(of) = item.outputs.get(*output) else {
                continue;
            };
            self.items.retain(|_, part| {
                part.kind != *kind || part.properties[*property].as_str() != Some(of)
            });
        }
    }

    /// Keeps what AWS keeps of something deleted.
    fn hold(&mut self, id: &str) {
        let Some(item) = self.items.get(id) else {
            return;
        };
        match item.kind {
            Kind::Queue => {
                let until = Instant::now() + QUEUE_NAME_HELD;
                self.held.insert(id.to_owned(), until);
            }
            Kind::Secret if item.properties["recoveryWindowDays"] != 0 => {
                self.asleep.insert(id.to_owned(), item.outputs.clone());
            }
            _ => {}
        }
    }

    /// Notes deletes under what is still used: a successor of the same name may follow, unless the user goes too.
    pub(super) fn check_unused(&mut self, at: &Address, id: &str) {
        let now = Instant::now();
        let Some(item) = self.items.get(id) else {
            return;
        };
        let after = self.orphans.iter().filter(|orphan| orphan.user == id);
        let late = after.map(|orphan| orphan.told.clone());
        self.problems.extend(late);
        let strict = matches!(
            at.kind,
            Kind::Role | Kind::Table | Kind::StateMachine | Kind::Queue | Kind::Key
        );
        let users = self.items.iter().filter(|(_, user)| {
            strict
                && user.logical != item.logical
                && !user.is_gone(now)
                && user.properties.get("source").is_some()
                && item
                    .outputs
                    .values()
                    .any(|v| v.len() > 8 && user.properties.to_string().contains(v.as_str()))
        });
        let orphans = users.map(|(user_id, user)| Orphan {
            used: id.to_owned(),
            user: user_id.clone(),
            told: format!("{} deleted while {} uses it", item.logical, user.logical),
        });
        self.orphans.extend(orphans.collect::<Vec<_>>());
    }

    /// What AWS would have choked on so far.
    pub(super) fn all_problems(&self) -> Vec<String> {
        let alone = |orphan: &&Orphan| {
            self.items.contains_key(&orphan.user) && !self.items.contains_key(&orphan.used)
        };
        let alone = self.orphans.iter().filter(alone);
        let alone = alone.map(|orphan| orphan.told.clone());
        self.problems.iter().cloned().chain(alone).collect()
    }
}

/// The kind's own words for what is not visible yet; kinds without such words take everything.
fn refuse_early(kind: Kind, used: Kind) -> Result<(), CloudError> {
    let mut rules = definition(kind).settle().iter();
    match rules.find(|rule| rule.of == Of::Edge(used)) {
        Some(rule) => Err(refused(
            rule.codes.first().copied().unwrap_or_default(),
            rule.messages.first().copied().unwrap_or_default(),
        )),
        None => Ok(()),
    }
}
