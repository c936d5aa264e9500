//! The payments table in memory, with the same meaning as the one in DynamoDB, for laws that need many runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    Body, Conflict, EventItem, Finish, Inserted, Key, Lease, Leased, Marker, Store, StoreError,
};
use crate::head::Head;

#[derive(Clone)]
struct Row {
    event: EventItem,
    /// Owner and end in milliseconds.
    lease: Option<(String, i64)>,
}

#[derive(Default)]
struct Rows {
    events: BTreeMap<Key, Row>,
    heads: BTreeMap<String, Head>,
    /// By provider and event id.
    markers: BTreeMap<(String, String), Marker>,
    /// By key.
    conflicts: BTreeMap<Key, Conflict>,
    /// By provider.
    cursors: BTreeMap<String, u64>,
}

/// A table that lasts as long as the value.
#[derive(Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

impl MemoryStore {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every event of every payment in order of the keys.
    pub fn all_events(&self) -> Vec<EventItem> {
        self.rows()
            .events
            .values()
            .map(|row| row.event.clone())
            .collect()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn insert(&self, item: &EventItem) -> Result<Inserted, StoreError> {
        let mut rows = self.rows();
        let event = (item.provider.clone(), item.event_id.clone());
        if let Some(marker) = rows.markers.get(&event) {
            return Ok(Inserted::Known(marker.clone()));
        }
        if let Some(row) = rows.events.get(&item.key) {
            return Ok(Inserted::KeyTaken(Box::new(row.event.clone())));
        }
        let marker = Marker {
            key: item.key.clone(),
            digest: item.identity().to_owned(),
        };
        rows.markers.insert(event, marker);
        rows.events.insert(
            item.key.clone(),
            Row {
                event: item.clone(),
                lease: None,
            },
        );
        Ok(Inserted::New)
    }

    async fn known(&self, provider: &str, event_id: &str) -> Result<Option<Marker>, StoreError> {
        let event = (provider.to_owned(), event_id.to_owned());
        Ok(self.rows().markers.get(&event).cloned())
    }

    async fn lease(&self, key: &Key, lease: &Lease) -> Result<Leased, StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.events.get_mut(key) else {
            return Ok(Leased::Missing);
        };
        if row.event.processing.is_final() {
            return Ok(Leased::Finished(Box::new(row.event.clone())));
        }
        let now = lease.now.as_millisecond();
        if row
            .lease
            .as_ref()
            .is_some_and(|(owner, until)| *until > now && *owner != lease.owner)
        {
            return Ok(Leased::Held);
        }
        row.lease = Some((lease.owner.clone(), lease.until.as_millisecond()));
        Ok(Leased::Taken(Box::new(row.event.clone())))
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreError> {
        if let Some(row) = self
            .rows()
            .events
            .get_mut(key)
            .filter(|row| is_owner(row, owner))
        {
            row.lease = None;
        }
        Ok(())
    }

    async fn finish(&self, key: &Key, owner: &str, finish: &Finish) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.events.get_mut(key).filter(|row| is_owner(row, owner)) else {
            return Ok(false);
        };
        row.lease = None;
        row.event.processed_at = Some(finish.at);
        row.event.failure = None;
        row.event = row.event.clone().ended(finish.end.clone());
        Ok(true)
    }

    async fn head(&self, payment_id: &str) -> Result<Option<Head>, StoreError> {
        Ok(self.rows().heads.get(payment_id).cloned())
    }

    async fn put_head(&self, payment_id: &str, head: &Head) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        if rows.heads.get(payment_id).map_or(0, |known| known.version) + 1 != head.version {
            return Ok(false);
        }
        rows.heads.insert(payment_id.to_owned(), head.clone());
        Ok(true)
    }

    async fn cursor(&self, provider: &str) -> Result<Option<u64>, StoreError> {
        Ok(self.rows().cursors.get(provider).copied())
    }

    async fn advance(&self, provider: &str, to: u64) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let is_further = rows.cursors.get(provider).is_none_or(|known| *known < to);
        if is_further {
            rows.cursors.insert(provider.to_owned(), to);
        }
        Ok(is_further)
    }

    async fn record(&self, conflict: &Conflict) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let known = rows.conflicts.entry(conflict.key());
        known.or_insert_with(|| Conflict {
            expires_at: None,
            ..conflict.clone()
        });
        Ok(())
    }

    async fn conflicts(&self, payment_id: &str) -> Result<Vec<Conflict>, StoreError> {
        let rows = self.rows();
        let conflicts = rows.conflicts.values();
        let of_payment = conflicts.filter(|conflict| conflict.of.payment_id == payment_id);
        let mut conflicts: Vec<_> = of_payment.cloned().collect();
        conflicts.sort_by_key(|conflict| conflict.received_at);
        Ok(conflicts)
    }

    async fn events(&self, payment_id: &str) -> Result<Vec<EventItem>, StoreError> {
        let of_payment = |row: &&Row| row.event.key.payment_id == payment_id;
        // Where a body is, but not the body.
        let without_body = |row: &Row| EventItem {
            body: row.event.body.clone().filter(is_elsewhere),
            ..row.event.clone()
        };
        Ok(self
            .rows()
            .events
            .values()
            .filter(of_payment)
            .map(without_body)
            .collect())
    }
}

fn is_elsewhere(body: &Body) -> bool {
    matches!(body, Body::Elsewhere { .. })
}

fn is_owner(row: &Row, owner: &str) -> bool {
    row.lease
        .as_ref()
        .is_some_and(|(holder, _)| holder == owner)
}
