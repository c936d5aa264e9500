//! Authorize.Net's API: `getTransactionDetailsRequest` to `POST /xml/v1/request.api`
//! (developer.authorize.net/api/reference, transaction reporting). The API key is `name` and `transaction_key`. The answer
//! begins with a byte order mark and names no currency.

use serde_json::json;

use super::api::{Api, NEW_STATUS, Question, about, inner, named, object};
use super::{Confirmed, GatewayError};
use crate::event::Status;
use crate::secret::SecretValue;

pub(super) struct AuthorizeNet;

/// The API's own code for a transaction it does not know.
const NO_SUCH_TRANSACTION: &str = "E00040";
/// Its codes for a login or key that is wrong or has no right to ask.
const DENIED: [&str; 3] = ["E00006", "E00007", "E00011"];

impl Api for AuthorizeNet {
    fn question(&self, id: &str, key: &SecretValue) -> Result<Option<Question>, GatewayError> {
        let login = json!({
            "name": named(key, "name")?, "transactionKey": named(key, "transaction_key")?,
        });
        let body = json!({
            "getTransactionDetailsRequest": {"merchantAuthentication": login, "transId": id},
        });
        let number = id.bytes().all(|byte| byte.is_ascii_digit());
        Ok(number.then(|| Question::post("/xml/v1/request.api").json(&body)))
    }

    fn answer(&self, id: &str, body: &[u8]) -> Result<Confirmed, GatewayError> {
        let answer = object(body)?;
        if answer.text_at("messages.resultCode").as_deref() == Some("Error") {
            let messages = answer.at("messages.message").and_then(|list| list.items());
            let code = messages.and_then(|list| list.first()?.text_at("code"));
            return Err(match code.as_deref() {
                Some(NO_SUCH_TRANSACTION) => GatewayError::NoSuchPayment,
                Some(code) if DENIED.contains(&code) => GatewayError::Denied(401),
                _ => GatewayError::Unreadable("it reports an error of its own"),
            });
        }
        let transaction = inner(answer, "transaction")?;
        about(transaction, "transId", id)?;
        let status = match transaction.text_at("transactionStatus").as_deref() {
            Some("authorizedPendingCapture" | "authorizedPendingRelease") => Status::Authorised,
            Some("capturedPendingSettlement" | "chargebackReversal") => Status::Succeeded,
            Some("settledSuccessfully") => Status::Settled,
            Some("refundPendingSettlement" | "refundSettledSuccessfully") => Status::Refunded,
            Some("voided") => Status::Canceled,
            Some(
                "declined" | "expired" | "communicationError" | "failedReview" | "generalError"
                | "settlementError",
            ) => Status::Failed,
            Some(
                "FDSPendingReview"
                | "FDSAuthorizedPendingReview"
                | "underReview"
                | "approvedReview"
                | "pendingFinalSettlement"
                | "pendingSettlement"
                | "updatingSettlement",
            ) => Status::Pending,
            Some("returnedItem" | "chargeback") => Status::Disputed,
            _ => return Err(NEW_STATUS),
        };
        Ok(Confirmed {
            status,
            amount: None,
        })
    }
}
