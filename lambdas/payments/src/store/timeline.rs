//! What is known about one payment, for whoever wants to look at it.

use super::{Conflict, EventItem, Processing, Store, StoreError};
use crate::head::Head;

/// A payment's head and all its events in order of their time.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub head: Option<Head>,
    pub events: Vec<EventItem>,
    /// What came again with another content.
    pub conflicts: Vec<Conflict>,
}

impl Timeline {
    /// Reads the head and the events, without bodies.
    pub async fn read(store: &dyn Store, payment_id: &str) -> Result<Self, StoreError> {
        let mut events = store.events(payment_id).await?;
        events.sort_by_key(|event| (event.occurred_ms, event.key.timestamp));
        Ok(Self {
            head: store.head(payment_id).await?,
            events,
            conflicts: store.conflicts(payment_id).await?,
        })
    }

    /// One of the payment's events.
    pub fn event(&self, event_id: &str) -> Option<&EventItem> {
        self.events.iter().find(|event| event.event_id == event_id)
    }
}

impl EventItem {
    /// Whether processing ended, well or not.
    pub fn is_settled(&self) -> bool {
        self.processing.is_final() || self.processing == Processing::Failed
    }
}
