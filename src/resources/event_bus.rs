//! The event bus that outcomes are published on; somebody else's resource, only granted to.

use super::policy::{Action, Grantable, arn};
use crate::graph::{Handle, Input, LogicalName, Text};

/// An EventBridge event bus of this account and region, or any by its ARN.
#[derive(Clone, Debug)]
pub struct EventBus;

impl EventBus {
    /// Publishing events.
    pub const PUT_EVENTS: Action<EventBus> = Action::new(&["events:PutEvents"]);

    /// The bus of a name or ARN.
    pub fn named(name: &str) -> Handle<EventBus> {
        Handle::new(LogicalName::from("event-bus"), name.to_owned())
    }
}

impl Grantable for EventBus {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        match handle.physical_name() {
            name if name.starts_with("arn:") => Input::known(name),
            name => arn("events", [format!("event-bus/{name}").into()]),
        }
    }
}
