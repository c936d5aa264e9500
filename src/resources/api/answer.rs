//! What API Gateway answers when a request does not reach a function.

use crate::resources::Unmanaged;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An answer that API Gateway gives by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayResponse {
    /// `DEFAULT_4XX`, `REQUEST_TOO_LARGE`, ...
    pub case: String,
    /// HTTP status; the case's own when absent.
    pub status: Option<u16>,
    /// JSON text, with API Gateway's `$context` variables.
    pub template: String,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl GatewayResponse {
    /// Small JSON for every case; an unknown path is not found rather than unauthenticated.
    pub fn standard() -> Vec<Self> {
        let answer = |case: &str, status, body: Value| Self {
            case: case.to_owned(),
            status,
            template: body.to_string(),
            unmanaged: Unmanaged::new(),
        };
        let refused = json!({"status": "refused", "requestId": "$context.requestId"});
        let failed = json!({"status": "failed", "requestId": "$context.requestId"});
        vec![
            answer("DEFAULT_4XX", None, refused),
            answer("DEFAULT_5XX", None, failed),
            answer(
                "MISSING_AUTHENTICATION_TOKEN",
                Some(404),
                json!({"status": "not found"}),
            ),
            answer(
                "REQUEST_TOO_LARGE",
                Some(413),
                json!({"status": "too large"}),
            ),
        ]
    }
}

/// Sorted, and without a status where it is what API Gateway answers anyway, as it shows that one in any case.
pub(super) fn canonical(mut answers: Vec<GatewayResponse>) -> Vec<GatewayResponse> {
    answers.sort_by(|a, b| a.case.cmp(&b.case));
    for answer in &mut answers {
        let default = default_status(&answer.case);
        answer.status = answer.status.filter(|status| default != Some(*status));
    }
    answers
}

/// The status that API Gateway gives a case; the two `DEFAULT_` ones leave each case its own.
fn default_status(case: &str) -> Option<u16> {
    Some(match case {
        "BAD_REQUEST_PARAMETERS" | "BAD_REQUEST_BODY" => 400,
        "UNAUTHORIZED" => 401,
        "ACCESS_DENIED" | "EXPIRED_TOKEN" | "INVALID_API_KEY" | "INVALID_SIGNATURE" => 403,
        "MISSING_AUTHENTICATION_TOKEN" | "WAF_FILTERED" => 403,
        "RESOURCE_NOT_FOUND" => 404,
        "REQUEST_TOO_LARGE" => 413,
        "UNSUPPORTED_MEDIA_TYPE" => 415,
        "QUOTA_EXCEEDED" | "THROTTLED" => 429,
        "API_CONFIGURATION_ERROR" | "AUTHORIZER_CONFIGURATION_ERROR" | "AUTHORIZER_FAILURE" => 500,
        "INTEGRATION_FAILURE" | "INTEGRATION_TIMEOUT" => 504,
        _ => return None,
    })
}
