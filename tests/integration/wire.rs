//! A proxy between payhook and the emulator that counts what is asked of AWS.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::request::{Request, is_read};

pub struct Wire {
    pub url: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Passes everything on to an endpoint such as `http://127.0.0.1:4566`.
    pub fn to(endpoint: &str) -> Self {
        let upstream = endpoint
            .strip_prefix("http://")
            .expect("an http address")
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let calls = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&calls);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (upstream, seen) = (upstream.clone(), Arc::clone(&seen));
                std::thread::spawn(move || pass_on(connection, &upstream, &seen));
            }
        });
        Self { url, calls }
    }

    /// Names of the operations since the last time, reads and mutations apart, each sorted.
    pub fn take(&self) -> (Vec<String>, Vec<String>) {
        let mut calls = std::mem::take(&mut *self.calls.lock().expect("the calls"));
        calls.sort();
        calls.into_iter().partition(|call| is_read(call))
    }
}

/// Passes one request on; the connection then ends, so that each is seen from its beginning.
fn pass_on(mut client: TcpStream, upstream: &str, calls: &Mutex<Vec<String>>) -> Option<()> {
    let request = Request::read(&client)?;
    calls.lock().ok()?.push(request.operation());
    let mut server = TcpStream::connect(upstream).ok()?;
    server.write_all(&request.bytes(upstream)).ok()?;
    std::io::copy(&mut server, &mut client).ok()?;
    Some(())
}
