//! The payment providers: who signs what, and how their events read as one model.

mod adyen;
mod adyen_header;
mod authorize_net;
pub(crate) mod braintree;
pub(crate) mod checkout_com;
pub(crate) mod coinbase_commerce;
pub(crate) mod fields;
mod flutterwave;
mod flutterwave_v3;
mod generic_hmac;
mod gocardless;
mod header_signed;
pub mod keys;
mod klarna;
mod mercado_pago;
mod mollie;
mod paddle;
pub(crate) mod paypal;
pub(crate) mod paystack;
mod plaid;
mod razorpay;
pub(crate) mod shopify;
pub(crate) mod square;
mod standard_webhooks;
pub(crate) mod stripe;
mod tampering;
pub(crate) mod worldpay;
pub(crate) mod xendit;

use jiff::Timestamp;

use crate::event::{PaymentEvent, Report};
use crate::json::{Json, MalformedBody};
use crate::money::Money;
use crate::request::Request;
use crate::secret::{ProviderSecrets, Secret};
use crate::settings::{ProviderSettings, Settings};
use crate::signature::SignatureError;
use crate::store::sha256_hex;
use keys::{FetchedKey, KeyRequest};
pub use tampering::Changed;

/// One way of signing webhooks and of telling what happened to a payment.
///
/// Everything here is computed from its arguments: no clock, no network.
pub trait Provider: Sync {
    /// The key in paths, settings, secrets and the table.
    fn key(&self) -> &'static str;

    /// Whether the request looks like this provider's, for requests to the bare `/webhooks`.
    fn recognises(&self, request: &Request, settings: &Settings) -> bool;

    /// The key that has to be fetched from the provider before the request can be verified.
    fn key_request(&self, _request: &Request) -> Result<Option<KeyRequest>, SignatureError> {
        Ok(None)
    }

    /// Whether the provider says everything in the URL and sends no body.
    fn sends_empty_bodies(&self) -> bool {
        false
    }

    /// Checks that the provider sent exactly these bytes.
    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError>;

    /// The answer to the provider's test of a new endpoint by GET; `None` if it does none.
    fn answer_challenge(
        &self,
        _request: &Request,
        _secrets: &ProviderSecrets,
    ) -> Option<Result<String, SignatureError>> {
        None
    }

    /// What the provider says happened. A type that is not known still gives a report, without a status.
    fn reports(&self, request: &Request, settings: &Settings) -> Reports;

    /// Members of the body's object that differ between two deliveries of one event.
    fn delivery_members(&self) -> &'static [&'static str] {
        &[]
    }

    /// What makes each event of the request that very event, in the order of the reports; empty where the body does.
    ///
    /// Several events of one request may come again alone or in other company, and where the signature covers less than
    /// the body, the rest of it tells nothing about the event.
    fn event_parts(&self, _request: &Request) -> Vec<String> {
        Vec::new()
    }

    /// Whether events of this type tell only that there is news, so that its API has to be asked what.
    fn only_api_knows(&self, _event_type: &str) -> bool {
        false
    }

    /// The type of event that tells only that the provider's list of events has grown, so that the list has to be read.
    fn list_notice(&self) -> Option<&'static str> {
        None
    }

    /// The event types that [`sample`](Self::sample) can make, the usual one first.
    fn sample_types(&self) -> &'static [&'static str];

    /// The body of a test event as the provider would send it; `None` if the type is not one of the sample types.
    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing>;

    /// Signs as the provider would, where that takes no key that only the provider holds.
    fn sign(
        &self,
        _outgoing: Outgoing,
        _secret: &Secret,
        _settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        Err(CannotSign::ProviderHoldsKey(self.key()))
    }
}

/// What a webhook says, one report for each event in it.
pub type Reports = Result<Vec<Report>, MalformedBody>;

impl dyn Provider + '_ {
    /// The body without what differs between deliveries of one event; `None` where nothing does.
    fn common_part(&self, body: &[u8]) -> Option<Vec<u8>> {
        let differing = self.delivery_members();
        if differing.is_empty() {
            return None;
        }
        let mut common = Vec::with_capacity(body.len());
        let mut kept = 0;
        for (name, value) in Json::parse_object(body).ok()?.members()? {
            if differing.contains(&name.as_str()) {
                let start = value.raw().as_ptr().addr() - body.as_ptr().addr();
                common.extend_from_slice(body.get(kept..start)?);
                kept = start + value.raw().len();
            }
        }
        common.extend_from_slice(body.get(kept..)?);
        Some(common)
    }

    /// The events of a request that was verified with this result.
    pub fn events(
        &self,
        request: &Request,
        settings: &Settings,
        verified: &Verified,
    ) -> Result<Vec<PaymentEvent>, MalformedBody> {
        let reports = self.reports(request, settings)?;
        let common = self
            .common_part(&request.body)
            .map(|part| sha256_hex(&part));
        let parts = self.event_parts(request);
        let event = |(at, report): (usize, Report)| {
            // A signature under a mere hint covers nothing of what decides.
            let signed = verified.signed && !self.only_api_knows(&report.event_type);
            let own = parts.get(at).map(|part| sha256_hex(part.as_bytes()));
            Ok(PaymentEvent {
                common_digest: own.or_else(|| common.clone()),
                ..report.by(self.key(), signed)?
            })
        };
        reports.into_iter().enumerate().map(event).collect()
    }
}

