//! Holding an event against what the provider's API says.

use std::collections::BTreeMap;
use std::sync::Arc;

use payments::confirm::{Confirmed, Gateway, GatewayError, idempotency_key};
use payments::event::Status;
use payments::head::{agrees, is_adverse};
use payments::money::Money;
use payments::outcome::Mismatch;
use payments::secret::Secrets;
use payments::secret_cache::SecretCache;
use payments::store::EventItem;

use crate::Failure;

/// The APIs of the providers for which confirmation is on, and the keys to ask them with.
pub struct Confirmation {
    pub gateways: BTreeMap<String, Arc<dyn Gateway>>,
    pub secrets: Arc<SecretCache>,
}

/// What is believed about a payment in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Believed {
    pub status: Status,
    pub money: Option<Money>,
    pub mismatch: Option<Mismatch>,
}

impl Confirmation {
    /// Asks the provider's API where it is configured; what nobody signed, or what only the API knows, counts for nothing
    /// without it.
    pub(crate) async fn believe(
        &self,
        event: &EventItem,
        claimed: Option<Status>,
    ) -> Result<Believed, Failure> {
        let confirmed = match self.gateways.get(&event.provider) {
            Some(gateway) => self.ask(gateway.as_ref(), event, Act::Ask).await?,
            None => None,
        };
        match (confirmed, claimed) {
            (Some(confirmed), Some(claimed)) => Ok(compare(event, claimed, confirmed)),
            (Some(confirmed), None) => Ok(Believed {
                status: confirmed.status,
                money: confirmed.amount,
                mismatch: None,
            }),
            (None, Some(claimed)) if event.signed => Ok(Believed {
                status: claimed,
                money: event.money.clone(),
                mismatch: None,
            }),
            (None, _) => Err(Failure::Unconfirmed(event.provider.clone())),
        }
    }

    /// Tells the provider that its notice was dealt with, where it waits for that.
    pub(crate) async fn acknowledge(&self, event: &EventItem) -> Result<(), Failure> {
        match self.gateways.get(&event.provider) {
            Some(gateway) => self
                .ask(gateway.as_ref(), event, Act::Acknowledge)
                .await
                .map(drop),
            None => Ok(()),
        }
    }

    async fn ask(
        &self,
        gateway: &dyn Gateway,
        event: &EventItem,
        act: Act,
    ) -> Result<Option<Confirmed>, Failure> {
        let secrets = self.secrets.current().await?;
        match ask_with(gateway, event, act, &secrets).await {
            // The key may have been replaced since it was read.
            Err(error @ (GatewayError::Denied(_) | GatewayError::NoKey)) => {
                match self.secrets.newer_than(&secrets).await {
                    Some(newer) => Ok(ask_with(gateway, event, act, &newer).await?),
                    None => Err(error.into()),
                }
            }
            other => Ok(other?),
        }
    }
}

/// What is wanted of a provider's API.
#[derive(Clone, Copy)]
enum Act {
    Ask,
    Acknowledge,
}

async fn ask_with(
    gateway: &dyn Gateway,
    event: &EventItem,
    act: Act,
    secrets: &Secrets,
) -> Result<Option<Confirmed>, GatewayError> {
    let of_provider = secrets.provider(&event.provider);
    let key = of_provider
        .and_then(|secrets| secrets.api_key.as_ref())
        .ok_or(GatewayError::NoKey)?;
    let payment = &event.provider_payment_id;
    match act {
        Act::Ask => gateway.payment(payment, key).await,
        Act::Acknowledge => {
            let act = idempotency_key(&event.provider, &event.event_id, "acknowledge");
            gateway.acknowledge(payment, key, &act).await.map(|()| None)
        }
    }
}

/// Believes the event while the API does not contradict it, else the API.
fn compare(event: &EventItem, claimed: Status, confirmed: Confirmed) -> Believed {
    // Many events tell that there was a refund and not whether it was all; the API knows.
    let claimed = match (claimed, confirmed.status) {
        (Status::Refunded, Status::PartiallyRefunded) => Status::PartiallyRefunded,
        (claimed, _) => claimed,
    };
    // The API states the payment's present amount: comparable only at the same point of its life, and never with the
    // amount of a refund or a dispute.
    let comparable = claimed == confirmed.status && !is_adverse(claimed);
    let same_money = match (&event.money, &confirmed.amount) {
        (Some(event), Some(gateway)) if comparable => event == gateway,
        _ => true,
    };
    if agrees(claimed, confirmed.status) && same_money {
        return match event.signed {
            true => Believed {
                status: claimed,
                // Some providers' events leave the amount to the API.
                money: event
                    .money
                    .clone()
                    .or(confirmed.amount.filter(|_| comparable)),
                mismatch: None,
            },
            // Nothing that nobody signed moves a payment, even where it is not contradicted.
            false => Believed {
                status: confirmed.status,
                money: confirmed.amount,
                mismatch: None,
            },
        };
    }
    let mismatch = Mismatch {
        claimed: (claimed, event.money.clone()),
        gateway: (confirmed.status, confirmed.amount.clone()),
    };
    Believed {
        status: confirmed.status,
        money: confirmed.amount,
        mismatch: Some(mismatch),
    }
}
