//! The code of an earlier version.

use super::*;
use std::io::{Read, Write};

const VERSION: &str = "6";

fn get_version() -> String {
    format!("GET {F}?Qualifier={VERSION}")
}

/// An address at which these bytes can be downloaded once.
fn download(bytes: &'static [u8]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/code", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), bytes].concat());
    });
    address
}

async fn fetched(sha: String, location: String) -> Option<Vec<u8>> {
    let shown = json!({"Configuration": {"CodeSha256": sha}, "Code": {"Location": location}});
    let (aws, _script) = scripted([reply(&get_version(), 200, shown)]);
    let name = "payment-processor-dev";
    fetch(&aws, name, VERSION, &super::sha()).await.unwrap()
}

#[tokio::test]
async fn the_code_of_a_version_is_downloaded_when_it_is_the_wanted_one() {
    assert_eq!(fetched(sha(), download(ZIP)).await.as_deref(), Some(ZIP));
}

#[tokio::test]
async fn code_that_is_not_what_lambda_says_or_not_the_wanted_one_is_not_taken() {
    assert_eq!(fetched(sha(), download(b"other")).await, None);
    assert_eq!(fetched("other".to_owned(), download(ZIP)).await, None);
}

#[tokio::test]
async fn a_version_that_is_gone_is_no_error() {
    let gone = reply_error(
        &get_version(),
        404,
        "ResourceNotFoundException",
        "no such version",
    );
    let (aws, _script) = scripted([gone]);
    let name = "payment-processor-dev";
    let fetched = fetch(&aws, name, VERSION, &sha()).await;
    assert_eq!(fetched.unwrap(), None);
}
