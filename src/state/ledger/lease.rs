//! The lock: an object that its holder rewrites every few seconds, and that counts as given up when nobody does.

use super::super::journal::{VERSION, seal, unseal};
use super::{
    Condition, Holder, LOCK, Object, Objects, StateError, Written, is_passing, patiently, remote,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Says whether a holder's process lives; `None` when that cannot be seen from here.
pub type Alive = dyn Fn(&Holder) -> Option<bool> + Send + Sync;

/// How long a lock counts after its last sign of life, by the store's clock.
pub(super) const LEASE: Duration = Duration::from_secs(40);
/// How long a failing call is tried again.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);
const TRIES: usize = 50;

/// The content of the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Text {
    v: u32,
    env: String,
    /// How many have held it.
    epoch: u64,
    /// Unlike any other holder's.
    token: String,
    /// How often this holder has written it: no two contents are the same.
    beat: u64,
    /// The last slot that the writer knows to be written.
    slot: u64,
    /// `None` once it is given back.
    holder: Option<Holder>,
}

/// The lock as somebody else sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has it.
    Free,
    /// Its holder is gone, or has shown no sign of life for too long.
    Dead(Box<Holder>),
    /// Its holder is at work; last sign of life.
    Live(Box<Holder>, Duration),
}

/// The lock, held.
#[derive(Clone, Debug)]
pub struct Lease {
    text: Text,
    tag: String,
    /// When it was last seen to be ours, on the clock of [`Objects::elapsed`].
    confirmed: Duration,
    /// Whether whoever had it before gave it back.
    pub clean: bool,
    /// The last slot that whoever had it before knew to be written.
    pub slot: u64,
}

/// How the lock stands.
pub async fn look(objects: &dyn Objects, env: &str, alive: &Alive) -> Result<Standing, StateError> {
    Ok(match get(objects, env).await? {
        None => Standing::Free,
        Some((text, object)) => standing(&text, &object, alive),
    })
}

fn standing(text: &Text, object: &Object, alive: &Alive) -> Standing {
    let Some(holder) = text.holder.clone().map(Box::new) else {
        return Standing::Free;
    };
    // Whoever is seen to live may be asleep; only those out of sight count as dead by their silence.
    let lives = alive(&holder).unwrap_or(object.age <= LEASE);
    match lives {
        true => Standing::Live(holder, object.age),
        false => Standing::Dead(holder),
    }
}

async fn get(objects: &dyn Objects, env: &str) -> Result<Option<(Text, Object)>, StateError> {
    let object = patiently(objects, || objects.get(LOCK))
        .await
        .map_err(remote("read", objects, LOCK))?;
    let Some(object) = object else {
        return Ok(None);
    };
    let place = objects.place(LOCK);
    let text: Text = unseal(1, &object.bytes).map_err(|source| StateError::Journal {
        place: place.clone(),
        source,
    })?;
    match text.env == env {
        true => Ok(Some((text, object))),
        false => Err(StateError::OtherEnvironment {
            place,
            found: text.env,
            wanted: env.to_owned(),
        }),
    }
}

impl Lease {
    /// Takes the lock, unless a live holder has it; `force` takes it from anybody.
    pub async fn take(
        objects: &dyn Objects,
        env: &str,
        holder: &Holder,
        token: &str,
        alive: &Alive,
        force: bool,
    ) -> Result<Self, StateError> {
        for _ in 0..TRIES {
            let before = objects.elapsed();
            let found = get(objects, env).await?;
            if let Some((text, object)) = &found
                && let Standing::Live(holder, age) = standing(text, object, alive)
                && text.token != token
                && !force
            {
                return Err(held(env, holder, age));
            }
            let clean = found.as_ref().is_none_or(|(text, _)| text.holder.is_none());
            let slot = found.as_ref().map_or(0, |(text, _)| text.slot);
            let text = Text {
                v: VERSION,
                env: env.to_owned(),
                epoch: found.as_ref().map_or(1, |(text, _)| text.epoch + 1),
                token: token.to_owned(),
                beat: 0,
                slot,
                holder: Some(holder.clone()),
            };
            let condition = found.map_or(Condition::Absent, |(_, object)| {
                Condition::Unchanged(object.tag)
            });
            match objects.put(LOCK, &bytes(&text), &condition).await {
                Ok(Written::Done(tag)) => {
                    return Ok(Self {
                        text,
                        tag,
                        confirmed: before,
                        clean,
                        slot,
                    });
                }
                Ok(Written::Refused) => {}
                // If it took place after all, the next round finds our own token, and counts it as not given back.
                Err(error) if is_passing(&error) => objects.pause(pause()).await,
                Err(error) => return Err(remote("write", objects, LOCK)(error)),
            }
        }
        let nobody = Box::new(Holder::default());
        Err(held(env, nobody, Duration::ZERO))
    }

    /// Which holder of the lock this is, counted from the first.
    pub fn epoch(&self) -> u64 {
        self.text.epoch
    }

    /// Whether it is so long since the lock was seen to be ours that somebody else may have it.
    pub fn is_stale(&self, objects: &dyn Objects) -> bool {
        objects.elapsed().saturating_sub(self.confirmed) > LEASE
    }

    /// Gives a sign of life.
    pub async fn renew(&mut self, objects: &dyn Objects, slot: u64) -> Result<(), StateError> {
        let holder = self.text.holder.clone();
        self.rewrite(objects, slot, holder).await
    }

    /// Gives the lock back; nothing may be under way any more.
    pub async fn give_back(&mut self, objects: &dyn Objects, slot: u64) -> Result<(), StateError> {
        self.rewrite(objects, slot, None).await
    }

    async fn rewrite(
        &mut self,
        objects: &dyn Objects,
        slot: u64,
        holder: Option<Holder>,
    ) -> Result<(), StateError> {
        let text = Text {
            beat: self.text.beat + 1,
            slot,
            holder,
            ..self.text.clone()
        };
        let start = objects.elapsed();
        loop {
            let before = objects.elapsed();
            let condition = Condition::Unchanged(self.tag.clone());
            let written = objects.put(LOCK, &bytes(&text), &condition).await;
            let tag = match written {
                Ok(Written::Done(tag)) => Some(tag),
                Ok(Written::Refused) => self.written_after_all(objects, &text).await?,
                Err(error) if is_passing(&error) && objects.elapsed() - start < PATIENCE => {
                    objects.pause(pause()).await;
                    continue;
                }
                Err(error) => return Err(remote("write", objects, LOCK)(error)),
            };
            let Some(tag) = tag else {
                let env = self.text.env.clone();
                return Err(StateError::Fenced { env });
            };
            (self.text, self.tag, self.confirmed) = (text, tag, before);
            return Ok(());
        }
    }

    /// The tag of our own write whose answer was lost.
    async fn written_after_all(
        &self,
        objects: &dyn Objects,
        text: &Text,
    ) -> Result<Option<String>, StateError> {
        let found = get(objects, &self.text.env).await?;
        Ok(found
            .filter(|(found, _)| found == text)
            .map(|(_, object)| object.tag))
    }
}

fn bytes(text: &Text) -> Vec<u8> {
    seal(text).into_bytes()
}

/// Long enough for another process's write to end.
pub(super) fn pause() -> Duration {
    Duration::from_millis(500)
}

fn held(env: &str, holder: Box<Holder>, age: Duration) -> StateError {
    StateError::Held {
        env: env.to_owned(),
        holder,
        sign: format!(
            ", last sign of life {} s ago; after {} s without one it counts as dead",
            age.as_secs(),
            LEASE.as_secs()
        ),
    }
}
