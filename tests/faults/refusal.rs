//! How AWS refuses a request, in the form of the request's own protocol.

use crate::request::Request;

/// What a throttled caller is told.
const MESSAGE: &str = "Rate exceeded";

/// A refusal for too many calls; most services say it with status 400.
pub fn throttle(request: &Request) -> Vec<u8> {
    if request.header("x-amz-target").is_some() {
        return json(400, "ThrottlingException", MESSAGE);
    }
    if request.start.contains("/operation/") {
        return cbor(400, "ThrottlingException");
    }
    if request.body.windows(7).any(|part| part == b"Action=") {
        return query(400, "Throttling");
    }
    json(429, "TooManyRequestsException", MESSAGE)
}

/// A refusal that no waiting helps, by a service that speaks JSON.
pub fn denied() -> Vec<u8> {
    json(
        400,
        "AccessDeniedException",
        "no identity-based policy allows it",
    )
}

/// A failure of the server; what stands before the service answers in HTML or not at all.
pub fn failure(status: u16) -> Vec<u8> {
    let body = match status {
        500 => Vec::new(),
        _ => b"<html><body>no server is available</body></html>".to_vec(),
    };
    answer(status, &[("content-type", "text/html")], &body)
}

fn json(status: u16, code: &str, message: &str) -> Vec<u8> {
    let body = format!(r#"{{"__type":"{code}","message":"{message}"}}"#);
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amzn-errortype", code),
    ];
    answer(status, &headers, body.as_bytes())
}

fn query(status: u16, code: &str) -> Vec<u8> {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{MESSAGE}</Message></Error>\
         <RequestId>spoiled</RequestId></ErrorResponse>"
    );
    answer(status, &[("content-type", "text/xml")], body.as_bytes())
}

fn cbor(status: u16, code: &str) -> Vec<u8> {
    let mut body = vec![0xa2];
    for text in ["__type", code, "message", MESSAGE] {
        // A text shorter than 24 bytes has its length in its first byte.
        let length = u8::try_from(text.len()).expect("a short text");
        assert!(length < 24);
        body.push(0x60 + length);
        body.extend(text.as_bytes());
    }
    let headers = [
        ("content-type", "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
    ];
    answer(status, &headers, &body)
}

fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Spoiled\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}
