//! What API Gateway hands to the function.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payments::api_gateway::ProxyEvent;
use payments::request::Request;
use serde_json::json;

use crate::support;
use crate::text::Parts;

/// Reads the input as an event, and as a request that is wrapped into both kinds of event and has to come out unchanged.
pub fn proxy_events(input: &[u8]) {
    if let Ok(event) = ProxyEvent::parse(input) {
        let _ = event.into_request(support::now());
    }
    let parts = Parts::read(input);
    let sent = parts.request(support::now());
    let arrived = unwrapped(&rest_event(&parts, &sent).to_string());
    assert_eq!(arrived.body, sent.body);
    assert_eq!(sorted(&arrived.query), sorted(&sent.query));
    for (name, _) in &parts.headers {
        let values = |request: &Request| {
            let mut values: Vec<_> = request.headers.all(name).map(str::to_owned).collect();
            values.sort();
            values
        };
        assert_eq!(values(&arrived), values(&sent), "{name}");
    }
    let arrived = unwrapped(&http_event(&parts).to_string());
    assert_eq!((arrived.body, arrived.query), (sent.body, sent.query));
}

fn unwrapped(event: &str) -> Request {
    let event = ProxyEvent::parse(event.as_bytes()).expect("an event");
    event.into_request(support::now()).expect("a request")
}

fn sorted(query: &[(String, String)]) -> Vec<&(String, String)> {
    let mut query: Vec<_> = query.iter().collect();
    query.sort();
    query
}

fn several(pairs: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut several: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in pairs {
        several.entry(name).or_default().push(value);
    }
    several
}

/// A REST API's event: every value in the one map, the last value of each name in the other.
fn rest_event(parts: &Parts, sent: &Request) -> serde_json::Value {
    let last = |pairs| -> BTreeMap<&str, Option<&str>> {
        let pairs = several(pairs).into_iter();
        pairs
            .map(|(name, values)| (name, values.last().copied()))
            .collect()
    };
    json!({
        "httpMethod": "POST", "path": "/webhooks/x",
        "headers": last(&parts.headers), "multiValueHeaders": several(&parts.headers),
        "queryStringParameters": last(&sent.query), "multiValueQueryStringParameters": several(&sent.query),
        "body": STANDARD.encode(&parts.body), "isBase64Encoded": true,
    })
}

/// An HTTP API's event: the query as it was sent, repeated headers as one list.
fn http_event(parts: &Parts) -> serde_json::Value {
    let joined = |(name, values): (_, Vec<&str>)| (name, values.join(","));
    let headers: BTreeMap<_, _> = several(&parts.headers).into_iter().map(joined).collect();
    json!({
        "version": "2.0", "rawPath": "/webhooks/x", "rawQueryString": parts.query, "headers": headers,
        "requestContext": {"http": {"method": "POST"}},
        "body": STANDARD.encode(&parts.body), "isBase64Encoded": true,
    })
}
