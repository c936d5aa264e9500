//! Requests that their providers did sign, to tell what must not be accepted in their place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use payments::event::{PaymentEvent, Status};
use payments::providers::{self, Check, Verified};
use payments::request::Request;
use payments::signature::SignatureError;
use payments::vectors::{self, Recorded};

use crate::support;
use crate::text::{Parts, samples};

/// Later than any signed time is accepted.
const LATER: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Providers whose signature covers less than the bytes of the body: items of it, or a field of a form.
const SIGN_PARTS: [&str; 2] = ["adyen", "braintree"];

/// A provider's requests, and those who receive them.
#[derive(Default)]
pub struct Genuine {
    receivers: Vec<Receiver>,
    bodies: BTreeSet<Vec<u8>>,
    decided: BTreeSet<Decided>,
}

/// A receiver with its secrets and a request that it accepts.
struct Receiver {
    recorded: Recorded,
    /// Whether the provider signs the time, so that no old request is accepted.
    signs_time: bool,
}

/// What an event decides: its id, its payment, the amount, the status.
type Decided = (String, String, Option<String>, Option<Status>);

/// What a provider signed, by its key.
static ALL: LazyLock<BTreeMap<&str, Genuine>> = LazyLock::new(all);

/// The recorded request of a provider whose key has to be fetched.
pub fn with_fetched_key(key: &str) -> &'static Recorded {
    let mut recorded = ALL[key].receivers.iter().map(|receiver| &receiver.recorded);
    recorded
        .find(|recorded| recorded.fetched.is_some())
        .expect("a recorded request")
}

/// Offers a request to all receivers of a provider: none accepts as signed what the provider did not sign, and none
/// accepts a signed time once it is old.
pub fn offer(key: &str, request: &Request) {
    let genuine = &ALL[key];
    for receiver in &genuine.receivers {
        if let Ok(verified) = receiver.verify(request, SignedDuration::ZERO)
            && verified.signed
        {
            let decided = receiver.decided_by(request, &verified);
            let forged: Vec<_> = decided.difference(&genuine.decided).collect();
            assert!(forged.is_empty(), "{key} never signed {forged:?}");
            let same = genuine.bodies.contains(&request.body) || SIGN_PARTS.contains(&key);
            assert!(same, "{key} signed another body");
        }
        if receiver.signs_time {
            let late = receiver.verify(request, LATER);
            assert!(late.is_err(), "{key}: an old request was accepted");
        }
    }
}

fn all() -> BTreeMap<&'static str, Genuine> {
    let mut all: BTreeMap<&str, Genuine> = BTreeMap::new();
    for provider in providers::all() {
        let genuine = all.entry(provider.key()).or_default();
        for (_, text) in samples(provider.key()) {
            genuine.add(of_sample(provider.key(), &text));
        }
    }
    let text = include_str!("../../tests/vectors/provider-vectors.json");
    for vector in vectors::parse(text).expect("vectors") {
        if let Ok(recorded) = vector.recorded(Timestamp::UNIX_EPOCH) {
            all.entry(recorded.provider.key())
                .or_default()
                .add(recorded);
        }
    }
    all
}

/// A sample, signed where payhook can do that, and who receives it.
fn of_sample(key: &str, text: &[u8]) -> Recorded {
    Recorded {
        provider: support::provider(key),
        request: Parts::read(text).request(support::now()),
        secrets: support::secrets_of(vec![support::secret(key)]),
        settings: support::settings(key),
        fetched: None,
    }
}

impl Genuine {
    /// Adds a request if it is one that is accepted.
    fn add(&mut self, recorded: Recorded) {
        let Ok(verified) = recorded.verify() else {
            return;
        };
        let mut receiver = Receiver {
            recorded,
            signs_time: false,
        };
        let request = &receiver.recorded.request;
        let late = receiver.verify(request, LATER).err();
        let signs_time = late.is_some_and(|error| error.kind() == "stale_timestamp");
        self.bodies.insert(request.body.clone());
        self.decided.extend(receiver.decided_by(request, &verified));
        receiver.signs_time = signs_time;
        // All samples have the same receiver.
        if !self.receivers.iter().any(|known| known.is(&receiver)) {
            self.receivers.push(receiver);
        }
    }
}

impl Receiver {
    fn verify(&self, request: &Request, later: SignedDuration) -> Result<Verified, SignatureError> {
        let request = Request {
            received_at: self.recorded.request.received_at + later,
            ..request.clone()
        };
        let check = Check {
            secrets: &self.recorded.secrets,
            settings: &self.recorded.settings,
            fetched: self.recorded.fetched.as_ref(),
        };
        self.recorded.provider.verify(&request, &check)
    }

    fn decided_by(&self, request: &Request, verified: &Verified) -> BTreeSet<Decided> {
        let provider = self.recorded.provider;
        let events = provider.events(request, &self.recorded.settings, verified);
        events
            .unwrap_or_default()
            .into_iter()
            .map(decided)
            .collect()
    }

    fn is(&self, other: &Receiver) -> bool {
        let (own, other) = (&self.recorded, &other.recorded);
        let at = own.request.received_at;
        own.secrets.valid_at(at).eq(other.secrets.valid_at(at))
            && own.settings == other.settings
            && own.fetched == other.fetched
            && own.request.received_at == other.request.received_at
    }
}

fn decided(event: PaymentEvent) -> Decided {
    let money = event.money.map(|money| money.to_string());
    (
        event.event_id,
        event.provider_payment_id,
        money,
        event.claimed,
    )
}
