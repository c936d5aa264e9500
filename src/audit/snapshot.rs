//! The table as an audit sees it.

use payments::head::Head;
use payments::store::{EventItem, Key, MarkerItem, Record};
use std::collections::{BTreeMap, HashMap};

/// Every item, by what it is.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By key.
    pub events: BTreeMap<Key, EventItem>,
    /// By payment.
    pub heads: BTreeMap<String, Head>,
    /// By partition key.
    pub markers: BTreeMap<String, MarkerItem>,
    /// What payhook did not write, and which attribute shows that.
    pub unknown: BTreeMap<Key, &'static str>,
}

impl Snapshot {
    /// Sorts the items.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut snapshot = Self::default();
        records.into_iter().for_each(|record| snapshot.add(record));
        snapshot
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Event(event) => {
                self.events.insert(event.key.clone(), *event);
            }
            Record::Head { payment_id, head } => {
                self.heads.insert(payment_id, *head);
            }
            Record::Marker(marker) => {
                self.markers.insert(marker.id.clone(), marker);
            }
            // What a list holds are events of their own, and what conflicts was not stored.
            Record::Cursor { .. } | Record::Conflict(_) => {}
            Record::Unknown { key, why } => {
                self.unknown.insert(key, why);
            }
        }
    }

    /// Puts what a partition holds now in the place of what it held.
    pub fn replace(&mut self, partition: &str, records: Vec<Record>) {
        self.events.retain(|key, _| key.payment_id != partition);
        self.unknown.retain(|key, _| key.payment_id != partition);
        self.heads.remove(partition);
        self.markers.remove(partition);
        records.into_iter().for_each(|record| self.add(record));
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.events.len() + self.heads.len() + self.markers.len() + self.unknown.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A payment's events.
    pub fn of_payment<'a>(&'a self, payment: &str) -> impl Iterator<Item = &'a EventItem> {
        let key = |timestamp| Key {
            payment_id: payment.to_owned(),
            timestamp,
        };
        let range = self.events.range(key(i64::MIN)..=key(i64::MAX));
        range.map(|(_, event)| event)
    }

    /// The items of each event, by provider and the provider's id of it; one each, if all is well.
    pub fn by_id(&self) -> HashMap<(&str, &str), Vec<&EventItem>> {
        let mut by_id = HashMap::<_, Vec<_>>::with_capacity(self.events.len());
        for event in self.events.values() {
            let id = (event.provider.as_str(), event.event_id.as_str());
            by_id.entry(id).or_default().push(event);
        }
        by_id
    }
}
