//! How far some events are, at the least that has to be read for it.

use std::collections::HashMap;

use super::event_item::{read_key, read_text};
use super::{DynamoStore, Key, Processing, StoreError};

const NAMES: [&str; 4] = ["paymentId", "timestamp", "processing", "failedAt"];

/// How far an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub processing: Processing,
    /// When it failed last, as the state machine wrote it down.
    pub failed_at: Option<String>,
}

impl DynamoStore {
    /// How far the events at these keys are as of now; one that is gone is left out.
    pub async fn standing(&self, keys: &[Key]) -> Result<HashMap<Key, Standing>, StoreError> {
        let items = self.items_at(keys, &NAMES).await?;
        let standing = items.iter().map(|item| {
            let processing = read_text(item, "processing")?;
            let standing = Standing {
                processing: Processing::parse(&processing).ok_or("processing")?,
                failed_at: read_text(item, "failedAt").ok(),
            };
            Ok((read_key(item)?, standing))
        });
        standing
            .collect::<Result<_, _>>()
            .map_err(|attribute| self.unreadable(attribute))
    }
}
