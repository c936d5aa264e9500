//! Makes test events of one provider, each with ids of its own.

use super::{Send, misuse};
use crate::cli::made_secret;
use crate::config::nearest;
use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use payments::event::PaymentEvent;
use payments::money::{Currency, Money};
use payments::providers::keys::FetchedKey;
use payments::providers::{CannotSign, Changed, Check, Outgoing, Provider, SampleSeed, Verified};
use payments::secret::{ProviderSecrets, Secret};
use payments::settings::Settings;

/// What all events of one call have in common.
pub struct Maker<'a, S> {
    pub provider: &'static dyn Provider,
    pub settings: &'a Settings,
    event_type: String,
    payment: Option<String>,
    money: Money,
    secret: S,
    /// What the provider gives out to verify with, where signing keys are its own and it is played.
    fetched: Option<FetchedKey>,
}

/// One event, signed.
pub struct Made {
    pub outgoing: Outgoing,
    pub event: PaymentEvent,
    /// Whether each arrival is an event of its own, because the provider gives it no id.
    pub by_arrival: bool,
    pub signed_at: Timestamp,
}

impl<'a> Maker<'a, ()> {
    /// Checks everything that needs no secret, before anything is asked of AWS.
    pub fn new(
        send: &Send,
        provider: &'static dyn Provider,
        settings: &'a Settings,
    ) -> anyhow::Result<Self> {
        let types = provider.sample_types();
        let event_type = match send.event_type.as_deref() {
            None => types.first().copied().unwrap_or_default(),
            Some(wanted) => {
                let whole = types.iter().find(|known| **known == wanted);
                // Plaid's own documentation names a type by its code alone.
                let code =
                    |known: &&&str| known.rsplit_once('.').map(|(_, code)| code) == Some(wanted);
                let mut by_code = types.iter().filter(code);
                let only = by_code.next().filter(|_| by_code.next().is_none());
                whole.or(only).ok_or_else(|| no_sample(provider, wanted))?
            }
        };
        let currency = Currency::parse(&send.currency)
            .map_err(|error| misuse(error.to_string(), "give a code such as EUR"))?;
        let exponent = currency.iso_exponent();
        let money = Money::from_minor(&send.amount, currency, exponent).map_err(|error| {
            misuse(
                error.to_string(),
                "give whole minor units, such as 1999 for 19.99",
            )
        })?;
        Ok(Self {
            provider,
            settings,
            event_type: event_type.to_owned(),
            payment: send.payment.clone(),
            money,
            secret: (),
            fetched: None,
        })
    }

    /// What the test events are about.
    pub fn money(&self) -> &Money {
        &self.money
    }

    /// The same with what it signs with, and what that is verified with where the provider is asked for it.
    pub fn with(self, secret: Secret, fetched: Option<FetchedKey>) -> Maker<'a, Secret> {
        Maker {
            provider: self.provider,
            settings: self.settings,
            event_type: self.event_type,
            payment: self.payment,
            money: self.money,
            secret,
            fetched,
        }
    }
}

fn no_sample(provider: &dyn Provider, wanted: &str) -> anyhow::Error {
    let types = provider.sample_types();
    let meant = nearest(wanted, types.iter().copied());
    let meant = meant.map_or_else(String::new, |name| format!("did you mean `{name}`? "));
    misuse(
        format!("there is no sample of `{wanted}` of {}", provider.key()),
        format!("{meant}There are samples of {}", types.join(", ")),
    )
}

impl Maker<'_, Secret> {
    /// A new event, signed now.
    pub fn make(&self) -> anyhow::Result<Made> {
        let nonce = hex::encode(made_secret::random::<12>()?);
        let now = whole_seconds(Timestamp::now());
        let seed = SampleSeed {
            nonce: &nonce,
            payment_id: self.payment.as_deref(),
            money: self.money.clone(),
            now,
        };
        let sample = self.provider.sample(&self.event_type, &seed);
        let outgoing = self.sign(sample.context("there is no sample of the type")?)?;
        let event = self.event(&outgoing, now)?;
        let later = now.checked_add(SignedDuration::from_secs(1))?;
        let by_arrival = self.event(&outgoing, later)?.event_id != event.event_id;
        Ok(Made {
            outgoing,
            event,
            by_arrival,
            signed_at: now,
        })
    }

    fn sign(&self, sample: Outgoing) -> Result<Outgoing, CannotSign> {
        let now = whole_seconds(Timestamp::now());
        self.provider.sign(sample, &self.secret, self.settings, now)
    }

    fn event(&self, outgoing: &Outgoing, at: Timestamp) -> anyhow::Result<PaymentEvent> {
        let request = outgoing.received(self.provider.key(), at);
        let events = self
            .provider
            .events(&request, self.settings, &Verified::SIGNED)?;
        events
            .into_iter()
            .next()
            .context("the sample holds no event")
    }

    /// The event with a signed byte changed.
    pub fn tamper(&self, made: &Made) -> anyhow::Result<(Outgoing, Changed)> {
        let secrets = ProviderSecrets {
            signing: vec![self.secret.clone()],
            api_key: None,
        };
        let check = Check {
            secrets: &secrets,
            settings: self.settings,
            fetched: self.fetched.as_ref(),
        };
        let changed = made
            .outgoing
            .tampered(self.provider, &check, made.signed_at);
        changed.ok_or_else(|| {
            let key = self.provider.key();
            misuse(
                format!("{key} signs nothing, so there is no byte to tamper with"),
                format!("what {key} says counts only once its API has confirmed it; send it without --tamper"),
            )
        })
    }
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
