//! Holding an event against what the provider's API says.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use payments::confirm::{Confirmed, Gateway, GatewayError, News, idempotency_key};
use payments::event::Status;
use payments::head::{agrees, is_adverse};
use payments::money::Money;
use payments::outcome::Mismatch;
use payments::secret::{SecretValue, Secrets};
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
    /// without it. `None` is something that nobody signed about a payment that the API does not know.
    ///
    /// A provider may tell of a payment before its own API knows it, so that is believed at the last try only.
    pub(crate) async fn believe(
        &self,
        event: &EventItem,
        is_last_try: bool,
    ) -> Result<Option<Believed>, Failure> {
        let confirmed = match self.gateways.get(&event.provider) {
            Some(gateway) => {
                let payment = &event.provider_payment_id;
                let ask = |key| asked(async move { gateway.payment(payment, &key).await });
                match self.with_key(&event.provider, ask).await {
                    Err(Failure::Gateway(GatewayError::NoSuchPayment)) if !is_last_try => {
                        return Err(Failure::NotKnownYet);
                    }
                    Err(Failure::Gateway(GatewayError::NoSuchPayment)) if !event.signed => {
                        return Ok(None);
                    }
                    // Whoever makes up a notice makes up the id in it, too.
                    Ok(None) if !event.signed => return Ok(None),
                    said => said?,
                }
            }
            None => None,
        };
        match (confirmed, event.event_status) {
            (Some(confirmed), Some(claimed)) => Ok(Some(compare(event, claimed, confirmed))),
            (Some(confirmed), None) => Ok(Some(Believed {
                status: confirmed.status,
                money: confirmed.amount,
                mismatch: None,
            })),
            (None, Some(claimed)) if event.signed => Ok(Some(Believed {
                status: claimed,
                money: event.money.clone(),
                mismatch: None,
            })),
            (None, _) => Err(Failure::Unconfirmed(event.provider.clone())),
        }
    }

    /// The next page of the provider's list of events, behind this place.
    pub(crate) async fn news(&self, provider: &str, after: u64) -> Result<News, Failure> {
        let news = match self.gateways.get(provider) {
            Some(gateway) => {
                let ask = |key| asked(async move { gateway.news(after, &key).await });
                self.with_key(provider, ask).await?
            }
            None => None,
        };
        news.ok_or_else(|| Failure::Unconfirmed(provider.to_owned()))
    }

    /// Tells the provider that its notice was dealt with, where it waits for that.
    pub(crate) async fn acknowledge(&self, event: &EventItem) -> Result<(), Failure> {
        let Some(gateway) = self.gateways.get(&event.provider) else {
            return Ok(());
        };
        let payment = &event.provider_payment_id;
        let act = &idempotency_key(&event.provider, &event.event_id, "acknowledge");
        let tell = |key| asked(async move { gateway.acknowledge(payment, &key, act).await });
        self.with_key(&event.provider, tell).await
    }

    /// Asks with the key at hand, and once more with a newer one if it was replaced since it was read.
    async fn with_key<'a, T>(
        &self,
        provider: &str,
        ask: impl Fn(SecretValue) -> Asked<'a, T>,
    ) -> Result<T, Failure> {
        let secrets = self.secrets.current().await?;
        let first = match key_of(provider, &secrets) {
            Ok(key) => ask(key).await,
            Err(error) => Err(error),
        };
        match first {
            Err(error @ (GatewayError::Denied(_) | GatewayError::NoKey)) => {
                match self.secrets.newer_than(&secrets).await {
                    Some(newer) => Ok(ask(key_of(provider, &newer)?).await?),
                    None => Err(error.into()),
                }
            }
            other => Ok(other?),
        }
    }
}

/// A question that is under way.
type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

fn asked<'a, T>(
    question: impl Future<Output = Result<T, GatewayError>> + Send + 'a,
) -> Asked<'a, T> {
    Box::pin(question)
}

fn key_of(provider: &str, secrets: &Secrets) -> Result<SecretValue, GatewayError> {
    let of_provider = secrets.provider(provider);
    let key = of_provider.and_then(|secrets| secrets.api_key.clone());
    key.ok_or(GatewayError::NoKey)
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
