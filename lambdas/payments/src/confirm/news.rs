//! A page of a provider's list of events, for providers whose webhooks tell only that the list has grown.

use super::GatewayError;
use crate::event::PaymentEvent;

/// What a provider's list of events holds behind a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// In order of their places, each behind the place that was asked about.
    events: Vec<Listed>,
    /// Whether the list goes on behind them.
    pub has_more: bool,
}

/// One event of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it stands in the list.
    pub place: u64,
    pub event: PaymentEvent,
    /// What the list says about it, as it was sent.
    pub raw: Vec<u8>,
}

impl News {
    /// Refuses a page that contradicts itself or the question: reading on from it could pass over an event.
    pub fn new(after: u64, mut events: Vec<Listed>, has_more: bool) -> Result<Self, GatewayError> {
        events.sort_by_key(|event| event.place);
        if events.first().is_some_and(|first| first.place <= after) {
            return Err(GatewayError::Unreadable(
                "its list holds events from before the place asked about",
            ));
        }
        if events.windows(2).any(|two| two[0].place == two[1].place) {
            return Err(GatewayError::Unreadable(
                "its list holds one event id twice",
            ));
        }
        if events.is_empty() && has_more {
            return Err(GatewayError::Unreadable(
                "its list is empty and says that it goes on",
            ));
        }
        Ok(Self { events, has_more })
    }

    pub fn events(&self) -> &[Listed] {
        &self.events
    }

    /// The place up to which the list is known with this page.
    pub fn last(&self) -> Option<u64> {
        self.events.last().map(|last| last.place)
    }
}
