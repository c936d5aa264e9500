//! One webhook: from the proxy event to the answer.

use std::sync::Arc;

use payments::api_gateway::ProxyEvent;
use payments::clock::Clock;
use payments::event::PaymentEvent;
use payments::logging::{Log, identifier};
use payments::metrics::{self, Metric, UNKNOWN_PROVIDER};
use payments::providers::keys::{self, KeySource, VerifyError};
use payments::providers::{self, Check, Provider, Verified};
use payments::request::Request;
use payments::secret::{ProviderSecrets, Secrets};
use payments::secret_cache::SecretCache;
use payments::settings::Settings;
use payments::signature::SignatureError;
use payments::store::{Bodies, Body, Conflict, EventItem, Packed, Store, Stored, store_once};
use serde_json::Value;

use crate::refusal::Refusal;
use crate::{Answer, ValidatorSettings};

/// Longest partition key of DynamoDB, in bytes.
const LONGEST_PAYMENT_ID: usize = 2048;

/// Everything the function needs, made once per process.
pub struct Validator {
    pub settings: ValidatorSettings,
    pub store: Arc<dyn Store>,
    pub bodies: Arc<dyn Bodies>,
    pub secrets: Arc<SecretCache>,
    pub keys: Arc<dyn KeySource>,
    pub clock: Clock,
    pub log: Log,
}

/// What Lambda says about one invocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invocation<'a> {
    pub request_id: &'a str,
    pub trace_header: Option<&'a str>,
}

impl Validator {
    /// Answers one proxy event of API Gateway.
    pub async fn answer(&self, event: Value, invocation: Invocation<'_>) -> Answer {
        let log = self
            .log
            .invocation(invocation.trace_header, invocation.request_id);
        let request = serde_json::from_value::<ProxyEvent>(event)
            .map_err(|_| "the payload is not a proxy event".to_owned())
            .and_then(|event| {
                event
                    .into_request((self.clock)())
                    .map_err(|error| error.to_string())
            });
        let request = match request {
            Ok(request) => request,
            Err(why) => return Refusal::Malformed(why).report(&log, UNKNOWN_PROVIDER),
        };
        let Some((provider, settings)) = self.provider(&request) else {
            return Refusal::UnknownProvider.report(&log, UNKNOWN_PROVIDER);
        };
        match self.accept(&log, &request, provider, settings).await {
            Ok(answer) => answer,
            Err(refusal) => refusal.report(&log, provider.key()),
        }
    }

    /// The switched-on provider that the path names, or whose headers are there.
    fn provider(&self, request: &Request) -> Option<(&'static dyn Provider, &Settings)> {
        let provider = match &request.provider {
            Some(key) => providers::by_key(key)?,
            None => providers::recognise(request, &self.settings.providers)?,
        };
        Some((provider, self.settings.providers.get(provider.key())?))
    }