/// What a request is verified with.
pub struct Check<'a> {
    pub secrets: &'a ProviderSecrets,
    pub settings: &'a Settings,
    /// The answer to the provider's [`key_request`](Provider::key_request).
    pub fetched: Option<&'a FetchedKey>,
}

/// A request that its provider did send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the signature covers what decides: id, status and amount. If not, ask the provider's API first.
    pub signed: bool,
}

impl Verified {
    /// The body, or all of it that decides, is covered.
    pub const SIGNED: Verified = Verified { signed: true };
    /// Only the sender is known: a token, or a signature over other things than the body.
    pub const SENDER_ONLY: Verified = Verified { signed: false };
}

/// What makes a test event differ from the next one.
#[derive(Clone, Debug)]
pub struct SampleSeed<'a> {
    /// Letters and digits that become part of every new id.
    pub nonce: &'a str,
    /// The provider's payment id to tell more about; a new one is made from the nonce if absent.
    pub payment_id: Option<&'a str>,
    pub money: Money,
    pub now: Timestamp,
}

/// A webhook to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    pub headers: Vec<(String, String)>,
    pub query: Option<String>,
    pub body: Vec<u8>,
}

impl Outgoing {
    /// A JSON body with its content type.
    pub fn json(value: &serde_json::Value) -> Outgoing {
        Outgoing {
            headers: vec![("Content-Type".into(), "application/json".into())],
            query: None,
            body: value.to_string().into_bytes(),
        }
    }

    /// As [`json`](Self::json), with the texts of these members as numbers in the same digits, which
    /// [`serde_json::Value`] would round.
    fn json_with_numbers(value: &serde_json::Value, members: &[&str]) -> Outgoing {
        let mut outgoing = Outgoing::json(value);
        let mut text = value.to_string();
        for member in members {
            let name = format!("\"{member}\":\"");
            let Some(start) = text.find(&name).map(|at| at + name.len()) else {
                continue;
            };
            let Some(end) = text[start..].find('"').map(|length| start + length) else {
                continue;
            };
            text.remove(end);
            text.remove(start - 1);
        }
        outgoing.body = text.into_bytes();
        outgoing
    }

    fn with_header(mut self, name: &str, value: impl Into<String>) -> Outgoing {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Why a test event cannot be signed here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSign {
    #[error(
        "{0} signs with a private key that only it holds; use the provider's own simulator to send test events"
    )]
    ProviderHoldsKey(&'static str),
    #[error(
        "the secret of {0} is not in the form the provider issues; set it again with `payhook secret set`"
    )]
    Secret(&'static str),
    #[error("{0} signs the registered URL; set `url` for it in infra.toml")]
    NoUrl(&'static str),
}

/// Every provider, in alphabetical order of their keys.
pub fn all() -> &'static [&'static dyn Provider] {
    &[
        &adyen::Adyen,
        &adyen_header::AdyenHeader,
        &authorize_net::AuthorizeNet,
        &braintree::Braintree,
        &checkout_com::CheckoutCom,
        &coinbase_commerce::CoinbaseCommerce,
        &flutterwave::Flutterwave,
        &flutterwave_v3::FlutterwaveV3,
        &generic_hmac::GenericHmac,
        &gocardless::GoCardless,
        &klarna::Klarna,
        &mercado_pago::MercadoPago,
        &mollie::Mollie,
        &paddle::Paddle,
        &paypal::Paypal,
        &paystack::Paystack,
        &plaid::Plaid,
        &razorpay::Razorpay,
        &shopify::Shopify,
        &square::Square,
        &standard_webhooks::StandardWebhooks,
        &stripe::Stripe,
        &worldpay::Worldpay,
        &xendit::Xendit,
    ]
}

/// The provider of a key.
pub fn by_key(key: &str) -> Option<&'static dyn Provider> {
    all().iter().copied().find(|provider| provider.key() == key)
}

/// The one switched-on provider whose headers the request carries; `None` if none or several fit.
pub fn recognise(
    request: &Request,
    switched_on: &ProviderSettings,
) -> Option<&'static dyn Provider> {
    let mut fitting = switched_on.iter().filter_map(|(key, settings)| {
        by_key(key).filter(|provider| provider.recognises(request, settings))
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}
