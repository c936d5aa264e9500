//! Holding an event against what the provider's API says.

use std::collections::BTreeMap;
use std::sync::Arc;

use payments::confirm::{Confirmed, Gateway, GatewayError};
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
    /// Asks the provider's API where it is configured; an event that nobody signed counts for nothing without it.
    pub(crate) async fn believe(
        &self,
        event: &EventItem,
        claimed: Status,
    ) -> Result<Believed, Failure> {
        let confirmed = match self.gateways.get(&event.provider) {
            Some(gateway) => self.ask(gateway.as_ref(), event).await?,
            None => None,
        };
        match confirmed {
            Some(confirmed) => Ok(compare(event, claimed, confirmed)),
            None if event.signed => Ok(Believed {
                status: claimed,
                money: event.money.clone(),
                mismatch: None,
            }),
            None => Err(Failure::Unconfirmed(event.provider.clone())),
        }
    }

    async fn ask(
        &self,
        gateway: &dyn Gateway,
        event: &EventItem,
    ) -> Result<Option<Confirmed>, Failure> {
        let secrets = self.secrets.current().await?;
        match ask_with(gateway, event, &secrets).await {
            // The key may have been replaced since it was read.
            Err(error @ (GatewayError::Denied(_) | GatewayError::NoKey)) => {
                match self.secrets.newer_than(&secrets).await {
                    Some(newer) => Ok(ask_with(gateway, event, &newer).await?),
                    None => Err(error.into()),
                }
            }
            other => Ok(other?),
        }
    }
}

async fn ask_with(
    gateway: &dyn Gateway,
    event: &EventItem,
    secrets: &Secrets,
) -> Result<Option<Confirmed>, GatewayError> {
    let of_provider = secrets.provider(&event.provider);
    let key = of_provider
        .and_then(|secrets| secrets.api_key.as_ref())
        .ok_or(GatewayError::NoKey)?;
    gateway.payment(&event.provider_payment_id, key).await
}

/// Believes the event while the API does not contradict it, else the API.
fn compare(event: &EventItem, claimed: Status, confirmed: Confirmed) -> Believed {
    // The API states the payment's present amount: comparable only at the same point of its life, and never with the
    // amount of a refund or a dispute.
    let comparable = claimed == confirmed.status && !is_adverse(claimed);
    let same_money = match (&event.money, &confirmed.amount) {
        (Some(event), Some(gateway)) if comparable => event == gateway,
        _ => true,
    };
    if agrees(claimed, confirmed.status) && same_money {
        return Believed {
            status: claimed,
            money: event.money.clone(),
            mismatch: None,
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
