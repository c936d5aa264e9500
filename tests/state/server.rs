//! A small S3 that speaks HTTP to the real SDK: conditional writes, lists, dates, and faults on request.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// What goes wrong with the next call of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status and code, and changes nothing.
    Refused(u16, &'static str),
    /// It takes effect, and the connection breaks before the answer.
    AnswerLost,
}

#[derive(Default)]
struct Shelf {
    objects: BTreeMap<String, (Vec<u8>, SystemTime)>,
    /// After how many calls of which method.
    faults: VecDeque<(usize, &'static str, Fault)>,
    calls: Vec<String>,
    bytes: usize,
}

/// One bucket, `states`, of account 123456789012.
#[derive(Clone)]
pub struct Server {
    shelf: Arc<Mutex<Shelf>>,
    pub endpoint: String,
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Self {
            shelf: Arc::default(),
            endpoint: format!("http://{}", listener.local_addr().expect("an address")),
        };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        server
    }

    /// Lets the next call of a method go wrong.
    pub fn fail(&self, method: &'static str, fault: Fault) {
        self.fail_after(0, method, fault);
    }

    /// The same after some calls of it that go well.
    pub fn fail_after(&self, passed: usize, method: &'static str, fault: Fault) {
        self.shelf().faults.push_back((passed, method, fault));
    }

