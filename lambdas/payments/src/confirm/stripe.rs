//! Stripe's API: `GET /v1/payment_intents/{id}` and `GET /v1/charges/{id}` (docs.stripe.com/api/payment_intents/retrieve).

use async_trait::async_trait;
use reqwest::Url;

use super::{Confirmed, Gateway, GatewayError, HttpClient};
use crate::event::Status;
use crate::json::Json;
use crate::money::Money;
use crate::providers::stripe::amount;
use crate::secret::SecretValue;

pub(super) struct Stripe {
    base_url: String,
    http: HttpClient,
}

/// The kinds of objects that are payments.
#[derive(Clone, Copy)]
enum Kind {
    Intent,
    Charge,
}

impl Stripe {
    pub(super) fn new(base_url: &str, http: HttpClient) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            http,
        }
    }

    fn url(&self, kind: Kind, id: &str) -> Result<Url, GatewayError> {
        let address = match kind {
            Kind::Intent => format!(
                "{}/v1/payment_intents/{id}?expand[]=latest_charge",
                self.base_url
            ),
            Kind::Charge => format!("{}/v1/charges/{id}", self.base_url),
        };
        Url::parse(&address).map_err(|_| GatewayError::Address)
    }
}

#[async_trait]
impl Gateway for Stripe {
    async fn payment(
        &self,
        id: &str,
        api_key: &SecretValue,
    ) -> Result<Option<Confirmed>, GatewayError> {
        let Some(kind) = Kind::of(id) else {
            return Ok(None);
        };
        let token = api_key.text().ok_or(GatewayError::NoKey)?;
        let body = self.http.get(self.url(kind, id)?, token).await?;
        let object = Json::parse_object(&body)
            .map_err(|_| GatewayError::Unreadable("it is not a JSON object"))?;
        if object.text_at("id").as_deref() != Some(id) {
            return Err(GatewayError::Unreadable("it is about another payment"));
        }
        match kind {
            Kind::Intent => intent(object),
            Kind::Charge => charge(object),
        }
        .map(Some)
    }
}

impl Kind {
    /// By the prefix of an id that is safe to put into a path.
    fn of(id: &str) -> Option<Self> {
        let (prefix, rest) = id.split_once('_')?;
        let plain = !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match prefix {
            "pi" if plain => Some(Self::Intent),
            "ch" | "py" if plain => Some(Self::Charge),
            _ => None,
        }
    }
}

fn intent(intent: Json<'_>) -> Result<Confirmed, GatewayError> {
    let (status, amount) = match intent.text_at("status").as_deref() {
        // A payment that failed goes back to waiting for another payment method.
        Some("requires_payment_method") if intent.text_at("last_payment_error.type").is_some() => {
            (Status::Failed, "amount")
        }
        Some("requires_payment_method" | "requires_confirmation" | "processing") => {
            (Status::Pending, "amount")
        }
        Some("requires_action") => (Status::ActionRequired, "amount"),
        Some("requires_capture") => (Status::Authorised, "amount_capturable"),
        Some("canceled") => (Status::Canceled, "amount"),
        Some("succeeded") => (
            intent
                .get("latest_charge")
                .map_or(Status::Succeeded, after_capture),
            "amount_received",
        ),
        _ => {
            return Err(GatewayError::Unreadable(
                "the status of the payment is not a documented one",
            ));
        }
    };
    Ok(Confirmed {
        status,
        amount: money(intent, amount)?,
    })
}

fn charge(charge: Json<'_>) -> Result<Confirmed, GatewayError> {
    let captured = charge.get("captured").and_then(Json::boolean) != Some(false);
    let (status, amount) = match charge.text_at("status").as_deref() {
        Some("failed") => (Status::Failed, "amount"),
        Some("pending") => (Status::Pending, "amount"),
        Some("succeeded") if captured => (after_capture(charge), "amount_captured"),
        Some("succeeded") => (Status::Authorised, "amount"),
        _ => {
            return Err(GatewayError::Unreadable(
                "the status of the charge is not a documented one",
            ));
        }
    };
    Ok(Confirmed {
        status,
        amount: money(charge, amount)?,
    })
}

/// What happened to a captured charge since.
fn after_capture(charge: Json<'_>) -> Status {
    let flag = |name: &str| charge.get(name).and_then(Json::boolean) == Some(true);
    let refunded = charge
        .get("amount_refunded")
        .and_then(Json::integer)
        .unwrap_or(0);
    match (flag("disputed"), flag("refunded"), refunded > 0) {
        (true, _, _) => Status::Disputed,
        (_, true, _) => Status::Refunded,
        (_, _, true) => Status::PartiallyRefunded,
        _ => Status::Succeeded,
    }
}

fn money(object: Json<'_>, field: &'static str) -> Result<Option<Money>, GatewayError> {
    amount(object, field).map_err(|_| GatewayError::Unreadable("an amount is not usable"))
}
