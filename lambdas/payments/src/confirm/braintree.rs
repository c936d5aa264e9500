//! Braintree's API: `GET /merchants/{merchant}/transactions/{id}` in XML (developer.paypal.com/braintree/docs, transaction
//! find). The API key is `merchant_id`, `public_key` and `private_key`.

use roxmltree::Document;

use super::api::{Api, NEW_STATUS, Question, named, plain, usable};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::providers::braintree::{money, parse, text};
use crate::secret::SecretValue;

/// The version whose shapes are read here.
const VERSION: &str = "6";

pub(super) struct Braintree;

impl Api for Braintree {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let merchant = named(key, "merchant_id")?;
        if !plain(merchant) {
            return Err(GatewayError::NoKey);
        }
        Question::get(format!("/merchants/{merchant}/transactions/{id}"))
            .header("x-apiversion", VERSION)
            .header("accept", "application/xml")
            .basic(named(key, "public_key")?, named(key, "private_key")?)
            .map(Some)
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let unreadable = GatewayError::Unreadable("it is not an XML document");
        let xml = std::str::from_utf8(body).map_err(|_| unreadable.clone())?;
        let document: Document<'_> = parse(xml).map_err(|_| unreadable)?;
        let transaction = document.root_element();
        if text(transaction, "id") != Some(id) {
            return Err(GatewayError::Unreadable("it is about another payment"));
        }
        Ok(Confirmed {
            status: status(text(transaction, "status")).ok_or(NEW_STATUS)?,
            amount: usable(money(transaction))?,
        })
    }
}

fn status(status: Option<&str>) -> Option<Status> {
    Some(match status? {
        "authorizing" | "settlement_pending" => Status::Pending,
        "authorized" => Status::Authorised,
        "submitted_for_settlement" | "settling" | "settled" | "settlement_confirmed" => {
            Status::Succeeded
        }
        "voided" => Status::Canceled,
        "authorization_expired"
        | "failed"
        | "gateway_rejected"
        | "processor_declined"
        | "settlement_declined" => Status::Failed,
        _ => return None,
    })
}