    async fn accept(
        &self,
        log: &Log,
        request: &Request,
        provider: &'static dyn Provider,
        settings: &Settings,
    ) -> Result<Answer, Refusal> {
        if request.body.len() > self.settings.max_body_bytes {
            return Err(Refusal::TooLarge);
        }
        if request.method != "POST" {
            return self.challenge(request, provider).await;
        }
        if request.body.is_empty() && !provider.sends_empty_bodies() {
            return Err(Refusal::Malformed("the body is empty".into()));
        }
        let verified = self.verify(request, provider, settings).await?;
        let events = provider
            .events(request, settings, &verified)
            .map_err(|why| Refusal::Malformed(why.to_string()))?;
        // All events are made ready before the first is stored: a request that cannot be stored whole is refused whole.
        let Some(first) = events.first() else {
            return Ok(Answer::accepted(provider.key(), summary(&[])));
        };
        let body = Packed::new(provider.key(), &first.event_id, &request.body);
        let count = events.len();
        let items = events
            .into_iter()
            .map(|event| {
                let mut item = self.item(request, event, log)?;
                item.body_events = count;
                Ok(item.with_body(&body)?)
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        self.keep(&body, &items).await?;
        let mut stored = Vec::with_capacity(items.len());
        for item in items {
            stored.push(self.store(log, item).await?);
        }
        Ok(Answer::accepted(provider.key(), summary(&stored)))
    }

    /// Keeps a body that an item has no room for, before the first item points at it.
    ///
    /// Not when all its events are known: theirs is kept already, unless it was erased, which must last.
    async fn keep(&self, body: &Packed, items: &[EventItem]) -> Result<(), Refusal> {
        let outside = |item: &&EventItem| matches!(item.body, Some(Body::Elsewhere { .. }));
        for item in items.iter().filter(outside) {
            let known = self.store.known(&item.provider, &item.event_id).await?;
            if known.is_none() {
                return Ok(self.bodies.put(body).await?);
            }
        }
        Ok(())
    }

    async fn challenge(
        &self,
        request: &Request,
        provider: &'static dyn Provider,
    ) -> Result<Answer, Refusal> {
        if request.method != "GET" {
            return Err(Refusal::WrongMethod);
        }
        // Whether there is anything to answer shows without the secrets, which strangers' requests should not cost.
        if provider
            .answer_challenge(request, &ProviderSecrets::default())
            .is_none()
        {
            return Err(Refusal::WrongMethod);
        }
        let secrets = self.secrets.current().await?;
        let secrets = secrets
            .provider(provider.key())
            .ok_or_else(|| Refusal::no_section(provider))?;
        match provider.answer_challenge(request, secrets) {
            None => Err(Refusal::WrongMethod),
            Some(Ok(text)) => Ok(Answer::challenge(&text)),
            Some(Err(why)) => Err(why.into()),
        }
    }

    /// Verifies with the secrets at hand, and once more with fresh ones if a newer secret could make the difference.
    async fn verify(
        &self,
        request: &Request,
        provider: &'static dyn Provider,
        settings: &Settings,
    ) -> Result<Verified, Refusal> {
        let secrets = self.secrets.current().await?;
        let first = self
            .verify_with(request, provider, settings, &secrets)
            .await;
        let newer_may_help = match &first {
            None => true,
            Some(Err(VerifyError::Refused(error))) => depends_on_the_secret(error),
            Some(_) => false,
        };
        let verdict = match newer_may_help {
            true => match self.secrets.newer_than(&secrets).await {
                Some(newer) => self.verify_with(request, provider, settings, &newer).await,
                None => first,
            },
            false => first,
        };
        verdict
            .ok_or_else(|| Refusal::no_section(provider))?
            .map_err(Refusal::from)
    }

    /// `None` where the secret says nothing about the provider.
    async fn verify_with(
        &self,
        request: &Request,
        provider: &'static dyn Provider,
        settings: &Settings,
        secrets: &Secrets,
    ) -> Option<Result<Verified, VerifyError>> {
        let check = Check {
            secrets: secrets.provider(provider.key())?,
            settings,
            fetched: None,
        };
        let verdict = keys::verify(provider, request, check, self.keys.as_ref()).await;
        Some(match verdict {
            // What nobody signed is only kept because it is confirmed with the provider's API before it counts.
            Err(VerifyError::Refused(SignatureError::FetchBackRequired))
                if settings.confirm.is_some() =>
            {
                Ok(Verified::SENDER_ONLY)
            }
            verdict => verdict,
        })
    }

    fn item(
        &self,
        request: &Request,
        event: PaymentEvent,
        log: &Log,
    ) -> Result<EventItem, Refusal> {
        if event.payment_id().len() > LONGEST_PAYMENT_ID {
            return Err(Refusal::Malformed(
                "the payment id is longer than a key of the table".into(),
            ));
        }
        Ok(EventItem {
            trace_id: log.trace_id().map(str::to_owned),
            expires_at: self
                .settings
                .retention
                .and_then(|keep| request.received_at.checked_add(keep).ok()),
            ..EventItem::new(event, request.received_at)
        })
    }

    async fn store(&self, log: &Log, item: EventItem) -> Result<Stored, Refusal> {
        let (provider, payment, event, kind) = (
            item.provider.clone(),
            item.key.payment_id.clone(),
            item.event_id.clone(),
            item.event_type.clone(),
        );
        let stored = store_once(self.store.as_ref(), item.clone()).await?;
        let fields = [
            ("provider", provider.as_str()),
            ("paymentId", &identifier(&payment)),
            ("eventId", &identifier(&event)),
            ("eventType", &identifier(&kind)),
        ];
        let metric = match stored {
            Stored::New(_) => {
                log.info("webhook stored", &fields);
                Metric::WebhookStored
            }
            Stored::Duplicate(_) => {
                log.info("webhook was stored before", &fields);
                Metric::WebhookDuplicate
            }
            Stored::Conflict(ref first) => {
                let conflict = Conflict::new(&item, first.clone());
                self.store.record(&conflict).await?;
                log.error(
                    "an event came again with another body; the first one is kept",
                    &fields,
                );
                Metric::EventConflict
            }
        };
        metrics::emit(log, &provider, &[(metric, 1)]);
        Ok(stored)
    }
}

/// Whether another secret could have verified the request.
fn depends_on_the_secret(error: &SignatureError) -> bool {
    use SignatureError::{BadSecretConfig, BadSignature, UnknownKey, UnsupportedScheme};
    matches!(
        error,
        BadSignature | UnknownKey | BadSecretConfig(_) | UnsupportedScheme
    )
}

/// One word for all events of a request: what matters most comes first.
fn summary(stored: &[Stored]) -> &'static str {
    if stored.iter().any(|one| matches!(one, Stored::Conflict(_))) {
        "conflict"
    } else if stored.iter().any(|one| matches!(one, Stored::New(_))) {
        "stored"
    } else if stored.is_empty() {
        "empty"
    } else {
        "duplicate"
    }
}
