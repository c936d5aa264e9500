//! Asking a provider's API what became of a payment, before its event is believed.

mod api;
mod authorize_net;
mod braintree;
mod checkout_com;
mod coinbase_commerce;
mod flutterwave_v3;
mod gocardless;
mod http;
mod klarna;
mod mercado_pago;
mod mollie;
mod news;
mod paddle;
mod paypal;
mod paystack;
mod plaid;
mod razorpay;
mod shopify;
mod square;
mod stripe;
mod worldpay;
mod xendit;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use api::{Api, Asking};
pub use http::{HttpClient, NoHttpClient};
pub use news::{Listed, News};

use crate::event::Status;
use crate::money::Money;
use crate::secret::SecretValue;
use crate::settings::{Confirm, ProviderSettings};
use crate::store::sha256_hex;

/// What a provider's API says about a payment now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    pub status: Status,
    pub amount: Option<Money>,
}

/// Why a provider's API did not say it. No text carries anything that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    #[error("the provider's API {0}; it is asked again")]
    Unreachable(&'static str),
    #[error("the provider's API answered {0}; it is asked again")]
    Busy(u16),
    #[error(
        "the provider's API gave an answer that is not what it documents: {0}; it is asked again"
    )]
    Unreadable(&'static str),
    #[error(
        "the provider's API refused the API key with {0}; set the right one with `payhook secret set`"
    )]
    Denied(u16),
    #[error(
        "the provider's API does not know the payment; the event may come from another account or mode (test, live)"
    )]
    NoSuchPayment,
    #[error("the provider's API answered {0}; check `confirm` of the provider in infra.toml")]
    Refused(u16),
    #[error("the provider's secret has no usable API key; set one with `payhook secret set`")]
    NoKey,
    #[error(
        "the address of the provider's API is not usable; check `confirm` of the provider in infra.toml"
    )]
    Address,
}

impl GatewayError {
    /// Whether the very same request may work within a second.
    fn is_over_soon(&self) -> bool {
        match self {
            Self::Busy(_) => true,
            Self::Unreachable(why) => *why == http::NOT_REACHED,
            _ => false,
        }
    }

    /// Whether asking again a little later may work.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Busy(_) | Self::Unreadable(_)
        )
    }
}

/// A provider's API, as far as payhook asks it.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// The payment as it is now; `None` when the id is not one of something the API can be asked about.
    async fn payment(
        &self,
        provider_payment_id: &str,
        api_key: &SecretValue,
    ) -> Result<Option<Confirmed>, GatewayError>;

    /// What the provider's list of events holds behind this place, the next page of it; `None` where it has no such list.
    async fn news(
        &self,
        _after: u64,
        _api_key: &SecretValue,
    ) -> Result<Option<News>, GatewayError> {
        Ok(None)
    }

    /// Tells the provider that its notice has been dealt with, where it waits for that; the same key makes a repetition
    /// the same act.
    async fn acknowledge(
        &self,
        provider_payment_id: &str,
        api_key: &SecretValue,
        idempotency_key: &str,
    ) -> Result<(), GatewayError>;
}

/// The key of one act towards a provider, the same however often the event is processed.
pub fn idempotency_key(provider: &str, event_id: &str, action: &str) -> String {
    // Neither provider keys nor actions contain a line break, so no two triples make the same text.
    sha256_hex(format!("{provider}\n{action}\n{event_id}").as_bytes())[..32].to_owned()
}

/// A provider is to be confirmed and cannot be.
#[derive(Debug, thiserror::Error)]
pub enum GatewaySetupError {
    #[error(
        "payhook has no client for the API of {0}; take `confirm` out of its section in infra.toml"
    )]
    NoClient(String),
    #[error(transparent)]
    Http(#[from] NoHttpClient),
}

/// The APIs of all providers for which confirmation is on, by provider key.
pub fn gateways(
    providers: &ProviderSettings,
) -> Result<BTreeMap<String, Arc<dyn Gateway>>, GatewaySetupError> {
    let mut gateways = BTreeMap::new();
    let mut http = None;
    for (provider, settings) in providers {
        let Some(confirm) = &settings.confirm else {
            continue;
        };
        // A function that confirms nothing starts without an HTTP client.
        if http.is_none() {
            http = Some(HttpClient::new()?);
        }
        let http = http.as_ref().ok_or(NoHttpClient)?;
        let gateway = gateway(provider, confirm, http)
            .ok_or_else(|| GatewaySetupError::NoClient(provider.clone()))?;
        gateways.insert(provider.clone(), gateway);
    }
    Ok(gateways)
}

/// The API of a provider; `None` if it has none that can be asked about a payment, or payhook has no client for it.
pub fn gateway(provider: &str, confirm: &Confirm, http: &HttpClient) -> Option<Arc<dyn Gateway>> {
    Some(match provider {
        "authorize_net" => asking(authorize_net::AuthorizeNet, confirm, http),
        "braintree" => asking(braintree::Braintree, confirm, http),
        "checkout_com" => asking(checkout_com::CheckoutCom, confirm, http),
        "coinbase_commerce" => asking(coinbase_commerce::CoinbaseCommerce, confirm, http),
        "flutterwave_v3" => asking(flutterwave_v3::FlutterwaveV3, confirm, http),
        "gocardless" => asking(gocardless::GoCardless, confirm, http),
        "klarna" => asking(klarna::Klarna, confirm, http),
        "mercado_pago" => asking(mercado_pago::MercadoPago, confirm, http),
        "mollie" => asking(mollie::Mollie, confirm, http),
        "paddle" => asking(paddle::Paddle, confirm, http),
        "paypal" => asking(paypal::Paypal, confirm, http),
        "paystack" => asking(paystack::Paystack, confirm, http),
        "plaid" => asking(plaid::Plaid, confirm, http),
        "razorpay" => asking(razorpay::Razorpay, confirm, http),
        "shopify" => asking(shopify::Shopify, confirm, http),
        "square" => asking(square::Square, confirm, http),
        "stripe" => asking(stripe::Stripe, confirm, http),
        "worldpay" => asking(worldpay::Worldpay, confirm, http),
        "xendit" => asking(xendit::Xendit, confirm, http),
        _ => return None,
    })
}

fn asking<A: Api + 'static>(api: A, confirm: &Confirm, http: &HttpClient) -> Arc<dyn Gateway> {
    Arc::new(Asking::new(api, &confirm.base_url, http.clone()))
}
