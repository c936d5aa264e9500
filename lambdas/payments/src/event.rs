//! The one payment model every provider's events are read into.

use std::fmt;
use std::str::FromStr;

use crate::json::MalformedBody;
use crate::money::Money;

/// The last millisecond of the year 9999, past which no calendar here counts.
const LAST_MS: i64 = 253_402_300_799_999;

/// One thing a provider says about one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// Provider key, as in the path of the webhook.
    pub provider: &'static str,
    /// Identifies the event, not the delivery: the same at every redelivery, and taken only from what the signature
    /// covers wherever the provider signs the body.
    pub event_id: String,
    /// The provider's own name of what happened.
    pub event_type: String,
    /// When it happened, in milliseconds since 1970. `None` where the provider does not say: the time of arrival is no
    /// substitute, because it differs at every redelivery.
    pub occurred_ms: Option<i64>,
    /// The provider's id of the payment; where the event is about something else, the id of that thing.
    pub provider_payment_id: String,
    /// What the event moved: the refunded amount of a refund, the captured amount of a capture, else the payment's.
    pub money: Option<Money>,
    /// The lifecycle status the event claims; `None` when its type says nothing about it.
    pub claimed: Option<Status>,
    /// Whether the signature covers what decides: id, status and amount. An event that is not signed must be confirmed
    /// with the provider's API before it moves a payment.
    pub signed: bool,
    /// Digest of what all deliveries of the event have in common; `None` where that is the whole body.
    pub common_digest: Option<String>,
}

/// What a webhook's body says about one payment; [`PaymentEvent`] documents the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub event_id: String,
    pub event_type: String,
    pub occurred_ms: Option<i64>,
    pub provider_payment_id: String,
    pub money: Result<Option<Money>, MalformedBody>,
    pub claimed: Option<Status>,
}

impl Report {
    /// The event, with who says it and whether that is signed.
    ///
    /// An amount that cannot be read keeps out an event that moves a payment, and no other one.
    pub fn by(self, provider: &'static str, signed: bool) -> Result<PaymentEvent, MalformedBody> {
        let moves = self.claimed.is_some();
        Ok(PaymentEvent {
            provider,
            event_id: self.event_id,
            event_type: self.event_type,
            occurred_ms: self.occurred_ms.filter(|ms| *ms <= LAST_MS),
            provider_payment_id: self.provider_payment_id,
            money: self
                .money
                .or_else(|why| if moves { Err(why) } else { Ok(None) })?,
            claimed: self.claimed,
            signed,
            common_digest: None,
        })
    }
}

impl PaymentEvent {
    /// The partition key of the payment in the table: `{provider}:{provider payment id}`.
    pub fn payment_id(&self) -> String {
        format!("{}:{}", self.provider, self.provider_payment_id)
    }

    /// The first sort key to try for this event, in milliseconds, always above 0 (0 is the payment's head item).
    pub fn sort_key_ms(&self) -> i64 {
        self.occurred_ms.unwrap_or(1).max(1)
    }
}

/// Where a payment stands in its lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Pending,
    ActionRequired,
    Authorised,
    Succeeded,
    Settled,
    Failed,
    Canceled,
    PartiallyRefunded,
    Refunded,
    Disputed,
}

impl Status {
    /// Every status, in the order of the lifecycle.
    pub const ALL: [Status; 10] = [
        Status::Pending,
        Status::ActionRequired,
        Status::Authorised,
        Status::Succeeded,
        Status::Settled,
        Status::Failed,
        Status::Canceled,
        Status::PartiallyRefunded,
        Status::Refunded,
        Status::Disputed,
    ];

    /// The name used in the table and in the published event.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::ActionRequired => "action_required",
            Status::Authorised => "authorised",
            Status::Succeeded => "succeeded",
            Status::Settled => "settled",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
            Status::PartiallyRefunded => "partially_refunded",
            Status::Refunded => "refunded",
            Status::Disputed => "disputed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no lifecycle status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a payment status; the statuses are pending, action_required, authorised, succeeded, settled, failed, canceled, partially_refunded, refunded and disputed"
)]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_name() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>(), Ok(status));
        }
        assert!("paid".parse::<Status>().is_err());
    }

    #[test]
    fn an_unusable_amount_keeps_out_only_what_moves_a_payment_and_an_impossible_time_counts_as_none()
     {
        let report = |claimed| Report {
            event_id: "evt_1".into(),
            event_type: "something.new".into(),
            occurred_ms: Some(i64::MAX),
            provider_payment_id: "pi_1".into(),
            money: Err(MalformedBody::Field("amount")),
            claimed,
        };
        let kept = report(None).by("stripe", true).expect("an event");
        assert_eq!((kept.money, kept.occurred_ms), (None, None));
        let refused = report(Some(Status::Refunded)).by("stripe", true);
        assert_eq!(refused, Err(MalformedBody::Field("amount")));
    }

    #[test]
    fn an_event_never_takes_the_sort_key_of_the_head_item() {
        let event = |occurred_ms| PaymentEvent {
            provider: "stripe",
            event_id: "evt_1".into(),
            event_type: "payment_intent.succeeded".into(),
            occurred_ms,
            provider_payment_id: "pi_1".into(),
            money: None,
            claimed: Some(Status::Succeeded),
            signed: true,
            common_digest: None,
        };
        for time in [None, Some(0), Some(i64::MIN)] {
            assert_eq!(event(time).sort_key_ms(), 1);
        }
        assert_eq!(
            event(Some(1_700_000_000_000)).sort_key_ms(),
            1_700_000_000_000
        );
        assert_eq!(event(None).payment_id(), "stripe:pi_1");
    }
}
