//! What is sent: events of every provider, some of them twice, some of them tampered with, in no order.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use payhook::audit::{Expected, Sent};
use payhook::config::Config;
use payments::event::PaymentEvent;
use payments::money::{Currency, Money};
use payments::providers::keys::FetchedKey;
use payments::providers::{self, Check, Outgoing, Provider, SampleSeed, Verified};
use payments::secret::{ProviderSecrets, Secret, Secrets};
use payments::settings::Settings;
use payments::store::sha256_hex;

use super::apis::Apis;
use super::chance::Chance;

/// In a hundred events.
const TWICE: usize = 20;
const TAMPERED: usize = 5;

/// A provider with what it signs with.
pub struct Sender {
    pub provider: &'static dyn Provider,
    settings: Settings,
    secrets: ProviderSecrets,
    /// What the provider gives out to verify with, where it does.
    fetched: Option<FetchedKey>,
}

impl Sender {
    /// Every provider that is switched on and can be signed for.
    pub fn all(config: &Config, secrets: &Secrets, apis: &Apis) -> Vec<Sender> {
        let on = config.providers.iter().filter_map(|(key, settings)| {
            Some(Sender {
                provider: providers::by_key(key)?,
                settings: settings.clone(),
                secrets: secrets.provider(key)?.clone(),
                fetched: (key == "plaid")
                    .then(|| FetchedKey::WebKey(apis.plaid().key().to_string())),
            })
        });
        on.collect()
    }

    fn secret(&self) -> &Secret {
        &self.secrets.signing[0]
    }

    /// Signs as of now, as a provider does anew for each try.
    pub fn sign(&self, sample: &Outgoing, tampered: bool) -> Outgoing {
        let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
        let signed = self
            .provider
            .sign(sample.clone(), self.secret(), &self.settings, now);
        let signed = signed.unwrap_or_else(|why| panic!("{why}"));
        if !tampered {
            return signed;
        }
        let check = Check {
            secrets: &self.secrets,
            settings: &self.settings,
            fetched: self.fetched.as_ref(),
        };
        let changed = signed.tampered(self.provider, &check, now);
        changed.expect("a signed byte").0
    }

    fn event(&self, sample: &Outgoing, at: Timestamp) -> PaymentEvent {
        let signed = self.sign(sample, false);
        let request = signed.received(self.provider.key(), at);
        let events = self
            .provider
            .events(&request, &self.settings, &Verified::SIGNED);
        events.expect("events").remove(0)
    }

    /// The id of the event, unless each arrival is an event of its own; and its payment.
    fn ids(&self, sample: &Outgoing) -> (Option<String>, String) {
        let at = Timestamp::UNIX_EPOCH;
        let first = self.event(sample, at);
        let later = self.event(sample, at + SignedDuration::from_secs(1));
        let payment = first.payment_id();
        // A notice of a list is told from the next by when it was signed, which is anew for each try.
        let named = first.event_id == later.event_id && self.provider.list_notice().is_none();
        (named.then_some(first.event_id), payment)
    }

    fn signs(&self) -> bool {
        self.provider.key() != "klarna"
    }
}

/// One thing to deliver.
pub struct Delivery {
    pub sender: usize,
    pub sample: Outgoing,
    pub tampered: bool,
    pub event_id: Option<String>,
    pub payment_id: String,
}

impl Delivery {
    /// What is remembered of a try.
    pub fn sent(&self, sender: &Sender, outgoing: &Outgoing, answer: Option<u16>) -> Sent {
        Sent {
            provider: sender.provider.key().to_owned(),
            event_id: self.event_id.clone(),
            payment_id: Some(self.payment_id.clone()),
            digest: Some(sha256_hex(&outgoing.body)),
            expected: match self.tampered {
                true => Expected::Refused,
                false => Expected::Stored,
            },
            answer,
        }
    }
}

pub struct Plan {
    pub deliveries: Vec<Delivery>,
}

impl Plan {
    /// So many different events, one to three of each payment, and what is sent beside them.
    pub fn make(senders: &[Sender], events: usize, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut deliveries = Vec::new();
        let mut made = 0;
        while made < events {
            let number = chance.below(senders.len());
            let sender = &senders[number];
            let types = sender.provider.sample_types();
            let of_payment = (1 + chance.below(3)).min(types.len()).min(events - made);
            let payment = format!("{seed:x}{made:x}");
            for (place, event_type) in types.iter().take(of_payment).enumerate() {
                made += 1;
                let delivery = |nonce: String, tampered| {
                    let sample = sample(sender, event_type, &payment, &nonce, place);
                    let (event_id, payment_id) = sender.ids(&sample);
                    Delivery {
                        sender: number,
                        sample,
                        tampered,
                        event_id,
                        payment_id,
                    }
                };
                let nonce = format!("{payment}e{place}");
                deliveries.push(delivery(nonce.clone(), false));
                if chance.of_hundred(TWICE) {
                    deliveries.push(delivery(nonce.clone(), false));
                }
                if chance.of_hundred(TAMPERED) && sender.signs() {
                    deliveries.push(delivery(nonce, true));
                }
            }
        }
        chance.shuffle(&mut deliveries);
        Self { deliveries }
    }

    pub fn figures(&self) -> String {
        let mut providers = BTreeMap::<usize, usize>::new();
        for one in &self.deliveries {
            *providers.entry(one.sender).or_default() += 1;
        }
        let tampered = self.deliveries.iter().filter(|one| one.tampered).count();
        format!(
            "{} deliveries of {} providers, {tampered} tampered with",
            self.deliveries.len(),
            providers.len()
        )
    }
}

fn sample(sender: &Sender, event_type: &str, payment: &str, nonce: &str, place: usize) -> Outgoing {
    let start: Timestamp = "2026-08-01T00:00:00Z".parse().expect("a time");
    let seed = |nonce, payment_id, now| SampleSeed {
        nonce,
        payment_id,
        money: Money {
            minor: 1999,
            currency: Currency::parse("EUR").expect("a currency"),
            exponent: 2,
        },
        now,
    };
    let of = |event_type: &str, seed: &SampleSeed<'_>| {
        let sample = sender.provider.sample(event_type, seed);
        sample.unwrap_or_else(|| panic!("no sample of {event_type}"))
    };
    // The provider's own usual event tells in which form it names a payment.
    let usual = of(
        sender.provider.sample_types()[0],
        &seed(payment, None, start),
    );
    let id = sender.event(&usual, start).provider_payment_id;
    let now = start + SignedDuration::from_secs(place as i64);
    of(event_type, &seed(nonce, Some(&id), now))
}
