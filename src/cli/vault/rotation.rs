//! A new signing secret takes the place of old ones, which stay accepted for a while.

use super::{SIGNING, Vault, value_of};
use jiff::Timestamp;
use payments::secret::SecretText;
use serde_json::{Map, Value, json};

/// What changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Whether the new secret was not there before.
    pub added: bool,
    /// Old secrets that got an end.
    pub limited: usize,
    /// Old secrets that were taken out.
    pub dropped: usize,
}

impl Vault {
    /// Puts a new secret in front; those that are there are accepted until then and no longer, and those whose time is over
    /// are taken out. With the same secret again nothing changes.
    pub fn rotate(
        &mut self,
        provider: &str,
        new: &SecretText,
        now: Timestamp,
        until: Timestamp,
    ) -> Rotation {
        let new = value_of(new);
        let there = self.signing(provider);
        let known = there.first().is_some_and(|first| *value(first) == new);
        let mut rotation = Rotation {
            added: !known,
            ..Rotation::default()
        };
        let mut signing = Vec::new();
        let mut old = there.into_iter();
        signing.push(match known {
            true => old.next().unwrap_or(new.clone()),
            false => new.clone(),
        });
        for entry in old.filter(|entry| *value(entry) != new) {
            let end = time(&entry, "not_after");
            if until <= now || end.is_some_and(|end| end <= now) {
                rotation.dropped += 1;
            } else if end.is_none_or(|end| end > until) {
                rotation.limited += 1;
                let not_before = time(&entry, "not_before");
                signing.push(
                    json!({"value": value(&entry), "not_before": not_before, "not_after": until}),
                );
            } else {
                signing.push(entry);
            }
        }
        self.provider(provider)
            .insert(SIGNING.to_owned(), signing.into());
        rotation
    }

    /// Takes out all secrets but the newest; `None`, and nothing is changed, unless that one is accepted now.
    pub fn finish_rotation(&mut self, provider: &str, now: Timestamp) -> Option<Rotation> {
        let mut there = self.signing(provider);
        let newest = there.first()?;
        let begun = time(newest, "not_before").is_none_or(|start| start <= now);
        let over = time(newest, "not_after").is_some_and(|end| end < now);
        if over || !begun {
            return None;
        }
        let dropped = there.len() - 1;
        there.truncate(1);
        self.provider(provider)
            .insert(SIGNING.to_owned(), there.into());
        Some(Rotation {
            dropped,
            ..Rotation::default()
        })
    }

    fn signing(&self, provider: &str) -> Vec<Value> {
        let known = self.0.get(provider);
        let signing = known.and_then(|known| known.get(SIGNING)?.as_array());
        signing.cloned().unwrap_or_default()
    }
}

/// A secret without its validity.
fn value(entry: &Value) -> &Value {
    wrapped(entry)
        .and_then(|entry| entry.get("value"))
        .unwrap_or(entry)
}

fn time(entry: &Value, name: &str) -> Option<Timestamp> {
    wrapped(entry)?.get(name)?.as_str()?.parse().ok()
}

fn wrapped(entry: &Value) -> Option<&Map<String, Value>> {
    entry
        .as_object()
        .filter(|entry| entry.contains_key("value"))
}
