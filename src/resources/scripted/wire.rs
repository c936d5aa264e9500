//! How each AWS protocol writes a call, an answer and a refusal.

use super::cbor;
use aws_smithy_cbor::Encoder;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Json,
    Query,
    Cbor,
    Rest,
    /// S3's: the answer is XML, written out by the test or made of its one field, the root element.
    RestXml,
}

/// A call as it was sent.
#[derive(Clone, Debug)]
pub struct Asked {
    protocol: Protocol,
    pub call: String,
    pub body: Value,
}

impl Asked {
    pub fn read(request: &HttpRequest) -> Self {
        let bytes = request.body().bytes().unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let service = service(request.uri());
        let named = |protocol, operation: &str, body| Self {
            protocol,
            call: format!("{service}:{operation}"),
            body,
        };
        let (path, query) = path_and_query(request.uri());
        if let Some(target) = request.headers().get("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target);
            return named(Protocol::Json, operation, json_or_text(&text));
        }
        if let Some((_, operation)) = path.split_once("/operation/") {
            return named(Protocol::Cbor, operation, cbor::decode(bytes));
        }
        if text.starts_with("Action=") {
            let form = form(&text);
            let operation = form["Action"].as_str().unwrap_or_default().to_owned();
            return named(Protocol::Query, &operation, form);
        }
        let protocol = match service {
            "s3" => Protocol::RestXml,
            _ => Protocol::Rest,
        };
        Self {
            protocol,
            call: format!("{} {path}{query}", request.method()),
            body: json_or_text(&text),
        }
    }

    pub fn answer(&self, status: u16, body: &Value) -> HttpResponse {
        let body = match self.protocol {
            Protocol::Json | Protocol::Rest | Protocol::RestXml if body.is_null() => Vec::new(),
            Protocol::Json | Protocol::Rest => body.to_string().into_bytes(),
            Protocol::Cbor => encoded(body),
            Protocol::RestXml => match body.as_object().and_then(|fields| fields.iter().next()) {
                Some((root, inner)) => xml(root, inner).into_bytes(),
                None => body.as_str().unwrap_or_default().as_bytes().to_vec(),
            },
            Protocol::Query => {
                let operation = self.call.rsplit(':').next().unwrap_or_default();
                let result = xml(&format!("{operation}Result"), body);
                format!("<{operation}Response>{result}</{operation}Response>").into_bytes()
            }
        };
        respond(status, body)
    }

    pub fn refuse(&self, status: u16, code: &str, message: &str) -> HttpResponse {
        let type_name = code.rsplit('.').next().unwrap_or(code);
        let plain = json!({"__type": type_name, "message": message});
        let body = match self.protocol {
            Protocol::Json | Protocol::Rest => plain.to_string().into_bytes(),
            Protocol::Cbor => encoded(&plain),
            Protocol::RestXml => {
                xml("Error", &json!({"Code": code, "Message": message})).into_bytes()
            }
            Protocol::Query => {
                let error = json!({"Error": {"Type": "Sender", "Code": code, "Message": message}});
                xml("ErrorResponse", &error).into_bytes()
            }
        };
        let mut response = respond(status, body);
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", type_name.to_owned());
        if self.call.starts_with("sqs:") {
            headers.insert("x-amzn-query-error", format!("{code};Sender"));
        }
        response
    }
}

fn respond(status: u16, body: Vec<u8>) -> HttpResponse {
    let status = status
        .try_into()
        .expect("scripted status is an HTTP status");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response
        .headers_mut()
        .insert("x-amzn-requestid", "scripted");
    response
        .headers_mut()
        .insert("smithy-protocol", "rpc-v2-cbor");
    response
}

/// The service's name in IAM actions, from the host it is called at.
fn service(uri: &str) -> &str {
    let host = uri.split("://").nth(1).unwrap_or(uri);
    let mut labels = host.split('.');
    match (labels.next().unwrap_or_default(), labels.next()) {
        // A bucket has a host of its own.
        (_, Some("s3")) => "s3",
        // DynamoDB is asked at a host of the account's own when a call names an ARN.
        ("streams", _) | (_, Some("ddb")) => "dynamodb",
        ("monitoring", _) => "cloudwatch",
        (name, _) => name,
    }
}

/// The path, and the query with its question mark.
fn path_and_query(uri: &str) -> (&str, &str) {
    let after_host = uri.split("://").nth(1).unwrap_or(uri);
    let target = after_host.find('/').map_or("/", |at| &after_host[at..]);
    target.split_at(target.find('?').unwrap_or(target.len()))
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn form(text: &str) -> Value {
    let plain = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let fields: Map<_, _> = pairs.map(|(k, v)| (plain(k), plain(v).into())).collect();
    fields.into()
}

fn xml(name: &str, value: &Value) -> String {
    let inner: String = match value {
        Value::Array(items) if name == "entry" => {
            return items.iter().map(|item| xml(name, item)).collect();
        }
        Value::Array(items) => items.iter().map(|item| xml("member", item)).collect(),
        Value::Object(fields) => fields.iter().map(|(k, v)| xml(k, v)).collect(),
        Value::Null => String::new(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encode(&mut encoder, value);
    encoder.into_writer()
}

fn encode(to: &mut Encoder, value: &Value) {
    match value {
        Value::Null => drop(to.null()),
        Value::Bool(flag) => drop(to.boolean(*flag)),
        Value::String(text) => drop(to.str(text)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => drop(to.long(whole)),
            None => drop(to.double(number.as_f64().unwrap_or_default())),
        },
        Value::Array(items) => {
            to.array(items.len());
            items.iter().for_each(|item| encode(to, item));
        }
        Value::Object(fields) => {
            to.map(fields.len());
            for (key, item) in fields {
                to.str(key);
                encode(to, item);
            }
        }
    }
}
