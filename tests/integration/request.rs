//! A request as it crosses the wire, read so far as to know what it asks of AWS.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

/// Operations that change nothing, by the first word of their name.
const READS: [&str; 5] = ["Get", "List", "Describe", "Query", "Scan"];

/// Whether an operation only looks.
pub fn is_read(call: &str) -> bool {
    READS.iter().any(|word| call.starts_with(word)) || call.starts_with("GET ")
}

pub struct Request {
    pub start: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one whole request; `None` when the connection ends before.
    pub fn read(connection: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(connection);
        let mut start = String::new();
        reader
            .read_line(&mut start)
            .ok()
            .filter(|length| *length > 0)?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_owned())),
                None => break,
            }
        }
        let mut request = Self {
            start: start.trim_end().to_owned(),
            headers,
            body: Vec::new(),
        };
        assert!(
            request.header("transfer-encoding").is_none(),
            "the SDK states the length"
        );
        let length = request
            .header("content-length")
            .map_or(Ok(0), str::parse)
            .ok()?;
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }

    /// The request for the server itself, as the last one of its connection.
    pub fn bytes(&self, upstream: &str) -> Vec<u8> {
        let mut head = format!(
            "{}\r\nhost: {upstream}\r\nconnection: close\r\n",
            self.start
        );
        for (name, value) in &self.headers {
            if !["host", "connection"].contains(&name.as_str()) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Each protocol of AWS names the operation in its own place; REST has only verb and path.
    pub fn operation(&self) -> String {
        if let Some(target) = self.header("x-amz-target") {
            return target.rsplit('.').next().unwrap_or(target).to_owned();
        }
        let mut words = self.start.split(' ');
        let (verb, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let path = path.split('?').next().unwrap_or(path);
        if let Some((_, operation)) = path.split_once("/operation/") {
            return operation.to_owned();
        }
        let form = String::from_utf8_lossy(&self.body);
        let action = form
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="));
        action.map_or_else(|| format!("{verb} {path}"), str::to_owned)
    }
}

#[test]
fn every_protocol_of_aws_is_told_apart_into_reads_and_mutations() {
    let request = |start: &str, headers: &[(&str, &str)], body: &str| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(own).collect();
        Request {
            start: start.to_owned(),
            headers,
            body: body.into(),
        }
        .operation()
    };
    let json = |target| request("POST / HTTP/1.1", &[("x-amz-target", target)], "{}");
    let query = |body| request("POST / HTTP/1.1", &[], body);
    let cbor = "POST /service/GraniteServiceVersion20100801/operation/PutMetricAlarm HTTP/1.1";
    for (operation, name, reads) in [
        (
            json("DynamoDB_20120810.DescribeTable"),
            "DescribeTable",
            true,
        ),
        (json("TrentService.CreateKey"), "CreateKey", false),
        (query("Action=GetRole&Version=2010-05-08"), "GetRole", true),
        (query("Version=2010-05-08&Action=TagRole"), "TagRole", false),
        (request(cbor, &[], ""), "PutMetricAlarm", false),
        (
            request("GET /restapis?limit=5 HTTP/1.1", &[], ""),
            "GET /restapis",
            true,
        ),
        (
            request("PATCH /restapis/1 HTTP/1.1", &[], ""),
            "PATCH /restapis/1",
            false,
        ),
    ] {
        assert_eq!(operation, name);
        assert_eq!(is_read(&operation), reads, "{operation}");
    }
}