    /// Every call so far: method and object.
    pub fn calls(&self) -> Vec<String> {
        self.shelf().calls.clone()
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> usize {
        self.shelf().bytes
    }

    pub fn names(&self) -> Vec<String> {
        self.shelf().objects.keys().cloned().collect()
    }

    pub fn content(&self, name: &str) -> Vec<u8> {
        self.shelf().objects[name].0.clone()
    }

    /// Writes or removes an object behind everybody's back.
    pub fn tamper(&self, name: &str, content: Option<Vec<u8>>) {
        let mut shelf = self.shelf();
        match content {
            Some(content) => shelf
                .objects
                .insert(name.to_owned(), (content, SystemTime::now())),
            None => shelf.objects.remove(name),
        };
    }

    /// Makes an object older than it is.
    pub fn age(&self, name: &str, by: std::time::Duration) {
        let mut shelf = self.shelf();
        shelf.objects.get_mut(name).expect("an object").1 -= by;
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("a shelf")
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        while let Some(request) = read(&mut reader) {
            let fault = self.note(&request);
            let reply = match fault {
                Some(Fault::Refused(status, code)) => refuse(status, code),
                _ => self.answer(&request),
            };
            if fault == Some(Fault::AnswerLost) || send(&stream, &request, &reply).is_err() {
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }

    fn note(&self, request: &Request) -> Option<Fault> {
        let mut shelf = self.shelf();
        shelf
            .calls
            .push(format!("{} {}", request.method, request.path));
        let (passed, method, fault) = shelf.faults.front_mut()?;
        if *method != request.method {
            return None;
        }
        if *passed > 0 {
            *passed -= 1;
            return None;
        }
        let fault = *fault;
        shelf.faults.pop_front();
        Some(fault)
    }

    fn answer(&self, request: &Request) -> Reply {
        if request
            .headers
            .get("x-amz-expected-bucket-owner")
            .map(String::as_str)
            != Some("123456789012")
        {
            return refuse(403, "AccessDenied");
        }
        let Some(name) = request
            .path
            .strip_prefix("/states/")
            .filter(|name| !name.is_empty())
        else {
            return self.list(request);
        };
        let mut shelf = self.shelf();
        match request.method.as_str() {
            "GET" => match shelf.objects.get(name) {
                Some((content, at)) => Reply {
                    status: 200,
                    headers: vec![("etag", tag(content)), ("last-modified", date(*at))],
                    body: content.clone(),
                },
                None => refuse(404, "NoSuchKey"),
            },
            "PUT" => {
                let there = shelf.objects.get(name).map(|(content, _)| tag(content));
                if request.headers.contains_key("if-none-match") && there.is_some() {
                    return refuse(412, "PreconditionFailed");
                }
                match (request.headers.get("if-match"), &there) {
                    (Some(_), None) => return refuse(404, "NoSuchKey"),
                    (Some(wanted), Some(there)) if wanted != there => {
                        return refuse(412, "PreconditionFailed");
                    }
                    _ => {}
                }
                shelf.bytes += request.body.len();
                let etag = tag(&request.body);
                shelf
                    .objects
                    .insert(name.to_owned(), (request.body.clone(), SystemTime::now()));
                Reply {
                    status: 200,
                    headers: vec![("etag", etag)],
                    body: Vec::new(),
                }
            }
            "DELETE" => {
                shelf.objects.remove(name);
                Reply {
                    status: 204,
                    headers: Vec::new(),
                    body: Vec::new(),
                }
            }
            _ => refuse(405, "MethodNotAllowed"),
        }
    }

    /// Three names a page, so that pages are followed.
    fn list(&self, request: &Request) -> Reply {
        let parameter = |key: &str| {
            let found = request
                .query
                .split('&')
                .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            found.map(|value| {
                percent_encoding::percent_decode_str(value)
                    .decode_utf8_lossy()
                    .into_owned()
            })
        };
        let (prefix, after) = (
            parameter("prefix").unwrap_or_default(),
            parameter("continuation-token"),
        );
        let shelf = self.shelf();
        let names = shelf
            .objects
            .keys()
            .filter(|name| name.starts_with(&prefix));
        let names: Vec<&String> = names
            .filter(|name| after.as_ref().is_none_or(|after| *name > after))
            .collect();
        let page: String = names
            .iter()
            .take(3)
            .map(|name| format!("<Contents><Key>{name}</Key></Contents>"))
            .collect();
        let next = match names.get(2) {
            Some(last) if names.len() > 3 => {
                format!("<NextContinuationToken>{last}</NextContinuationToken>")
            }
            _ => String::new(),
        };
        let more = names.len() > 3;
        Reply {
            status: 200,
            headers: Vec::new(),
            body: format!(
                "<ListBucketResult><IsTruncated>{more}</IsTruncated>{page}{next}</ListBucketResult>"
            )
            .into_bytes(),
        }
    }
}

fn tag(content: &[u8]) -> String {
    format!("\"{:08x}{:08x}\"", crc32fast::hash(content), content.len())
}

fn date(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).expect("a time");
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn refuse(status: u16, code: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>scripted</Message></Error>");
    Reply {
        status,
        headers: Vec::new(),
        body: body.into_bytes(),
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: BTreeMap::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request
        .headers
        .get("content-length")
        .and_then(|l| l.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let chunked = request
        .headers
        .get("content-encoding")
        .is_some_and(|e| e.contains("aws-chunked"));
    request.body = if chunked { unchunked(&body) } else { body };
    Some(request)
}

/// The content of a body that carries its checksum behind it.
fn unchunked(body: &[u8]) -> Vec<u8> {
    let (mut rest, mut content) = (body, Vec::new());
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let head = std::str::from_utf8(&rest[..end]).expect("a chunk");
        let length =
            usize::from_str_radix(head.split(';').next().unwrap_or(head), 16).expect("a length");
        if length == 0 {
            break;
        }
        content.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    content
}

fn send(mut stream: &TcpStream, request: &Request, reply: &Reply) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {} X\r\ndate: {}\r\n",
        reply.status,
        date(SystemTime::now())
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // A 204 has no body, and so no length.
    if reply.status != 204 {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    head.push_str("x-amz-request-id: scripted\r\n\r\n");
    let body: &[u8] = if request.method == "HEAD" {
        &[]
    } else {
        &reply.body
    };
    stream.write_all(&[head.as_bytes(), body].concat())
}
