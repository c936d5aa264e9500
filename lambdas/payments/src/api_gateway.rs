//! API Gateway proxy events (REST 1.0 and HTTP 2.0) as requests, with the bytes that were signed.

use std::collections::BTreeMap;

use base64::Engine;
use jiff::Timestamp;
use serde::Deserialize;

use crate::mac::BASE64_KEY;
use crate::request::{Headers, Request};

/// What API Gateway hands to a Lambda proxy integration, in either payload version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyEvent {
    version: Option<String>,
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    path_parameters: Option<BTreeMap<String, Option<String>>>,
    headers: Option<BTreeMap<String, Option<String>>>,
    multi_value_headers: Option<BTreeMap<String, Option<Vec<String>>>>,
    query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Option<Vec<String>>>>,
    request_context: Option<RequestContext>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
    http: Option<HttpContext>,
}

#[derive(Deserialize)]
struct HttpContext {
    method: Option<String>,
}

/// The payload of the function is not a usable proxy event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAProxyEvent {
    #[error("the payload is not an API Gateway proxy event; invoke the function through its API")]
    Shape,
    #[error("the body is marked as base64 and is not")]
    Base64,
}

impl ProxyEvent {
    /// Reads the JSON payload of an invocation.
    pub fn parse(payload: &[u8]) -> Result<ProxyEvent, NotAProxyEvent> {
        serde_json::from_slice(payload).map_err(|_| NotAProxyEvent::Shape)
    }

    /// The request as the provider sent it.
    pub fn into_request(self, received_at: Timestamp) -> Result<Request, NotAProxyEvent> {
        let context = self.request_context.as_ref();
        let method = self
            .http_method
            .clone()
            .or_else(|| context?.http.as_ref()?.method.clone())
            .ok_or(NotAProxyEvent::Shape)?;
        let request_id = context.and_then(|context| context.request_id.clone());
        let (headers, query, provider) = (self.headers(), self.query(), self.provider());
        Ok(Request {
            method: method.to_ascii_uppercase(),
            provider,
            headers,
            query,
            body: self.into_body()?,
            received_at,
            request_id,
        })
    }

    fn headers(&self) -> Headers {
        let mut headers = Headers::default();
        for (name, values) in self.multi_value_headers.iter().flatten() {
            for value in values.iter().flatten() {
                headers.append(name, value.as_str());
            }
        }
        // REST events repeat the last value of each header here; HTTP events have only this map.
        for (name, value) in self.headers.iter().flatten() {
            if let Some(value) = value.as_deref().filter(|_| !headers.contains(name)) {
                headers.append(name, value);
            }
        }
        headers
    }

    fn query(&self) -> Vec<(String, String)> {
        if self.version.as_deref() == Some("2.0") {
            let raw = self.raw_query_string.as_deref().unwrap_or_default();
            return form_urlencoded::parse(raw.as_bytes())
                .into_owned()
                .collect();
        }
        let several = self.multi_value_query_string_parameters.iter().flatten();
        let several = several.flat_map(|(name, values)| {
            values
                .iter()
                .flatten()
                .map(move |value| (name.clone(), value.clone()))
        });
        let mut query: Vec<_> = several.collect();
        for (name, value) in self.query_string_parameters.iter().flatten() {
            if !query.iter().any(|(n, _)| n == name) {
                query.push((name.clone(), value.clone().unwrap_or_default()));
            }
        }
        query
    }

    fn provider(&self) -> Option<String> {
        let given = self
            .path_parameters
            .as_ref()
            .and_then(|parameters| parameters.get("provider").cloned().flatten());
        let path = self
            .path
            .as_deref()
            .or(self.raw_path.as_deref())
            .unwrap_or_default();
        let in_path = path
            .split_once("/webhooks/")
            .map(|(_, rest)| rest.trim_end_matches('/').to_owned());
        given.or(in_path).filter(|provider| !provider.is_empty())
    }

    fn into_body(self) -> Result<Vec<u8>, NotAProxyEvent> {
        let text = self.body.unwrap_or_default();
        if self.is_base64_encoded {
            BASE64_KEY.decode(text).map_err(|_| NotAProxyEvent::Base64)
        } else {
            Ok(text.into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(event: &str) -> Result<Request, NotAProxyEvent> {
        ProxyEvent::parse(event.as_bytes())?.into_request(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_rest_event_keeps_every_value_of_a_repeated_header() {
        let request = request(
            r#"{"resource":"/webhooks/{provider}","path":"/webhooks/stripe","httpMethod":"POST",
            "headers":{"X-Sig":"b","X-One":"1"},"multiValueHeaders":{"X-Sig":["a","b"],"X-One":["1"]},
            "queryStringParameters":{"data.id":"7"},"multiValueQueryStringParameters":{"data.id":["7"]},
            "pathParameters":{"provider":"stripe"},"requestContext":{"requestId":"r-1"},
            "body":"{\"a\":\"é\"}","isBase64Encoded":false}"#,
        )
        .expect("a request");
        assert_eq!(request.headers.all("x-sig").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(request.headers.all("x-one").collect::<Vec<_>>(), ["1"]);
        assert_eq!(request.query("data.id"), Some("7"));
        assert_eq!(
            (request.method.as_str(), request.provider.as_deref()),
            ("POST", Some("stripe"))
        );
        assert_eq!(request.body, "{\"a\":\"é\"}".as_bytes());
        assert_eq!(request.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn an_http_event_is_decoded_to_the_signed_bytes() {
        let request = request(
            r#"{"version":"2.0","rawPath":"/prod/webhooks/mercado_pago","rawQueryString":"data.id=A%20b&type=order",
            "headers":{"x-sig":"a"},"requestContext":{"http":{"method":"post"}},"body":"AAH/","isBase64Encoded":true}"#,
        )
        .expect("a request");
        assert_eq!(request.body, [0, 1, 255]);
        assert_eq!(request.query("data.id"), Some("A b"));
        assert_eq!(
            (request.method.as_str(), request.provider.as_deref()),
            ("POST", Some("mercado_pago"))
        );
    }

    #[test]
    fn nulls_are_absences_and_nonsense_is_an_error() {
        let bare = request(r#"{"httpMethod":"POST","path":"/webhooks","headers":null,"pathParameters":null,"body":null}"#)
            .expect("a request");
        assert_eq!((bare.provider, bare.body.len()), (None, 0));
        assert_eq!(request("[]").err(), Some(NotAProxyEvent::Shape));
        assert_eq!(request("{}").err(), Some(NotAProxyEvent::Shape));
        let wrong = r#"{"httpMethod":"POST","body":"not base64!","isBase64Encoded":true}"#;
        assert_eq!(request(wrong).err(), Some(NotAProxyEvent::Base64));
    }
}
