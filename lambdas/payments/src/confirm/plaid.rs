//! Plaid's API: `POST /transfer/get`, and `POST /transfer/event/sync` for the list of events, whose ids are its places
//! (plaid.com/docs/api/products/transfer/reading-transfers). The API key is `client_id` and `secret`.

use serde_json::{Value, json};

use super::api::{Api, NEW_STATUS, Question, about, inner, named, object, usable};
use super::{Confirmed, GatewayError, Listed};
use crate::event::{PaymentEvent, Status};
use crate::json::Json;
use crate::money::{Currency, Money};
use crate::providers::fields::{self, Unit, money};
use crate::secret::SecretValue;
use crate::store::sha256_hex;

/// Events of one page: Plaid's own default.
const PAGE: u32 = 100;
/// The list states no currency: Plaid moves transfers in US dollars alone.
const CURRENCY: &str = "USD";
const INCOMPLETE: GatewayError =
    GatewayError::Unreadable("an event of its list lacks its id, its type or its transfer");

pub(super) struct Plaid;

impl Api for Plaid {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        asked("/transfer/get", key, &[("transfer_id", id.into())])
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let transfer = inner(object(body)?, "transfer")?;
        about(transfer, "id", id)?;
        let amount = money(
            transfer,
            "amount",
            "iso_currency_code",
            Unit::Major,
            Currency::iso_exponent,
        );
        let amount = usable(amount)?;
        let status = transfer.text_at("status").and_then(|word| status(&word));
        let status = status.ok_or(NEW_STATUS)?;
        Ok(Confirmed {
            status: after_refunds(transfer, status, amount.as_ref())?,
            amount,
        })
    }

    fn news_question(
        &self,
        after: u64,
        key: &SecretValue,
    ) -> Result<Option<Question>, GatewayError> {
        let more = [("after_id", after.into()), ("count", PAGE.into())];
        asked("/transfer/event/sync", key, &more)
    }

    fn page(&self, body: &[u8]) -> Result<(Vec<Listed>, bool), GatewayError> {
        let page = object(body)?;
        let events = page.get("transfer_events").and_then(Json::items);
        let events = events.ok_or(GatewayError::Unreadable("its list of events is missing"))?;
        let has_more = page.get("has_more").and_then(Json::boolean);
        let has_more = has_more.ok_or(GatewayError::Unreadable(
            "it does not say whether its list goes on",
        ))?;
        let events: Result<_, _> = events.into_iter().map(listed).collect();
        Ok((events?, has_more))
    }
}

fn asked(
    path: &str,
    key: &SecretValue,
    more: &[(&str, Value)],
) -> Result<Option<Question>, GatewayError> {
    let mut body = json!({"client_id": named(key, "client_id")?, "secret": named(key, "secret")?});
    for (name, value) in more {
        body[*name] = value.clone();
    }
    Ok(Some(Question::post(path).json(&body)))
}

/// A transfer's status, and the type of the event that it became so.
fn status(word: &str) -> Option<Status> {
    Some(match word {
        "pending" => Status::Pending,
        "posted" => Status::Succeeded,
        "settled" | "funds_available" => Status::Settled,
        "failed" => Status::Failed,
        "cancelled" => Status::Canceled,
        "returned" => Status::Disputed,
        _ => return None,
    })
}

/// Refunds stand beside the status: those that were submitted count, those that are only planned or came to nothing do not.
fn after_refunds(
    transfer: Json<'_>,
    status: Status,
    amount: Option<&Money>,
) -> Result<Status, GatewayError> {
    if !matches!(status, Status::Succeeded | Status::Settled) {
        return Ok(status);
    }
    let refunds = transfer.get("refunds").and_then(Json::items);
    let mut refunded = 0_i64;
    for refund in refunds.unwrap_or_default() {
        if let Some("posted" | "settled") = refund.text_at("status").as_deref() {
            let unusable = GatewayError::Unreadable("an amount is not usable");
            let sum = dollars(refund, "amount").and_then(|money| refunded.checked_add(money.minor));
            refunded = sum.ok_or(unusable)?;
        }
    }
    Ok(match amount {
        _ if refunded <= 0 => status,
        Some(all) if refunded < all.minor => Status::PartiallyRefunded,
        _ => Status::Refunded,
    })
}

fn dollars(json: Json<'_>, name: &str) -> Option<Money> {
    let currency = Currency::parse(CURRENCY).ok()?;
    let places = currency.iso_exponent();
    Money::from_major(&json.id_at(name)?, currency, places).ok()
}

/// What an event of the list claims; sweeps move the money of many transfers and say nothing about one.
fn claimed(event_type: &str) -> Option<Status> {
    match event_type {
        "refund.posted" | "refund.settled" => Some(Status::Refunded),
        // The money came back, or never left.
        "refund.failed" | "refund.returned" => Some(Status::Succeeded),
        of_transfer => status(of_transfer),
    }
}

fn listed(event: Json<'_>) -> Result<Listed, GatewayError> {
    let place = event.get("event_id").and_then(Json::number);
    let place: u64 = place
        .and_then(|digits| digits.parse().ok())
        .ok_or(INCOMPLETE)?;
    let event_type = event.text_at("event_type").ok_or(INCOMPLETE)?;
    let claimed = claimed(&event_type);
    let of_transfer = event.text_at("transfer_id");
    let of_sweep = || {
        let sweep = event.text_at("sweep_id");
        sweep.unwrap_or_else(|| format!("event-{place}"))
    };
    let about = match claimed {
        Some(_) => of_transfer.ok_or(INCOMPLETE)?,
        None => of_transfer.unwrap_or_else(of_sweep),
    };
    // What is refunded is not said. An amount that cannot be read is left to the API, so that it stops no later event.
    let of_refund = event_type.starts_with("refund.");
    let money = dollars(event, "transfer_amount").filter(|_| !of_refund);
    Ok(Listed {
        place,
        event: PaymentEvent {
            provider: "plaid",
            event_id: place.to_string(),
            occurred_ms: fields::ms_at(event, "timestamp"),
            provider_payment_id: about,
            money,
            claimed,
            signed: true,
            common_digest: Some(identity(event)),
            event_type,
        },
        raw: event.raw().as_bytes().to_vec(),
    })
}

/// Digest of what decides, since Plaid may add members to its events.
fn identity(event: Json<'_>) -> String {
    const DECIDING: [&str; 6] = [
        "event_id",
        "event_type",
        "timestamp",
        "transfer_id",
        "transfer_amount",
        "refund_id",
    ];
    let value = |name| event.get(name).map_or("null", Json::raw);
    sha256_hex(DECIDING.map(value).join("\n").as_bytes())
}
