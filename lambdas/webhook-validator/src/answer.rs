//! What the provider is told. Nothing of the request is ever repeated in it.

use serde::Serialize;
use serde_json::{Value, json};

/// A response for API Gateway's proxy integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub status_code: u16,
    pub headers: Value,
    pub body: String,
    is_base64_encoded: bool,
}

impl Answer {
    fn json(status_code: u16, status: &str) -> Self {
        Self {
            status_code,
            headers: json!({"content-type": "application/json"}),
            body: json!({"status": status}).to_string(),
            is_base64_encoded: false,
        }
    }

    fn text(body: &str) -> Self {
        let headers = json!({"content-type": "text/plain"});
        Self {
            status_code: 200,
            headers,
            body: body.to_owned(),
            is_base64_encoded: false,
        }
    }

    /// The event is in safe hands: `stored`, `duplicate`, `conflict` or `empty`.
    pub(crate) fn accepted(provider: &str, status: &'static str) -> Self {
        // Adyen's older webhooks count anything but this very text as not delivered.
        if provider == "adyen" {
            Self::text("[accepted]")
        } else {
            Self::json(200, status)
        }
    }

    /// The answer to a provider's test of a new endpoint.
    pub(crate) fn challenge(text: &str) -> Self {
        Self::text(text)
    }

    pub(crate) fn malformed() -> Self {
        Self::json(400, "malformed")
    }

    pub(crate) fn bad_signature() -> Self {
        Self::json(401, "bad_signature")
    }

    pub(crate) fn unknown_provider() -> Self {
        Self::json(404, "unknown_provider")
    }

    pub(crate) fn wrong_method() -> Self {
        let mut answer = Self::json(405, "method_not_allowed");
        answer.headers["allow"] = "POST".into();
        answer
    }

    pub(crate) fn too_large() -> Self {
        Self::json(413, "too_large")
    }

    /// The provider should try again.
    pub(crate) fn try_again() -> Self {
        Self::json(500, "try_again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_shape_that_api_gateway_expects() {
        let answer = serde_json::to_value(Answer::accepted("stripe", "stored")).unwrap();
        let headers = json!({"content-type": "application/json"});
        let expected = json!({"statusCode": 200, "headers": headers, "body": "{\"status\":\"stored\"}", "isBase64Encoded": false});
        assert_eq!(answer, expected);
    }

    #[test]
    fn adyen_is_told_accepted_in_plain_text() {
        let answer = Answer::accepted("adyen", "duplicate");
        assert_eq!(
            (answer.status_code, answer.body.as_str()),
            (200, "[accepted]")
        );
        assert_eq!(answer.headers, json!({"content-type": "text/plain"}));
    }
}
