//! What an audit finds.

use serde::Serialize;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What kind of thing.
    pub kind: FaultKind,
    /// Which event, payment or item, as in the table.
    pub subject: String,
    /// What was found and what was expected.
    pub detail: String,
    /// Partition keys of the table that tell, so that they can be looked at again.
    #[serde(skip)]
    pub partitions: Vec<String>,
}

/// Kinds of faults, by whether money may be lost, counted twice, or wrongly told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// A genuine event was sent and is not in the table.
    NotStored,
    /// An event is older than the deadline, not settled and in no queue.
    Overdue,
    /// A marker points to an event that is not there.
    MarkerWithoutEvent,
    /// One event is more than one item.
    StoredTwice,
    /// An event that was to be refused is in the table.
    Forged,
    /// An event is in the table that nobody sent.
    NeverSent,
    /// An event is stored with another body than was sent.
    OtherBody,
    /// The answer to a delivery was not what it should be.
    WrongAnswer,
    /// An event has no marker, or its marker says something else.
    MarkerMissing,
    /// A payment with processed events has no head.
    HeadMissing,
    /// A head of a payment without events.
    HeadWithoutEvents,
    /// A head says something else than its payment's events.
    HeadDisagrees,
    /// A processed event has no outcome, or not its own.
    WrongOutcome,
    /// The outcome of a processed event was not seen.
    OutcomeMissing,
    /// An outcome was seen of no event in the table, or with another event's id.
    OutcomeOfNothing,
    /// An event failed and does not say why.
    NoReason,
    /// An item that payhook did not write.
    Unknown,
}

impl FaultKind {
    /// What to do about it.
    pub fn next(self) -> &'static str {
        match self {
            Self::NotStored => {
                "have the provider send it again, and look for what answered it with `payhook logs`"
            }
            Self::Overdue => {
                "`payhook events replay` has it processed; look at the pipe with `payhook doctor`"
            }
            Self::MarkerWithoutEvent => {
                "the event was deleted and its marker keeps it out: restore the item from a backup, or delete the marker and have it sent again"
            }
            Self::StoredTwice => {
                "one of them is wrong; compare their bodies with `payhook events show --show-body`"
            }
            Self::Forged | Self::NeverSent => {
                "find out who wrote it: the validator's logs, and CloudTrail for the table"
            }
            Self::OtherBody => "look for `an event came again with another body` in `payhook logs`",
            Self::WrongAnswer => "look at the validator's log of that time with `payhook logs`",
            Self::MarkerMissing => "until it has one, the same event can be stored again",
            Self::HeadMissing | Self::HeadWithoutEvents | Self::HeadDisagrees => {
                "`payhook payments show` tells the payment's events; only payment-processor writes heads"
            }
            Self::WrongOutcome | Self::OutcomeMissing => {
                "systems that wait for the outcome may not have it; look at payment-processor's logs"
            }
            Self::OutcomeOfNothing => {
                "somebody else publishes under payhook's source on this bus, or the event was deleted"
            }
            Self::NoReason => "look at the failed execution in Step Functions",
            Self::Unknown => "nothing but payhook should write to this table",
        }
    }
}
